# Records -> models.
#
# Needs: results/{data set}/tfrecords. Makes: results/models/{run}/model.keras, history.csv, model.json.


def model_of(wildcards):
    with one_sentence():
        return config["models"][runs.parse_run(wildcards.run, config["models"]).model]


def record_files(split):
    def files(wildcards):
        run = runs.parse_run(wildcards.run, config["models"])
        return expand(
            "results/{dataset}/tfrecords/{split}-{shard}-{of}.tfrecord",
            dataset=run.train_on(model_of(wildcards)),
            split=split,
            shard=SHARDS,
            of=OF,
        )

    return files


def weights_file(wildcards):
    """ImageNet weights are an input of the pipeline, fetched by a rule of their own; so is a file of the user's."""
    model = model_of(wildcards)
    match model["weights"]:
        case "none":
            return []
        case "imagenet":
            return f"results/weights/{model['backbone']}_notop.weights.h5"
        case path:
            return path


def recipe(wildcards):
    """What the model's entry and the training defaults come to."""
    model = model_of(wildcards)
    run = runs.parse_run(wildcards.run, config["models"])
    training = {**config["training"], **model.get("training", {})}
    seed = training.pop("seed") + run.seed
    network = {key: model[key] for key in ("backbone", "input_size", "dropout", "heads")}
    return {**network, **training, "seed": seed}


rule fetch_weights:
    output:
        weights="results/weights/{backbone}_notop.weights.h5",
    params:
        base_url=config["pretrained"]["base_url"],
        code=code("fetch_weights"),
    log:
        "results/logs/fetch_weights/{backbone}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{backbone}.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/fetch_weights.py"


rule train_model:
    input:
        train=record_files("train"),
        validation=record_files("validation"),
        weights=weights_file,
    output:
        model="results/models/{run}/model.keras",
        history="results/models/{run}/history.csv",
        card="results/models/{run}/model.json",
    params:
        recipe=recipe,
        image_size=RECORDS["image_size"],
        synthetic=SYNTHETIC,
        code=code("train_model"),
    log:
        "results/logs/train_model/{run}.log",
    benchmark:
        "results/benchmarks/train_model/{run}.tsv"
    threads: 8
    conda:
        "../envs/tensorflow.yaml"
    script:
        "../workflow/scripts/train_model.py"
