# Whether a model has seen a benchmark: its pictures, pictures that look the same, its people.
#
# Needs: the root of a data set or EmotioNet's samples. Makes: results/overlap/{benchmark}.parquet, digests of all
# pictures of a set; results/overlap/{benchmark}_{run}.csv with the overlapping ones, and .json with their numbers.


rule digest_pictures:
    input:
        ask(lambda wildcards: PLAN.data.waits_for(wildcards.benchmark)),
    output:
        pictures="results/overlap/{benchmark}.parquet",
    log:
        "results/logs/digest_pictures/{benchmark}.log",
    benchmark:
        "results/benchmarks/digest_pictures/{benchmark}.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        root=ask(lambda wildcards: PLAN.data.root(wildcards.benchmark)),
        split=lambda wildcards: PLAN.data.whole(wildcards.benchmark),
        state=ask(lambda wildcards: PLAN.data.state(wildcards.benchmark)),
        code=lambda wildcards: dataset_code("digest_pictures", wildcards.benchmark),
    script:
        "../workflow/scripts/digest_pictures.py"


rule find_overlap:
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
        pictures=ask(
            lambda w: [
                f"results/overlap/{name}.parquet"
                for name, _, _ in PLAN.scores.sides(w.benchmark, w.run)
            ]
        ),
    output:
        pairs="results/overlap/{benchmark}_{run}.csv",
        counts="results/overlap/{benchmark}_{run}.json",
    log:
        "results/logs/find_overlap/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/find_overlap/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        sides=ask(lambda w: PLAN.scores.sides(w.benchmark, w.run)),
        max_bits=RECORDS["near_duplicate_bits"],
        code=ask(
            lambda w: code(
                "find_overlap",
                *{
                    datasets.module_of(name)
                    for name, _, _ in PLAN.scores.sides(w.benchmark, w.run)
                },
            )
        ),
    script:
        "../workflow/scripts/find_overlap.py"
