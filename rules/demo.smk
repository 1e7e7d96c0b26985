# The drawn data that the default configuration points at, in the real sets' formats.
#
# Needs: nothing. Makes: results/demo/emotionet (spreadsheet and the pictures of its web), disfa, amfed, affwild, and
# results/demo/annotations (traces of the batches by two drawn annotators).
import subprocess
import sys

DEMO = config["demo"]
DEMO_TABLE = "results/demo/emotionet/EmotioNet_FACS_drawn.xlsx"
DEMO_WEB = []


rule draw_emotionet:
    output:
        table=DEMO_TABLE,
        truth="results/demo/emotionet/truth.parquet",
        routes="results/demo/emotionet/routes.json",
    params:
        web="results/demo/emotionet/web",
        seed=DEMO["seed"],
        images=DEMO["images"],
        image_size=DEMO["image_size"],
        web_port=DEMO["web_port"],
        code=code("draw_emotionet"),
    log:
        "results/logs/draw_emotionet.log",
    benchmark:
        "results/benchmarks/draw_emotionet.tsv"
    threads: 4
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/draw_emotionet.py"


rule draw_traces:
    input:
        manifest="results/annotation/manifest.csv",
        truth="results/demo/emotionet/truth.parquet",
    output:
        marker=f"results/demo/annotations/{synthetic.MARKER}",
    params:
        seed=DEMO["seed"],
        images=DEMO["images"],
        web_port=DEMO["web_port"],
        code=code("draw_traces"),
    log:
        "results/logs/draw_traces.log",
    benchmark:
        "results/benchmarks/draw_traces.tsv"
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/draw_traces.py"


rule draw_disfa:
    output:
        marker=f"results/demo/disfa/{synthetic.MARKER}",
    params:
        seed=DEMO["seed"],
        subjects=DEMO["disfa_subjects"],
        frames=DEMO["disfa_frames"],
        size=DEMO["video_size"],
        code=code("draw_disfa"),
    log:
        "results/logs/draw_disfa.log",
    benchmark:
        "results/benchmarks/draw_disfa.tsv"
    threads: 4
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/draw_disfa.py"


rule draw_amfed:
    output:
        marker=f"results/demo/amfed/{synthetic.MARKER}",
    params:
        seed=DEMO["seed"],
        videos=DEMO["amfed_videos"],
        frames=DEMO["video_frames"],
        size=DEMO["video_size"],
        code=code("draw_amfed"),
    log:
        "results/logs/draw_amfed.log",
    benchmark:
        "results/benchmarks/draw_amfed.tsv"
    threads: 4
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/draw_amfed.py"


rule draw_affwild:
    output:
        marker=f"results/demo/affwild/{synthetic.MARKER}",
    params:
        seed=DEMO["seed"],
        videos=DEMO["affwild_videos"],
        frames=DEMO["video_frames"],
        size=DEMO["video_size"],
        code=code("draw_affwild"),
    log:
        "results/logs/draw_affwild.log",
    benchmark:
        "results/benchmarks/draw_affwild.tsv"
    threads: 4
    conda:
        "../envs/base.yaml"
    script:
        "../workflow/scripts/draw_affwild.py"


def start_demo_web():
    """Serve the drawn pictures on loopback for as long as this process lives."""
    if DEMO_TABLE not in config["data"]["emotionet"]["tables"]:
        return
    server = subprocess.Popen(
        [
            sys.executable,
            *("-m", "affectflow.demo.web"),
            *("--routes", "results/demo/emotionet/routes.json"),
            *("--files", "results/demo/emotionet/web"),
            *("--web-port", str(DEMO["web_port"])),
            *("--name-server-port", str(DEMO["name_server_port"])),
        ],
        stdin=subprocess.PIPE,  # its end is the server's sign to stop
        stdout=subprocess.PIPE,
        text=True,
    )
    DEMO_WEB.append(server)
    answer = server.stdout.readline().strip()
    if answer != "ready":
        raise WorkflowError(answer)
