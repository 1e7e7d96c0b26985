# Tables and scores -> the figures of the report, and the page that shows them in order.
#
# Needs: results/emotionet, results/models, results/frames, results/predictions, results/eval. Makes: results/figures,
# results/report/overview.html.
from affectflow.report import stages as report_stages

_PREDICTIONS = "results/predictions/{benchmark}_{run}.parquet"
_SCORE = "results/eval/{benchmark}_{run}.json"
_METADATA = "results/models/{run}/model.json"
# Each kind of figure: its file, its input files, and where the report shows it.
FIGURE_KINDS = {
    "download": (
        "download.svg",
        {"summary": "results/emotionet/download_summary.csv"},
        {"category": "Data"},
    ),
    "label_balance": (
        "label_balance.svg",
        {"samples": "results/emotionet/samples.parquet"},
        {"category": "Data"},
    ),
    "annotation": (
        "annotation.svg",
        {
            "merged": "results/emotionet/valence_arousal.csv",
            "annotators": "results/emotionet/annotators.csv",
        },
        {"category": "Data"},
    ),
    "sample_images": (
        "sample_images_{run}.png",
        {
            "frames": INPUTS.frames("emotionet"),
            "predictions": "results/predictions/emotionet_{run}.parquet",
            "metadata": _METADATA,
        },
        {"category": "Data", "subcategory": "{run}"},
    ),
    "learning_curves": (
        "learning_curves_{run}.svg",
        {"history": "results/models/{run}/history.csv"},
        {"category": "Training", "subcategory": "{run}"},
    ),
    "reliability": (
        "reliability_{run}.svg",
        {"table": "results/models/{run}/reliability.csv"},
        {"category": "Training", "subcategory": "{run}"},
    ),
    "action_units": (
        "action_units_{benchmark}_{run}.svg",
        {"score": _SCORE},
        {"category": "Scores", "subcategory": "{benchmark}"},
    ),
    "worst": (
        "worst_{benchmark}_{run}.png",
        {
            "frames": lambda wildcards: INPUTS.frames(wildcards.benchmark),
            "predictions": _PREDICTIONS,
            "metadata": _METADATA,
        },
        {"category": "Scores", "subcategory": "{benchmark}"},
    ),
} | {
    kind: (
        f"{kind}_{{benchmark}}_{{run}}.{ending}",
        {"predictions": _PREDICTIONS, "score": _SCORE},
        {"category": "Scores", "subcategory": "{benchmark}"},
    )
    for kind, ending in (
        ("affect_plane", "png"),
        ("tracks", "svg"),
        ("emotions", "svg"),
    )
}


RUNS = [(None, run) for run in PLAN.scores.runs()]
OF_UNITS, OF_AFFECT = PLAN.scores.of_units(), PLAN.scores.of_affect()
FIGURES = [
    *figures_of("learning_curves", RUNS),
    *figures_of("reliability", [(None, r) for r in sorted({r for _, r in OF_UNITS})]),
    *figures_of("action_units", OF_UNITS),
    *figures_of("affect_plane", OF_AFFECT),
    *figures_of("emotions", OF_UNITS),
    *figures_of("tracks", PLAN.scores.of_videos()),
    *figures_of("worst", PLAN.scores.pairs()),
    *figures_of(
        "sample_images", [p for p in PLAN.scores.pairs() if p[0] == "emotionet"]
    ),
]
if PLAN.data.configured("emotionet"):
    FIGURES += figures_of("download", [(None, None)])
    FIGURES += figures_of("label_balance", [(None, None)])
    if TRACES is not None:
        FIGURES += figures_of("annotation", [(None, None)])


for kind, (file, files, place) in FIGURE_KINDS.items():

    rule:
        name:
            f"draw_{kind}"
        input:
            **files,
        output:
            figure=report(
                f"results/figures/{file}",
                caption=f"../workflow/report/{kind}.rst",
                **place,
            ),
        log:
            f"results/logs/draw_{kind}/{file}.log",
        benchmark:
            f"results/benchmarks/draw_{kind}/{file}.tsv"
        conda:
            BASE
        params:
            **INPUTS.params(
                getattr(report_stages, f"draw_{kind}"), synthetic=PLAN.synthetic
            ),
        script:
            RUN_STAGE


rule write_overview:
    input:
        scores=SCORES,
        summary=(
            "results/emotionet/download_summary.csv"
            if PLAN.data.configured("emotionet")
            else []
        ),
        figures=FIGURES,
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
