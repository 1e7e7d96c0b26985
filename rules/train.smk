# Records -> models.
#
# Needs: results/{data set}/tfrecords. Makes: results/models/{run}/model.keras, history.csv, model.json,
# reliability.csv, card.md, saved_model/, model.onnx; the state from which a killed training goes on lies in
# results/state/training.


rule fetch_weights:
    output:
        weights="results/weights/{backbone}_notop.h5",
    log:
        "results/logs/fetch_weights/{backbone}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{backbone}.tsv"
    localrule: NETWORK_IS_LOCAL
    conda:
        "../envs/base.yaml"
    params:
        base_url=config["pretrained"]["base_url"],
        record="results/state/weights/{backbone}.sha256",
        code=code("fetch_weights"),
    script:
        "../workflow/scripts/fetch_weights.py"


rule train_model:
    input:
        train=record_files("train"),
        validation=record_files("validation"),
        # Not read, but a finished index means finished records, and belongs to what a model leaves.
        index=ask(
            lambda wildcards: expand(
                "results/{dataset}/tfrecords/index.csv",
                dataset=PLAN.models.record_sets(wildcards.run),
            )
        ),
        weights=ask(lambda wildcards: PLAN.models.weights(wildcards.run) or []),
    output:
        model="results/models/{run}/model.keras",
        history="results/models/{run}/history.csv",
        card="results/models/{run}/model.json",
        reliability="results/models/{run}/reliability.csv",
    log:
        "results/logs/train_model/{run}.log",
    benchmark:
        "results/benchmarks/train_model/{run}.tsv"
    # Asked to stop by a cluster, it saves and ends with status 75. Not within the job, where a rule's number counts too.
    retries: 0 if workflow.remote_exec else 3
    conda:
        TENSORFLOW
    threads: 8
    resources:
        gpu=ask(lambda wildcards: PLAN.models.recipe(wildcards.run)["gpus"]),
        nodes=1,  # or GPUs of several may be given
    params:
        recipe=ask(lambda wildcards: PLAN.models.recipe(wildcards.run)),
        image_size=RECORDS["image_size"],
        synthetic=PLAN.synthetic,
        state="results/state/training/{run}",
        board="results/logs/tensorboard/{run}",
        code=code("train_model"),
    script:
        "../workflow/scripts/train_model.py"


rule export_model:
    input:
        model="results/models/{run}/model.keras",
        card="results/models/{run}/model.json",
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
        code=code("export_model"),
    script:
        "../workflow/scripts/export_model.py"


rule describe_model:
    input:
        card="results/models/{run}/model.json",
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
        "../envs/base.yaml"
    params:
        code=code("describe_model"),
    script:
        "../workflow/scripts/describe_model.py"
