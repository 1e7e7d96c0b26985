# Tables and scores -> the page that shows them in order.
#
# Needs: results/emotionet, results/models, results/frames, results/predictions, results/eval. Makes:
# results/report/runs/{run}.json, results/report/overview.html.
from affectflow.report import stages as report_stages


rule collect_run:
    input:
        metadata="results/models/{run}/model.json",
        history="results/models/{run}/history.csv",
        reliability="results/models/{run}/reliability.csv",
        scores=INPUTS.of_benchmarks("results/eval/{benchmark}_{run}.json"),
        predictions=INPUTS.of_benchmarks(
            "results/predictions/{benchmark}_{run}.parquet"
        ),
        frames=lambda wildcards: sum(INPUTS.frames_of_benchmarks(wildcards), []),
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
            frames_of=lambda wildcards: list(
                map(len, INPUTS.frames_of_benchmarks(wildcards))
            ),
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
