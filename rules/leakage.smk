# Whether a model has seen a benchmark in training: its images, near duplicates of them, its people.
#
# Needs: the root of a data set or EmotioNet's samples. Makes: results/leakage/{benchmark}.parquet, digests of all
# images of a set; results/leakage/{benchmark}_{run}.csv with what is in both, and .json with their numbers.
from affectflow.inspection import stages as inspection_stages


rule digest_images:
    input:
        input_files(lambda wildcards: wildcards.benchmark),
    output:
        images="results/leakage/{benchmark}.parquet",
    log:
        "results/logs/digest_images/{benchmark}.log",
    benchmark:
        "results/benchmarks/digest_images/{benchmark}.tsv"
    conda:
        BASE
    threads: 4
    params:
        **dataset_params(
            inspection_stages.digest_images,
            lambda wildcards: wildcards.benchmark,
            split=lambda wildcards: PLAN.data.all_of(wildcards.benchmark),
        ),
    script:
        RUN_STAGE


rule check_leakage:
    input:
        lambda w: sorted(
            {
                file
                for name, _, _ in compared_sets(w)
                for file in PLAN.data.input_files(name)
            }
        ),
        images=lambda w: [
            f"results/leakage/{name}.parquet" for name, _, _ in compared_sets(w)
        ],
    output:
        pairs="results/leakage/{benchmark}_{run}.csv",
        counts="results/leakage/{benchmark}_{run}.json",
    log:
        "results/logs/check_leakage/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/check_leakage/{benchmark}_{run}.tsv"
    conda:
        BASE
    params:
        **params(
            inspection_stages.check_leakage,
            sides=compared_sets,
            code=lambda w: code_of(
                inspection_stages.check_leakage,
                *{datasets.module_of(name) for name, _, _ in compared_sets(w)},
            ),
        ),
    script:
        RUN_STAGE
