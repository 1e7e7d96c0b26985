# Models on benchmarks -> predictions, scores, summary.
#
# Needs: results/models/{run}, the root of a data set or EmotioNet's records. Makes: results/frames/{dataset}.tfrecord,
# results/predictions/{benchmark}_{run}.parquet, results/eval/{benchmark}_{run}.json and, by other protocols than the
# default, {benchmark}-{protocol}_{run}.json; of two runs {benchmark}_{run}-vs-{other}.json; summary.csv and seeds.csv
# there; on demand results/events/{benchmark}_{run}.csv.


rule write_frames:
    input:
        ask(lambda wildcards: PLAN.data.waits_for(wildcards.dataset)),
        faces=lambda wildcards: PLAN.faces.table(wildcards.dataset) or [],
    output:
        frames="results/frames/{dataset}.tfrecord",
        left_out="results/frames/{dataset}_left_out.csv",
    log:
        "results/logs/write_frames/{dataset}.log",
    benchmark:
        "results/benchmarks/write_frames/{dataset}.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        root=ask(lambda wildcards: PLAN.data.root(wildcards.dataset)),
        split=lambda wildcards: PLAN.data.frames_split(wildcards.dataset),
        state=ask(lambda wildcards: PLAN.data.state(wildcards.dataset)),
        max_gap_s=lambda wildcards: PLAN.faces.max_gap_s(wildcards.dataset),
        form=FORM,
        code=lambda wildcards: dataset_code("write_frames", wildcards.dataset),
    script:
        "../workflow/scripts/write_frames.py"


rule predict_benchmark:
    input:
        frames=ask(frames_to_predict),
        left_out=branch(
            lambda wildcards: wildcards.benchmark == "emotionet",
            then=[],
            otherwise=["results/frames/{benchmark}_left_out.csv"],
        ),
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
        TENSORFLOW
    threads: 2
    params:
        fold=ask(lambda wildcards: PLAN.scores.fold(wildcards.run)),
        batch_size=config["evaluation"]["batch_size"],
        code=code("predict_benchmark"),
    script:
        "../workflow/scripts/predict_benchmark.py"


rule score_model:
    input:
        predictions=of_parts("results/predictions/{benchmark}_{run}.parquet"),
        left_out=of_parts("results/predictions/{benchmark}_{run}_left_out.csv"),
        card=of_parts("results/models/{run}/model.json"),
        model=of_parts("results/models/{run}/model.keras"),
        overlap=of_parts("results/overlap/{benchmark}_{run}.json"),
        snapshot=ask(lambda w: PLAN.scores.cited(protocol_of(w), w.run)),
    output:
        score="results/eval/{benchmark}{protocol}_{run}.json",
    log:
        "results/logs/score_model/{benchmark}{protocol}_{run}.log",
    benchmark:
        "results/benchmarks/score_model/{benchmark}{protocol}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        runs=ask(lambda w: PLAN.scores.parts(protocol_of(w), w.run)),
        bootstrap_samples=config["evaluation"]["bootstrap_samples"],
        config_sha256=ask(lambda w: PLAN.scores.config_sha256(protocol_of(w), w.run)),
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
        runs=ask(lambda w: PLAN.scores.parts(protocol_of(w), w.run)),
        others=ask(lambda w: PLAN.scores.parts(protocol_of(w), w.other)),
        bootstrap_samples=config["evaluation"]["bootstrap_samples"],
        code=code("compare_models"),
    script:
        "../workflow/scripts/compare_models.py"


rule list_events:
    input:
        predictions="results/predictions/{benchmark}_{run}.parquet",
    output:
        events="results/events/{benchmark}_{run}.csv",
    log:
        "results/logs/list_events/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/list_events/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("list_events"),
    script:
        "../workflow/scripts/list_events.py"


rule gather_seeds:
    input:
        scores=ask(
            lambda wildcards: expand(
                "results/eval/{scored}_{run}.json",
                scored=wildcards.benchmark + wildcards.protocol,
                run=PLAN.models.by_seed(wildcards.first).values(),
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
        seeds=ask(lambda wildcards: list(PLAN.models.by_seed(wildcards.first))),
        code=code("gather_seeds"),
    script:
        "../workflow/scripts/gather_seeds.py"


rule summarize_scores:
    input:
        scores=SCORES,
        seeds=SEED_SCORES,
    output:
        summary="results/eval/summary.csv",
        seeds="results/eval/seeds.csv",
    log:
        "results/logs/summarize_scores.log",
    benchmark:
        "results/benchmarks/summarize_scores.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("summarize_scores"),
    script:
        "../workflow/scripts/summarize_scores.py"
