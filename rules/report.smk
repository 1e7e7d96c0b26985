# Tables and scores -> the page that shows them in order.
#
# Needs: results/emotionet, results/models, results/frames, results/predictions, results/eval. Makes:
# results/report/runs/{run}.json, results/report/overview.html.
from affectflow.report import stages as report_stages


def benchmarks_of(wildcards):
    """The benchmarks that a run is scored on by their default protocols."""
    return [benchmark for benchmark, run in PLAN.scores.pairs() if run == wildcards.run]


def of_benchmarks(pattern):
    """An input function: a file of each benchmark that a run is scored on."""
    return lambda wildcards: [
        pattern.format(benchmark=benchmark, run=wildcards.run)
        for benchmark in benchmarks_of(wildcards)
    ]


rule collect_run:
    input:
        metadata="results/models/{run}/model.json",
        history="results/models/{run}/history.csv",
        reliability="results/models/{run}/reliability.csv",
        scores=of_benchmarks("results/eval/{benchmark}_{run}.json"),
        predictions=of_benchmarks("results/predictions/{benchmark}_{run}.parquet"),
        frames=lambda wildcards: [
            file for name in benchmarks_of(wildcards) for file in INPUTS.frames(name)
        ],
    output:
        report="results/report/runs/{run}.json",
    log:
        "results/logs/collect_run/{run}.log",
    benchmark:
        "results/benchmarks/collect_run/{run}.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(
            report_stages.collect_run,
            frames_of=lambda wildcards: [
                len(INPUTS.frames(name)) for name in benchmarks_of(wildcards)
            ],
        ),
    script:
        RUN_STAGE


rule write_overview:
    input:
        **(
            {
                "summary": "results/emotionet/download_summary.csv",
                "samples": "results/emotionet/samples.parquet",
            }
            if PLAN.data.configured("emotionet")
            else {}
        ),
        **(
            {
                "merged": "results/emotionet/valence_arousal.csv",
                "annotators": "results/emotionet/annotators.csv",
            }
            if TRACES is not None
            else {}
        ),
        scores=SCORES,
        runs=expand("results/report/runs/{run}.json", run=PLAN.scores.runs()),
    output:
        page=report(
            "results/report/overview.html",
            caption="../workflow/report/overview.rst",
            category="Overview",
        ),
    log:
        "results/logs/write_overview.log",
    benchmark:
        "results/benchmarks/write_overview.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(report_stages.write_overview, synthetic=PLAN.synthetic),
    script:
        RUN_STAGE
