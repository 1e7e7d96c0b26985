# Whether a model has seen a benchmark in training: its images, near duplicates of them, its people.
#
# Needs: the root of a data set or EmotioNet's samples. Makes: results/leakage/{benchmark}.parquet, digests of all
# images of a set; results/leakage/{benchmark}_{run}.csv with what is in both, and .json with their numbers.
from affectflow.inspection import stages as inspection_stages


rule digest_images:
    input:
        INPUTS.of_dataset(name_of_benchmark),
        faces=lambda wildcards: PLAN.faces.table_of_images(wildcards.benchmark) or [],
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
        **INPUTS.dataset_params(
            inspection_stages.digest_images,
            name_of_benchmark,
            split=lambda wildcards: PLAN.data.all_of(wildcards.benchmark),
        ),
    script:
        RUN_STAGE


rule check_leakage:
    input:
        INPUTS.files_of_compared_sets,
        images=INPUTS.digests_of_compared_sets,
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
        **INPUTS.params(
            inspection_stages.check_leakage,
            sides=INPUTS.compared_sets,
            code=INPUTS.code_with_compared_sets(inspection_stages.check_leakage),
        ),
    script:
        RUN_STAGE
