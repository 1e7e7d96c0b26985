# Labelled images -> TFRecords for training, one job a shard.
#
# Needs: labels, ledger, images and valence_arousal.csv of EmotioNet, or another data set that models train on. Makes:
# results/emotionet/samples.parquet, left_out.csv, snapshot.parquet, tfrecords/{split}-00000-of-00008.tfrecord with
# index.csv; and records under results/affwild, results/disfa-fold1 and so on.
from affectflow.records import stages as records_stages

SHARDS, OF = INPUTS.shards, INPUTS.of_shards


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
        BASE
    params:
        **INPUTS.params(
            records_stages.assemble_samples,
            on_missing_face=PLAN.faces.on_missing_face("emotionet"),
            kept="results/state/splits.parquet",
        ),
    script:
        RUN_STAGE


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
        BASE
    params:
        **INPUTS.params(records_stages.take_snapshot),
    script:
        RUN_STAGE


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
        BASE
    params:
        **INPUTS.params(
            records_stages.write_records,
            images="results/emotionet/images",
            store="results/state/records/{shard}",
        ),
    script:
        RUN_STAGE


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
        BASE
    params:
        **INPUTS.params(records_stages.collect_index),
    script:
        RUN_STAGE


rule write_dataset_records:
    input:
        INPUTS.of_dataset(name_in_records),
        faces=lambda wildcards: PLAN.faces.table(name_in_records(wildcards)) or [],
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
        BASE
    params:
        **INPUTS.dataset_params(
            records_stages.write_dataset_records,
            name_in_records,
            split=lambda wildcards: PLAN.data.training_split(wildcards.records),
        ),
        on_missing_face=lambda w: PLAN.faces.on_missing_face(name_in_records(w)),
    script:
        RUN_STAGE
