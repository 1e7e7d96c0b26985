# Tables and scores -> the figures of the report, and the page that shows them in order.
#
# Needs: results/emotionet, results/models, results/frames, results/predictions, results/eval. Makes: results/figures,
# results/report/overview.html.
FIGURES = [
    *expand(
        "results/figures/learning_curves_{run}.svg",
        run=PLAN.scores.runs(),
    ),
    *expand(
        "results/figures/reliability_{run}.svg",
        run=sorted({r for _, r in PLAN.scores.of_units()}),
    ),
    *(f"results/figures/action_units_{b}_{r}.svg" for b, r in PLAN.scores.of_units()),
    *(f"results/figures/affect_plane_{b}_{r}.png" for b, r in PLAN.scores.of_affect()),
    *(f"results/figures/emotions_{b}_{r}.svg" for b, r in PLAN.scores.of_units()),
    *(f"results/figures/tracks_{b}_{r}.svg" for b, r in PLAN.scores.of_videos()),
    *(f"results/figures/worst_{b}_{r}.png" for b, r in PLAN.scores.pairs()),
    *(
        f"results/figures/images_{r}.png"
        for b, r in PLAN.scores.pairs()
        if b == "emotionet"
    ),
]
if PLAN.data.configured("emotionet"):
    FIGURES += ["results/figures/download.svg", "results/figures/label_balance.svg"]
    if TRACES is not None:
        FIGURES.append("results/figures/annotation.svg")


rule draw_download:
    input:
        summary="results/emotionet/download_summary.csv",
    output:
        figure=report(
            "results/figures/download.svg",
            caption="../workflow/report/download.rst",
            category="Data",
        ),
    log:
        "results/logs/draw_download.log",
    benchmark:
        "results/benchmarks/draw_download.tsv"
    conda:
        "../envs/base.yaml"
    params:
        synthetic=PLAN.synthetic,
        code=code("draw_download"),
    script:
        "../workflow/scripts/draw_download.py"


rule draw_balance:
    input:
        samples="results/emotionet/samples.parquet",
    output:
        figure=report(
            "results/figures/label_balance.svg",
            caption="../workflow/report/label_balance.rst",
            category="Data",
        ),
    log:
        "results/logs/draw_balance.log",
    benchmark:
        "results/benchmarks/draw_balance.tsv"
    conda:
        "../envs/base.yaml"
    params:
        synthetic=PLAN.synthetic,
        code=code("draw_balance"),
    script:
        "../workflow/scripts/draw_balance.py"


rule draw_curves:
    input:
        history="results/models/{run}/history.csv",
    output:
        figure=report(
            "results/figures/learning_curves_{run}.svg",
            caption="../workflow/report/learning_curves.rst",
            category="Training",
            subcategory="{run}",
        ),
    log:
        "results/logs/draw_curves/{run}.log",
    benchmark:
        "results/benchmarks/draw_curves/{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        synthetic=PLAN.synthetic,
        code=code("draw_curves"),
    script:
        "../workflow/scripts/draw_curves.py"


rule draw_reliability:
    input:
        table="results/models/{run}/reliability.csv",
    output:
        figure=report(
            "results/figures/reliability_{run}.svg",
            caption="../workflow/report/reliability.rst",
            category="Training",
            subcategory="{run}",
        ),
    log:
        "results/logs/draw_reliability/{run}.log",
    benchmark:
        "results/benchmarks/draw_reliability/{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        synthetic=PLAN.synthetic,
        code=code("draw_reliability"),
    script:
        "../workflow/scripts/draw_reliability.py"


rule draw_units:
    input:
        score="results/eval/{benchmark}_{run}.json",
    output:
        figure=report(
            "results/figures/action_units_{benchmark}_{run}.svg",
            caption="../workflow/report/action_units.rst",
            category="Scores",
            subcategory="{benchmark}",
        ),
    log:
        "results/logs/draw_units/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/draw_units/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("draw_units"),
    script:
        "../workflow/scripts/draw_units.py"


rule draw_annotation:
    input:
        merged="results/emotionet/valence_arousal.csv",
        annotators="results/emotionet/annotators.csv",
    output:
        figure=report(
            "results/figures/annotation.svg",
            caption="../workflow/report/annotation.rst",
            category="Data",
        ),
    log:
        "results/logs/draw_annotation.log",
    benchmark:
        "results/benchmarks/draw_annotation.tsv"
    conda:
        "../envs/base.yaml"
    params:
        synthetic=PLAN.synthetic,
        code=code("draw_annotation"),
    script:
        "../workflow/scripts/draw_annotation.py"


rule draw_plane:
    input:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        score="results/eval/{benchmark}_{run}.json",
    output:
        figure=report(
            "results/figures/affect_plane_{benchmark}_{run}.png",
            caption="../workflow/report/affect_plane.rst",
            category="Scores",
            subcategory="{benchmark}",
        ),
    log:
        "results/logs/draw_plane/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/draw_plane/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("draw_plane"),
    script:
        "../workflow/scripts/draw_plane.py"


rule draw_tracks:
    input:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        score="results/eval/{benchmark}_{run}.json",
    output:
        figure=report(
            "results/figures/tracks_{benchmark}_{run}.svg",
            caption="../workflow/report/tracks.rst",
            category="Scores",
            subcategory="{benchmark}",
        ),
    log:
        "results/logs/draw_tracks/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/draw_tracks/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("draw_tracks"),
    script:
        "../workflow/scripts/draw_tracks.py"


rule draw_emotions:
    input:
        predictions="results/predictions/{benchmark}_{run}.parquet",
        score="results/eval/{benchmark}_{run}.json",
    output:
        figure=report(
            "results/figures/emotions_{benchmark}_{run}.svg",
            caption="../workflow/report/emotions.rst",
            category="Scores",
            subcategory="{benchmark}",
        ),
    log:
        "results/logs/draw_emotions/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/draw_emotions/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        code=code("draw_emotions"),
    script:
        "../workflow/scripts/draw_emotions.py"


rule draw_worst:
    input:
        frames=ask(lambda wildcards: frames_of(wildcards.benchmark)),
        predictions="results/predictions/{benchmark}_{run}.parquet",
        card="results/models/{run}/model.json",
    output:
        figure=report(
            "results/figures/worst_{benchmark}_{run}.png",
            caption="../workflow/report/worst.rst",
            category="Scores",
            subcategory="{benchmark}",
        ),
    log:
        "results/logs/draw_worst/{benchmark}_{run}.log",
    benchmark:
        "results/benchmarks/draw_worst/{benchmark}_{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        faces=config["report"]["faces"],
        code=code("draw_worst"),
    script:
        "../workflow/scripts/draw_worst.py"


rule draw_samples:
    input:
        frames=frames_of("emotionet"),
        predictions="results/predictions/emotionet_{run}.parquet",
        card="results/models/{run}/model.json",
    output:
        figure=report(
            "results/figures/images_{run}.png",
            caption="../workflow/report/images.rst",
            category="Data",
            subcategory="{run}",
        ),
    log:
        "results/logs/draw_samples/{run}.log",
    benchmark:
        "results/benchmarks/draw_samples/{run}.tsv"
    conda:
        "../envs/base.yaml"
    params:
        faces=config["report"]["faces"],
        code=code("draw_samples"),
    script:
        "../workflow/scripts/draw_samples.py"


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
        "../envs/base.yaml"
    params:
        synthetic=PLAN.synthetic,
        faces=config["report"]["faces"],
        code=code("write_overview"),
    script:
        "../workflow/scripts/write_overview.py"
