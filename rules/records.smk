# Labelled pictures -> TFRecords for training, one job a shard.
#
# Needs: labels, ledger, images and valence_arousal.csv of EmotioNet, or a video data set that models train on. Makes:
# results/emotionet/samples.parquet, left_out.csv, tfrecords/{split}-00000-of-00008.tfrecord with index.csv; and the
# same under results/affwild and results/disfa-fold1 and so on.
RECORDS = config["records"]
SHARDS = [f"{shard:05d}" for shard in range(RECORDS["shards"])]
OF = f"of-{RECORDS['shards']:05d}"


rule assemble_samples:
    input:
        labels="results/emotionet/labels.csv",
        ledger="results/emotionet/ledger.parquet",
        affect=[] if TRACES is None else "results/emotionet/valence_arousal.csv",
    output:
        samples="results/emotionet/samples.parquet",
        left_out="results/emotionet/left_out.csv",
    params:
        shards=RECORDS["shards"],
        validation_fraction=RECORDS["validation_fraction"],
        test_fraction=RECORDS["test_fraction"],
        near_duplicate_bits=RECORDS["near_duplicate_bits"],
        code=code("assemble_samples"),
    log:
        "results/logs/assemble_samples.log",
    benchmark:
        "results/benchmarks/assemble_samples.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/assemble_samples.py"


rule write_records:
    input:
        samples="results/emotionet/samples.parquet",
    output:
        train=f"results/emotionet/tfrecords/train-{{shard}}-{OF}.tfrecord",
        validation=f"results/emotionet/tfrecords/validation-{{shard}}-{OF}.tfrecord",
        test=f"results/emotionet/tfrecords/test-{{shard}}-{OF}.tfrecord",
        index=f"results/emotionet/tfrecords/index_parts/{{shard}}-{OF}.csv",
    params:
        images="results/emotionet/images",
        store="results/state/records/{shard}",
        image_size=RECORDS["image_size"],
        jpeg_quality=RECORDS["jpeg_quality"],
        code=code("write_records"),
    log:
        "results/logs/write_records/{shard}.log",
    benchmark:
        "results/benchmarks/write_records/{shard}.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/write_records.py"


rule collect_index:
    input:
        parts=expand(
            "results/emotionet/tfrecords/index_parts/{shard}-{of}.csv",
            shard=SHARDS,
            of=OF,
        ),
    output:
        index="results/emotionet/tfrecords/index.csv",
        counts="results/emotionet/tfrecords/counts.json",
    params:
        code=code("collect_index"),
    log:
        "results/logs/collect_index.log",
    benchmark:
        "results/benchmarks/collect_index.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/collect_index.py"


def films_name(wildcards):
    return wildcards.films.partition("-")[0]


def films_split(wildcards):
    """The side of a video data set that is trained on."""
    name, _, fold = wildcards.films.partition("-")
    if name == "disfa":
        return f"{fold}-train"
    return "train" if config["data"]["affwild"]["use"] == "split" else "all"


rule write_film_records:
    input:
        lambda wildcards: folder_input(
            root_of(films_name(wildcards)), f"results/demo/{films_name(wildcards)}"
        ),
    output:
        train=expand(
            "results/{{films}}/tfrecords/train-{shard}-{of}.tfrecord",
            shard=SHARDS,
            of=OF,
        ),
        validation=expand(
            "results/{{films}}/tfrecords/validation-{shard}-{of}.tfrecord",
            shard=SHARDS,
            of=OF,
        ),
        index="results/{films}/tfrecords/index.csv",
        left_out="results/{films}/left_out.csv",
    params:
        name=films_name,
        root=lambda wildcards: root_of(films_name(wildcards)),
        split=films_split,
        state=lambda wildcards: folder_state(
            root_of(films_name(wildcards)), f"results/demo/{films_name(wildcards)}"
        ),
        image_size=RECORDS["image_size"],
        jpeg_quality=RECORDS["jpeg_quality"],
        validation_fraction=RECORDS["validation_fraction"],
        code=lambda wildcards: dataset_code(
            "write_film_records", films_name(wildcards)
        ),
    log:
        "results/logs/write_film_records/{films}.log",
    benchmark:
        "results/benchmarks/write_film_records/{films}.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/write_film_records.py"
