# The drawn data that the default configuration uses, in the real sets' formats.
#
# Needs: nothing; pip gets the shape of the rendered heads. Makes: results/demo/emotionet (spreadsheet and the images of
# its web), disfa, amfed, affwild, and results/demo/annotations (traces of the annotation videos by two drawn annotators);
# for other configurations results/heads, and results/demo/people of rendered heads.
from affectflow.demo import stages as demo_stages

DEMO = config["demo"]
# The cache key of the drawn images: changes with all that decides what they show.
DRAWING = fingerprint(
    [DEMO["seed"], DEMO["image_size"], code_of(demo_stages.draw_emotionet)]
)[:6]
DEMO_TABLE = "results/demo/emotionet/EmotioNet_FACS_drawn.xlsx"


rule draw_emotionet:
    output:
        table=DEMO_TABLE,
        truth="results/demo/emotionet/truth.parquet",
        routes="results/demo/emotionet/routes.json",
    log:
        "results/logs/draw_emotionet.log",
    benchmark:
        "results/benchmarks/draw_emotionet.tsv"
    conda:
        BASE
    threads: 4
    params:
        **INPUTS.params(
            demo_stages.draw_emotionet,
            web="results/demo/emotionet/web",
            cache_key=DRAWING,
        ),
    script:
        RUN_STAGE


rule draw_traces:
    input:
        manifest="results/annotation/manifest.csv",
        truth="results/demo/emotionet/truth.parquet",
    output:
        marker=f"results/demo/annotations/{synthetic.MARKER}",
    log:
        "results/logs/draw_traces.log",
    benchmark:
        "results/benchmarks/draw_traces.tsv"
    conda:
        BASE
    params:
        **INPUTS.params(demo_stages.draw_traces, cache_key=DRAWING),
    script:
        RUN_STAGE


for name in ("disfa", "amfed", "affwild"):

    rule:
        name:
            f"draw_{name}"
        output:
            marker=f"results/demo/{name}/{synthetic.MARKER}",
        log:
            f"results/logs/draw_{name}.log",
        benchmark:
            f"results/benchmarks/draw_{name}.tsv"
        conda:
            BASE
        threads: 4
        params:
            **INPUTS.params(getattr(demo_stages, f"draw_{name}")),
        script:
            RUN_STAGE


rule fetch_head:
    output:
        head="results/heads/head.npz",
        licenses=directory("results/heads/licenses"),
    log:
        "results/logs/fetch_head.log",
    benchmark:
        "results/benchmarks/fetch_head.tsv"
    localrule: NETWORK_IS_LOCAL
    conda:
        BASE
    params:
        **INPUTS.params(demo_stages.fetch_head),
    script:
        RUN_STAGE


rule render_people:
    input:
        head="results/heads/head.npz",
    output:
        marker=f"results/demo/people/{synthetic.MARKER}",
    log:
        "results/logs/render_people.log",
    benchmark:
        "results/benchmarks/render_people.tsv"
    conda:
        BASE
    threads: 4
    params:
        **INPUTS.params(demo_stages.render_people),
    script:
        RUN_STAGE
