# Images -> videos to annotate, and traces -> valence and arousal of each image.
#
# Needs: results/emotionet/ledger.parquet and the images; data.annotations; for predictions a model and the images' faces.
# Makes: results/annotation/batch_001.mp4 and so on with manifest.csv, results/emotionet/valence_arousal.csv,
# annotator_agreement.csv, annotators.csv (in the same folder); on demand results/annotation/predictions/{run}.csv.
ANNOTATION = config["annotation"]
TRACES = config["data"]["annotations"]


rule make_batches:
    input:
        ledger="results/emotionet/ledger.parquet",
    output:
        manifest="results/annotation/manifest.csv",
    log:
        "results/logs/make_batches.log",
    benchmark:
        "results/benchmarks/make_batches.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        images="results/emotionet/images",
        state=f"results/state/annotation/{EDITION if PLAN.synthetic else 'real'}",
        frames_per_batch=ANNOTATION["frames_per_batch"],
        frame_rate=ANNOTATION["frame_rate"],
        image_size=ANNOTATION["image_size"],
        code=code("make_batches"),
    script:
        "../workflow/scripts/make_batches.py"


if TRACES is not None:

    rule merge_traces:
        input:
            marker_of(TRACES),
            manifest="results/annotation/manifest.csv",
        output:
            merged="results/emotionet/valence_arousal.csv",
            agreement="results/emotionet/annotator_agreement.csv",
            annotators="results/emotionet/annotators.csv",
        log:
            "results/logs/merge_traces.log",
        benchmark:
            "results/benchmarks/merge_traces.tsv"
        conda:
            "../envs/base.yaml"
        params:
            traces=lambda wildcards: TRACES,
            state=lambda wildcards: traces_state(TRACES),
            merge_options={
                key: ANNOTATION[key]
                for key in ("trace_range", "lag_s", "max_lag_s", "min_ccc")
            },
            code=code("merge_traces"),
        script:
            "../workflow/scripts/merge_traces.py"


rule predict_affect:
    input:
        manifest="results/annotation/manifest.csv",
        faces=DOWNLOADED_FACES,
        model="results/models/{run}/model.keras",
        card="results/models/{run}/model.json",
    output:
        predictions="results/annotation/predictions/{run}.csv",
    log:
        "results/logs/predict_affect/{run}.log",
    benchmark:
        "results/benchmarks/predict_affect/{run}.tsv"
    conda:
        TENSORFLOW
    threads: 4
    params:
        images="results/emotionet/images",
        batch_size=config["evaluation"]["batch_size"],
        code=code("predict_affect"),
    script:
        "../workflow/scripts/predict_affect.py"
