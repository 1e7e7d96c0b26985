# Models on benchmarks -> predictions, scores, summary.
#
# Needs: results/models/{run}, the root of a data set or EmotioNet's records. Makes: results/frames/{dataset}.tfrecord,
# results/predictions/{benchmark}_{run}.parquet, results/eval/{benchmark}_{run}.json and, by other protocols than the
# default, {benchmark}-{protocol}_{run}.json; of two runs {benchmark}_{run}-vs-{other}.json; summary.csv and seeds.csv
# there; on demand results/events/{benchmark}_{run}.csv and results/eval/across_{model}.csv, what a model learned from by
# what it was scored on.
from affectflow.evaluation import stages as evaluation_stages


rule write_frames:
    input:
        INPUTS.of_dataset(name_of_dataset),
        faces=lambda wildcards: PLAN.faces.table(wildcards.dataset) or [],
    output:
        frames="results/frames/{dataset}.tfrecord",
        index="results/frames/{dataset}_index.csv",
        left_out="results/frames/{dataset}_left_out.csv",
    log:
        "results/logs/write_frames/{dataset}.log",
    benchmark:
        "results/benchmarks/write_frames/{dataset}.tsv"
    conda:
        BASE
    threads: 4
    params:
        **INPUTS.dataset_params(
            records_stages.write_frames,
            name_of_dataset,
            split=lambda wildcards: PLAN.data.frames_split(wildcards.dataset),
        )
        | {"max_gap_s": lambda w: PLAN.faces.max_gap_s(w.dataset)},
    script:
        RUN_STAGE


rule predict_benchmark:
    input:
        frames=INPUTS.frames_to_predict(),
        # The number of records is compared with it, wherever records are read.
        index=branch(
            lambda wildcards: wildcards.benchmark == "emotionet",
            then="results/emotionet/tfrecords/index.csv",
            otherwise="results/frames/{benchmark}_index.csv",
        ),
        lost=branch(
            lambda wildcards: wildcards.benchmark == "emotionet",
            then=[],
            otherwise=["results/frames/{benchmark}_left_out.csv"],
        ),
        model="results/models/{run}/model.keras",
        metadata="results/models/{run}/model.json",
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
        **INPUTS.params(
            prediction_stages.predict_benchmark,
            fold=checked(lambda wildcards: PLAN.scores.fold(wildcards.run)),
            code=code_with_dataset(
                prediction_stages.predict_benchmark, name_of_benchmark
            ),
        ),
    script:
        RUN_STAGE


rule score_model:
    input:
        predictions=INPUTS.of_scored_runs(
            "results/predictions/{benchmark}_{run}.parquet"
        ),
        left_out=INPUTS.of_scored_runs(
            "results/predictions/{benchmark}_{run}_left_out.csv"
        ),
        metadata=INPUTS.of_scored_runs("results/models/{run}/model.json"),
        model=INPUTS.of_scored_runs("results/models/{run}/model.keras"),
        leakage=INPUTS.of_scored_runs("results/leakage/{benchmark}_{run}.json"),
        snapshot=checked(lambda w: PLAN.scores.snapshot_card(protocol_of(w), w.run)),
        subjects=checked(lambda wildcards: PLAN.data.subjects(wildcards.benchmark)),
    output:
        score="results/eval/{benchmark}{protocol}_{run}.json",
    log:
        "results/logs/score_model/{benchmark}{protocol}_{run}.log",
    benchmark:
        "results/benchmarks/score_model/{benchmark}{protocol}_{run}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(
            evaluation_stages.score_model,
            runs=INPUTS.scored_runs(),
            config_sha256=checked(
                lambda w: PLAN.scores.config_sha256(protocol_of(w), w.run)
            ),
        ),
    script:
        RUN_STAGE


rule compare_models:
    input:
        predictions=INPUTS.of_compared_runs(
            "results/predictions/{benchmark}_{run}.parquet"
        ),
        left_out=INPUTS.of_compared_runs(
            "results/predictions/{benchmark}_{run}_left_out.csv"
        ),
        metadata=INPUTS.of_compared_runs("results/models/{run}/model.json"),
        model=INPUTS.of_compared_runs("results/models/{run}/model.keras"),
    output:
        comparison="results/eval/{benchmark}{protocol}_{run}-vs-{other}.json",
    log:
        "results/logs/compare_models/{benchmark}{protocol}_{run}-vs-{other}.log",
    benchmark:
        "results/benchmarks/compare_models/{benchmark}{protocol}_{run}-vs-{other}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(
            evaluation_stages.compare_models,
            runs=INPUTS.scored_runs(),
            others=INPUTS.scored_runs("other"),
        ),
    script:
        RUN_STAGE


rule list_events:
    input:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        metadata="results/models/{run}/model.json",
    output:
        events="results/events/{benchmark}_{run}.csv",
    log:
        "results/logs/list_events/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/list_events/{benchmark}_{run}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(evaluation_stages.list_events),
    script:
        RUN_STAGE


rule gather_seeds:
    input:
        scores=INPUTS.scores_of_seeds(),
    output:
        score="results/eval/{benchmark}{protocol}_{first}-seeds.json",
    log:
        "results/logs/gather_seeds/{benchmark}{protocol}_{first}.log",
    benchmark:
        "results/benchmarks/gather_seeds/{benchmark}{protocol}_{first}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(
            evaluation_stages.gather_seeds,
            seeds=checked(
                lambda wildcards: list(PLAN.models.by_seed(wildcards.first))
            ),
        ),
    script:
        RUN_STAGE


rule tabulate_across:
    input:
        scores=INPUTS.scores_across(),
    output:
        table="results/eval/across_{model}.csv",
    log:
        "results/logs/tabulate_across/{model}.log",
    benchmark:
        "results/benchmarks/tabulate_across/{model}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(evaluation_stages.tabulate_across),
    script:
        RUN_STAGE


rule summarize_scores:
    input:
        scores=SCORES,
        seeds=SEED_SCORES,
    output:
        summary="results/eval/summary.csv",
        seeds_summary="results/eval/seeds.csv",
    log:
        "results/logs/summarize_scores.log",
    benchmark:
        "results/benchmarks/summarize_scores.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(evaluation_stages.summarize_scores),
    script:
        RUN_STAGE
