# Models on benchmarks -> predictions, scores, summary.
#
# Needs: results/models/{run}, data.{disfa,amfed,affwild}.root or EmotioNet's samples. Makes:
# results/predictions/{benchmark}_{run}.parquet, results/eval/{benchmark}_{run}.json, results/eval/summary.csv.


def check_pair(wildcards):
    """One sentence for a score that cannot be had."""
    with one_sentence():
        run = runs.parse_run(wildcards.run, config["models"])
        model = config["models"][run.model]
        if not configured(wildcards.benchmark):
            key = "tables" if wildcards.benchmark == "emotionet" else "root"
            raise UserError(
                f"{wildcards.benchmark} is not configured; set data.{wildcards.benchmark}.{key} and run again."
            )
        if wildcards.benchmark not in benchmarks():
            raise UserError(
                "Aff-Wild is used for training as a whole; set data.affwild.use to split or benchmark to score on it."
            )
        if not scored(wildcards.benchmark, wildcards.run):
            raise UserError(
                f"{wildcards.run} cannot be scored on {wildcards.benchmark}: its heads ({', '.join(model['heads'])}) share "
                f"no label with it, its data sets ({', '.join(model['train_on'])}) are not all configured, or it "
                "belongs to a fold of another set."
            )


def benchmark_root(wildcards):
    check_pair(wildcards)
    if wildcards.benchmark == "emotionet":
        return "results/emotionet"
    return config["data"][wildcards.benchmark]["root"]


def benchmark_split(wildcards):
    run = runs.parse_run(wildcards.run, config["models"])
    match wildcards.benchmark:
        case "emotionet":
            return "test"
        case "disfa" if run.fold is not None:
            return f"fold{run.fold}-test"
        case "affwild" if config["data"]["affwild"]["use"] == "split":
            return "test"
    return "all"


def benchmark_input(wildcards):
    root = benchmark_root(wildcards)
    if wildcards.benchmark == "emotionet":
        return ["results/emotionet/samples.parquet"]
    return folder_input(root, f"results/demo/{wildcards.benchmark}")


def benchmark_state(wildcards):
    root = benchmark_root(wildcards)
    if wildcards.benchmark == "emotionet":
        return "samples"
    return folder_state(root, f"results/demo/{wildcards.benchmark}")


def score_config(wildcards):
    """Digest of the part of the configuration that a score depends on."""
    run = runs.parse_run(wildcards.run, config["models"])
    data = config["data"]
    names = {wildcards.benchmark, *config["models"][run.model]["train_on"]}
    parts = {
        "data": {name: data[name] for name in sorted(names)},
        "annotations": data["annotations"],
        "model": config["models"][run.model],
        **{key: config[key] for key in ("annotation", "records", "training", "evaluation")},
    }
    return fingerprint(parts)


rule predict_benchmark:
    input:
        benchmark_input,
        model="results/models/{run}/model.keras",
        card="results/models/{run}/model.json",
    output:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        left_out="results/predictions/{benchmark}_{run}_left_out.csv",
    params:
        root=benchmark_root,
        split=benchmark_split,
        state=benchmark_state,
        batch_size=config["evaluation"]["batch_size"],
        code=lambda wildcards: dataset_code("predict_benchmark", wildcards.benchmark),
    log:
        "results/logs/predict_benchmark/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/predict_benchmark/{benchmark}_{run}.tsv"
    threads: 2
    conda:
        "../envs/tensorflow.yaml"
    script:
        "../workflow/scripts/predict_benchmark.py"


rule score_model:
    input:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        left_out="results/predictions/{benchmark}_{run}_left_out.csv",
        card="results/models/{run}/model.json",
        model="results/models/{run}/model.keras",
    output:
        score="results/eval/{benchmark}_{run}.json",
    params:
        config_sha256=score_config,
        code=code("score_model"),
    log:
        "results/logs/score_model/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/score_model/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/score_model.py"


rule summarise_scores:
    input:
        scores=SCORES,
    output:
        summary="results/eval/summary.csv",
    params:
        code=code("summarise_scores"),
    log:
        "results/logs/summarise_scores.log",
    benchmark:
        "results/benchmarks/summarise_scores.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/summarise_scores.py"
