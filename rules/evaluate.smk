# Models on benchmarks -> predictions, scores, summary.
#
# Needs: results/models/{run}, the root of a data set or EmotioNet's samples. Makes:
# results/predictions/{benchmark}_{run}.parquet, results/eval/{benchmark}_{run}.json and, by other protocols than the
# default, {benchmark}-{protocol}_{run}.json; of two runs {benchmark}_{run}-vs-{other}.json; summary.csv and seeds.csv there.


rule predict_benchmark:
    input:
        ask(benchmark_input),
        faces=lambda wildcards: PLAN.faces_of(wildcards.benchmark) or [],
        model="results/models/{run}/model.keras",
        card="results/models/{run}/model.json",
    output:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        left_out="results/predictions/{benchmark}_{run}_left_out.csv",
    log:
        "results/logs/predict_benchmark/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/predict_benchmark/{benchmark}_{run}.tsv"
    conda:
        "../envs/tensorflow.yaml"
    threads: 2
    params:
        root=ask(lambda wildcards: PLAN.root(wildcards.benchmark)),
        split=ask(lambda w: PLAN.benchmark_split(w.benchmark, w.run)),
        state=ask(lambda wildcards: PLAN.state(wildcards.benchmark)),
        hold_s=lambda wildcards: PLAN.hold_s(wildcards.benchmark),
        batch_size=config["evaluation"]["batch_size"],
        code=lambda wildcards: dataset_code("predict_benchmark", wildcards.benchmark),
    script:
        "../workflow/scripts/predict_benchmark.py"


rule score_model:
    input:
        predictions=of_parts("results/predictions/{benchmark}_{run}.parquet"),
        left_out=of_parts("results/predictions/{benchmark}_{run}_left_out.csv"),
        card=of_parts("results/models/{run}/model.json"),
        model=of_parts("results/models/{run}/model.keras"),
        overlap=of_parts("results/overlap/{benchmark}_{run}.json"),
        snapshot=ask(lambda w: PLAN.cited(protocol_of(w), w.run)),
    output:
        score="results/eval/{benchmark}{protocol}_{run}.json",
    log:
        "results/logs/score_model/{benchmark}{protocol}_{run}.log",
    benchmark:
        "results/benchmarks/score_model/{benchmark}{protocol}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        runs=ask(lambda w: PLAN.parts(protocol_of(w), w.run)),
        draws=config["evaluation"]["draws"],
        config_sha256=ask(lambda w: PLAN.score_config(protocol_of(w), w.run)),
        code=code("score_model"),
    script:
        "../workflow/scripts/score_model.py"


rule compare_models:
    input:
        predictions=of_both("results/predictions/{benchmark}_{run}.parquet"),
        left_out=of_both("results/predictions/{benchmark}_{run}_left_out.csv"),
        card=of_both("results/models/{run}/model.json"),
        model=of_both("results/models/{run}/model.keras"),
    output:
        comparison="results/eval/{benchmark}{protocol}_{run}-vs-{other}.json",
    log:
        "results/logs/compare_models/{benchmark}{protocol}_{run}-vs-{other}.log",
    benchmark:
        "results/benchmarks/compare_models/{benchmark}{protocol}_{run}-vs-{other}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        runs=ask(lambda w: PLAN.parts(protocol_of(w), w.run)),
        others=ask(lambda w: PLAN.parts(protocol_of(w), w.other)),
        draws=config["evaluation"]["draws"],
        code=code("compare_models"),
    script:
        "../workflow/scripts/compare_models.py"


rule gather_seeds:
    input:
        scores=ask(
            lambda wildcards: expand(
                "results/eval/{scored}_{run}.json",
                scored=wildcards.benchmark + wildcards.protocol,
                run=PLAN.by_seed(wildcards.first).values(),
            )
        ),
    output:
        score="results/eval/{benchmark}{protocol}_{first}-seeds.json",
    log:
        "results/logs/gather_seeds/{benchmark}{protocol}_{first}.log",
    benchmark:
        "results/benchmarks/gather_seeds/{benchmark}{protocol}_{first}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        seeds=ask(lambda wildcards: list(PLAN.by_seed(wildcards.first))),
        code=code("gather_seeds"),
    script:
        "../workflow/scripts/gather_seeds.py"


rule summarise_scores:
    input:
        scores=SCORES,
        seeds=SEED_SCORES,
    output:
        summary="results/eval/summary.csv",
        seeds="results/eval/seeds.csv",
    log:
        "results/logs/summarise_scores.log",
    benchmark:
        "results/benchmarks/summarise_scores.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("summarise_scores"),
    script:
        "../workflow/scripts/summarise_scores.py"
