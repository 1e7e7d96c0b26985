# affectflow: from a spreadsheet of image URLs to benchmark scores.
from snakemake.utils import min_version

min_version("9.27")


# A study's configuration comes with --configfile, or from the Snakefile that uses this workflow as a module. Without any,
# this is the demo.
if config == workflow.config_settings.config:

    configfile: workflow.source_path("config/config.yaml")


report: "workflow/report/workflow.rst"


# Rules that take about a second run where the workflow was started.
localrules:
    all,
    ingest_tables,
    name_files,
    collect_ledger,
    describe_model,
    take_snapshot,
    collect_index,
    check_leakage,
    score_model,
    compare_models,
    list_events,
    gather_seeds,
    summarize_scores,
    collect_run,
    write_overview,


include: "rules/common.smk"
include: "rules/demo.smk"
include: "rules/datasets.smk"
include: "rules/ingest.smk"
include: "rules/download.smk"
include: "rules/faces.smk"
include: "rules/annotate.smk"
include: "rules/records.smk"
include: "rules/leakage.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        SCORES,
        "results/eval/summary.csv",
        ["results/annotation/manifest.csv"] if PLAN.data.configured("emotionet") else [],
        "results/report/overview.html",
        expand(
            "results/models/{run}/{file}",
            run=PLAN.scores.runs(),
            file=["card.md", "model.onnx"],
        ),


# The demo's web answers on loopback while the workflow runs, and ends with it.
onstart:
    record_jobs(local=workflow.local_exec)
    check_partitions()
    check_inputs()
    start_demo_web()
