# Images and videos -> where the faces are.
#
# Needs: results/emotionet/ledger.parquet and the images, or a data set's folder; faces. Makes:
# results/emotionet/faces/{part}.parquet, results/faces/{dataset}.parquet; what was found in a downloaded image is
# state (results/state/faces) that outlives a killed job.
FACES = config["faces"]
DOWNLOADED_FACES = (
    expand(
        "results/emotionet/faces/{part}.parquet",
        part=range(DOWNLOAD["partitions"]),
    )
    if PLAN.faces.detected
    else []
)


if PLAN.faces.detected and FACES["model"]["path"] is None:

    rule fetch_detector:
        output:
            model="results/weights/face_detector.onnx",
        log:
            "results/logs/fetch_detector.log",
        benchmark:
            "results/benchmarks/fetch_detector.tsv"
        localrule: NETWORK_IS_LOCAL
        conda:
            "../envs/base.yaml"
        params:
            url=FACES["model"]["url"],
            sha256=FACES["model"]["sha256"],
            code=code("fetch_detector"),
        script:
            "../workflow/scripts/fetch_detector.py"


if PLAN.faces.detected:

    rule find_faces:
        input:
            ledger="results/emotionet/ledger.parquet",
            model=ask(lambda wildcards: PLAN.faces.detector() or []),
        output:
            faces="results/emotionet/faces/{part}.parquet",
        log:
            "results/logs/find_faces/{part}.log",
        benchmark:
            "results/benchmarks/find_faces/{part}.tsv"
        conda:
            "../envs/base.yaml"
        threads: 4
        params:
            images="results/emotionet/images",
            parts=DOWNLOAD["partitions"],
            state="results/state/faces",
            search=PLAN.faces.search(),
            code=code("find_faces"),
        script:
            "../workflow/scripts/find_faces.py"


rule find_dataset_faces:
    input:
        ask(lambda wildcards: PLAN.data.waits_for(wildcards.dataset)),
        model=ask(lambda wildcards: PLAN.faces.detector() or []),
    output:
        faces="results/faces/{dataset}.parquet",
    log:
        "results/logs/find_dataset_faces/{dataset}.log",
    benchmark:
        "results/benchmarks/find_dataset_faces/{dataset}.tsv"
    conda:
        "../envs/base.yaml"
    threads: 4
    params:
        root=ask(lambda wildcards: PLAN.data.root(wildcards.dataset)),
        split=lambda wildcards: PLAN.data.whole(wildcards.dataset),
        state=ask(lambda wildcards: PLAN.data.state(wildcards.dataset)),
        search=PLAN.faces.search(),
        code=lambda wildcards: dataset_code("find_dataset_faces", wildcards.dataset),
    script:
        "../workflow/scripts/find_dataset_faces.py"
