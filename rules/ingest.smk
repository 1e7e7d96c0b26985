# Spreadsheets -> labels and file names.
#
# Needs: data.emotionet.tables, data.emotionet.snapshot. Makes: results/emotionet/labels.csv, rejects.csv, filenames.csv.
from affectflow.download import stages as download_stages
from affectflow.spreadsheet import stages as spreadsheet_stages


rule ingest_tables:
    input:
        tables=checked(lambda wildcards: PLAN.data.tables()),
    output:
        labels="results/emotionet/labels.csv",
        rejects="results/emotionet/rejects.csv",
    log:
        "results/logs/ingest_tables.log",
    benchmark:
        "results/benchmarks/ingest_tables.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(spreadsheet_stages.ingest_tables),
    script:
        RUN_STAGE


rule name_files:
    input:
        labels="results/emotionet/labels.csv",
        snapshot=SNAPSHOT or [],
    output:
        file_names="results/emotionet/filenames.csv",
    log:
        "results/logs/name_files.log",
    benchmark:
        "results/benchmarks/name_files.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(download_stages.name_files),
    script:
        RUN_STAGE
