# Spreadsheets -> labels and file names.
#
# Needs: data.emotionet.tables, data.emotionet.snapshot. Makes: results/emotionet/labels.csv, rejects.csv, filenames.csv.


rule ingest_tables:
    input:
        tables=ask(lambda wildcards: PLAN.data.tables()),
    output:
        labels="results/emotionet/labels.csv",
        rejects="results/emotionet/rejects.csv",
    log:
        "results/logs/ingest_tables.log",
    benchmark:
        "results/benchmarks/ingest_tables.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("ingest_tables"),
    script:
        "../workflow/scripts/ingest_tables.py"


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
        "../envs/base.yaml"
    params:
        code=code("name_files"),
    script:
        "../workflow/scripts/name_files.py"
