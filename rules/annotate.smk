# Images -> videos to annotate, and traces -> valence and arousal of each image.
#
# Needs: results/emotionet/ledger.parquet and the images; data.annotations; for predictions a model and the images' faces.
# Makes: results/annotation/video_001.mp4 and so on with manifest.csv, results/emotionet/valence_arousal.csv,
# annotator_agreement.csv, annotators.csv (in the same folder); on demand results/annotation/predictions/{run}.csv.
from affectflow.annotation import stages as annotation_stages
from affectflow.prediction import stages as prediction_stages

TRACES = config["data"]["annotations"]


rule make_annotation_videos:
    input:
        ledger="results/emotionet/ledger.parquet",
    output:
        manifest="results/annotation/manifest.csv",
    log:
        "results/logs/make_annotation_videos.log",
    benchmark:
        "results/benchmarks/make_annotation_videos.tsv"
    conda:
        BASE
    threads: 4
    params:
        **INPUTS.params(
            annotation_stages.make_annotation_videos,
            images="results/emotionet/images",
            state=f"results/state/annotation/{DRAWING if PLAN.synthetic else 'real'}",
        ),
    script:
        RUN_STAGE


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
            BASE
        params:
            **INPUTS.params(
                annotation_stages.merge_traces,
                traces=lambda wildcards: TRACES,
                content=lambda wildcards: traces_state(TRACES),
            ),
        script:
            RUN_STAGE


rule predict_affect:
    input:
        manifest="results/annotation/manifest.csv",
        faces=DOWNLOADED_FACES,
        model="results/models/{run}/model.keras",
        metadata="results/models/{run}/model.json",
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
        **INPUTS.params(
            prediction_stages.predict_affect, images="results/emotionet/images"
        ),
    script:
        RUN_STAGE
