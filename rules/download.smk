# URLs -> images and the ledger, one job a partition.
#
# Needs: results/emotionet/filenames.csv. Makes: results/emotionet/ledger.parquet, errors.csv, download_summary.csv;
# the images (results/emotionet/images) and the journal behind the ledger are state that outlives a killed job.
from affectflow.download.settings import Settings

DOWNLOAD = config["download"]


rule download_partition:
    input:
        file_names="results/emotionet/filenames.csv",
    output:
        ledger="results/emotionet/ledger_parts/{part}.parquet",
    log:
        "results/logs/download_partition/{part}.log",
    benchmark:
        "results/benchmarks/download_partition/{part}.tsv"
    localrule: NETWORK_IS_LOCAL
    conda:
        BASE
    resources:
        at_once=partitions_at_once(),
    params:
        **INPUTS.params(
            download_stages.download_partition,
            images="results/emotionet/images",
            journal="results/state/download",
            # How fast it goes and how long it waits change no outcome, so they start nothing again.
            tracked=Settings.of(DOWNLOAD).cache_key_settings(),
            retry_outcomes=DOWNLOAD["retry_outcomes"],
        ),
    script:
        RUN_STAGE


rule collect_ledger:
    input:
        parts=expand(
            "results/emotionet/ledger_parts/{part}.parquet",
            part=range(DOWNLOAD["partitions"]),
        ),
        file_names="results/emotionet/filenames.csv",
    output:
        ledger="results/emotionet/ledger.parquet",
        errors="results/emotionet/errors.csv",
        summary="results/emotionet/download_summary.csv",
    log:
        "results/logs/collect_ledger.log",
    benchmark:
        "results/benchmarks/collect_ledger.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(download_stages.collect_ledger),
    script:
        RUN_STAGE
