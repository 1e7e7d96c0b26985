# affectflow: from a spreadsheet of image URLs to benchmark scores.
from snakemake.utils import min_version

min_version("9.27")


configfile: workflow.source_path("config/config.yaml")


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/demo.smk"
include: "rules/ingest.smk"
include: "rules/download.smk"
include: "rules/annotate.smk"
include: "rules/records.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        SCORES,
        "results/eval/summary.csv",
        FIGURES,


# The demo's web answers on loopback while the workflow runs, and ends with it.
onstart:
    start_demo_web()
