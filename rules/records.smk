# Labelled images -> TFRecords for training, one job a shard.
#
# Needs: labels, ledger, images and valence_arousal.csv of EmotioNet, or another data set that models train on. Makes:
# results/emotionet/samples.parquet, left_out.csv, snapshot.parquet, tfrecords/{split}-00000-of-00008.tfrecord with
# index.csv; and records under results/affwild, results/disfa-fold1 and so on.
RECORDS = config["records"]
SHARDS = [f"{shard:05d}" for shard in range(RECORDS["shards"])]
OF = f"of-{RECORDS['shards']:05d}"
FORM = {
    "size": RECORDS["image_size"],
    "quality": RECORDS["jpeg_quality"],
    "chroma": RECORDS["jpeg_chroma"],
}


rule assemble_samples:
    input:
        labels="results/emotionet/labels.csv",
        ledger="results/emotionet/ledger.parquet",
        affect=[] if TRACES is None else "results/emotionet/valence_arousal.csv",
        snapshot=SNAPSHOT or [],
        faces=DOWNLOADED_FACES,
    output:
        samples="results/emotionet/samples.parquet",
        left_out="results/emotionet/left_out.csv",
    log:
        "results/logs/assemble_samples.log",
    benchmark:
        "results/benchmarks/assemble_samples.tsv"
    conda:
        "../envs/base.yaml"
    params:
        shards=RECORDS["shards"],
        validation_fraction=RECORDS["validation_fraction"],
        test_fraction=RECORDS["test_fraction"],
        near_duplicate_bits=RECORDS["near_duplicate_bits"],
        on_missing_face=PLAN.faces.on_missing_face("emotionet"),
        code=code("assemble_samples"),
    script:
        "../workflow/scripts/assemble_samples.py"


rule take_snapshot:
    input:
        ledger="results/emotionet/ledger.parquet",
        samples="results/emotionet/samples.parquet",
        reference=SNAPSHOT or [],
    output:
        **(
            {"differences": "results/emotionet/snapshot_difference.csv"}
            if SNAPSHOT
            else {}
        ),
        snapshot="results/emotionet/snapshot.parquet",
        card="results/emotionet/snapshot.json",
    log:
        "results/logs/take_snapshot.log",
    benchmark:
        "results/benchmarks/take_snapshot.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("take_snapshot"),
    script:
        "../workflow/scripts/take_snapshot.py"


rule write_records:
    input:
        samples="results/emotionet/samples.parquet",
    output:
        train=f"results/emotionet/tfrecords/train-{{shard}}-{OF}.tfrecord",
        validation=f"results/emotionet/tfrecords/validation-{{shard}}-{OF}.tfrecord",
        test=f"results/emotionet/tfrecords/test-{{shard}}-{OF}.tfrecord",
        index=f"results/emotionet/tfrecords/index_parts/{{shard}}-{OF}.csv",
    log:
        "results/logs/write_records/{shard}.log",
    benchmark:
        "results/benchmarks/write_records/{shard}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        images="results/emotionet/images",
        store="results/state/records/{shard}",
        form=FORM,
        code=code("write_records"),
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
    log:
        "results/logs/collect_index.log",
    benchmark:
        "results/benchmarks/collect_index.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("collect_index"),
    script:
        "../workflow/scripts/collect_index.py"


rule write_dataset_records:
    input:
        ask(lambda wildcards: PLAN.data.waits_for(dataset_name(wildcards))),
        faces=lambda wildcards: PLAN.faces.table(dataset_name(wildcards)) or [],
    output:
        train=expand(
            "results/{{records}}/tfrecords/train-{shard}-{of}.tfrecord",
            shard=SHARDS,
            of=OF,
        ),
        validation=expand(
            "results/{{records}}/tfrecords/validation-{shard}-{of}.tfrecord",
            shard=SHARDS,
            of=OF,
        ),
        index="results/{records}/tfrecords/index.csv",
        left_out="results/{records}/left_out.csv",
    log:
        "results/logs/write_dataset_records/{records}.log",
    benchmark:
        "results/benchmarks/write_dataset_records/{records}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        name=dataset_name,
        root=ask(lambda wildcards: PLAN.data.root(dataset_name(wildcards))),
        split=lambda wildcards: PLAN.data.training_split(wildcards.records),
        state=ask(lambda wildcards: PLAN.data.state(dataset_name(wildcards))),
        form=FORM,
        on_missing_face=lambda w: PLAN.faces.on_missing_face(dataset_name(w)),
        validation_fraction=RECORDS["validation_fraction"],
        code=lambda wildcards: dataset_code(
            "write_dataset_records", dataset_name(wildcards)
        ),
    script:
        "../workflow/scripts/write_dataset_records.py"
