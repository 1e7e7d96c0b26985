# Whether a model has seen a benchmark: its images, images that look the same, its people.
#
# Needs: the root of a data set or EmotioNet's samples. Makes: results/overlap/{benchmark}.parquet, digests of all
# images of a set; results/overlap/{benchmark}_{run}.csv with the overlapping ones, and .json with their numbers.


rule digest_images:
    input:
        ask(lambda wildcards: PLAN.data.waits_for(wildcards.benchmark)),
    output:
        images="results/overlap/{benchmark}.parquet",
    log:
        "results/logs/digest_images/{benchmark}.log",
    benchmark:
        "results/benchmarks/digest_images/{benchmark}.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        root=ask(lambda wildcards: PLAN.data.root(wildcards.benchmark)),
        split=lambda wildcards: PLAN.data.whole(wildcards.benchmark),
        state=ask(lambda wildcards: PLAN.data.state(wildcards.benchmark)),
        code=lambda wildcards: dataset_code("digest_images", wildcards.benchmark),
    script:
        "../workflow/scripts/digest_images.py"


rule check_leakage:
    input:
        ask(
            lambda w: sorted(
                {
                    file
                    for name, _, _ in PLAN.scores.sides(w.benchmark, w.run)
                    for file in PLAN.data.waits_for(name)
                }
            )
        ),
        images=ask(
            lambda w: [
                f"results/overlap/{name}.parquet"
                for name, _, _ in PLAN.scores.sides(w.benchmark, w.run)
            ]
        ),
    output:
        pairs="results/overlap/{benchmark}_{run}.csv",
        counts="results/overlap/{benchmark}_{run}.json",
    log:
        "results/logs/check_leakage/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/check_leakage/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        sides=ask(lambda w: PLAN.scores.sides(w.benchmark, w.run)),
        max_bits=RECORDS["near_duplicate_bits"],
        code=ask(
            lambda w: code(
                "check_leakage",
                *{
                    datasets.module_of(name)
                    for name, _, _ in PLAN.scores.sides(w.benchmark, w.run)
                },
            )
        ),
    script:
        "../workflow/scripts/check_leakage.py"
