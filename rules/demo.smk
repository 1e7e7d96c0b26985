# The drawn data that the default configuration points at, in the real sets' formats.
#
# Needs: nothing. Makes: results/demo/emotionet (spreadsheet and the images of its web), disfa, amfed, affwild, and
# results/demo/annotations (traces of the batches by two drawn annotators).
DEMO = config["demo"]
# Changes with all that decides what the drawn images show.
EDITION = fingerprint([DEMO["seed"], DEMO["image_size"], code("draw_emotionet")])[:6]
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
        "../envs/base.yaml"
    threads: 4
    params:
        web="results/demo/emotionet/web",
        seed=DEMO["seed"],
        images=DEMO["images"],
        image_size=DEMO["image_size"],
        web_port=DEMO["web_port"],
        edition=EDITION,
        code=code("draw_emotionet"),
    script:
        "../workflow/scripts/draw_emotionet.py"


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
        "../envs/base.yaml"
    params:
        seed=DEMO["seed"],
        images=DEMO["images"],
        web_port=DEMO["web_port"],
        edition=EDITION,
        code=code("draw_traces"),
    script:
        "../workflow/scripts/draw_traces.py"


rule draw_disfa:
    output:
        marker=f"results/demo/disfa/{synthetic.MARKER}",
    log:
        "results/logs/draw_disfa.log",
    benchmark:
        "results/benchmarks/draw_disfa.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        seed=DEMO["seed"],
        subjects=DEMO["disfa_subjects"],
        frames=DEMO["disfa_frames"],
        size=DEMO["video_size"],
        code=code("draw_disfa"),
    script:
        "../workflow/scripts/draw_disfa.py"


rule draw_amfed:
    output:
        marker=f"results/demo/amfed/{synthetic.MARKER}",
    log:
        "results/logs/draw_amfed.log",
    benchmark:
        "results/benchmarks/draw_amfed.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        seed=DEMO["seed"],
        videos=DEMO["amfed_videos"],
        frames=DEMO["video_frames"],
        size=DEMO["video_size"],
        code=code("draw_amfed"),
    script:
        "../workflow/scripts/draw_amfed.py"


rule draw_affwild:
    output:
        marker=f"results/demo/affwild/{synthetic.MARKER}",
    log:
        "results/logs/draw_affwild.log",
    benchmark:
        "results/benchmarks/draw_affwild.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        seed=DEMO["seed"],
        videos=DEMO["affwild_videos"],
        frames=DEMO["video_frames"],
        size=DEMO["video_size"],
        code=code("draw_affwild"),
    script:
        "../workflow/scripts/draw_affwild.py"
