# Images and videos -> where the faces are.
#
# Needs: results/emotionet/ledger.parquet and the images, or a data set's folder; faces. Makes:
# results/emotionet/faces/{part}.parquet, results/faces/{dataset}.parquet; what was found in a downloaded image is
# state (results/state/faces) that outlives a killed job.
from affectflow.faces import stages as faces_stages

DOWNLOADED_FACES = (
    expand("results/emotionet/faces/{part}.parquet", part=range(DOWNLOAD["partitions"]))
    if PLAN.faces.detected
    else []
)


if PLAN.faces.detected and config["faces"]["model"]["path"] is None:

    rule fetch_detector:
        output:
            model="results/weights/face_detector.onnx",
        log:
            "results/logs/fetch_detector.log",
        benchmark:
            "results/benchmarks/fetch_detector.tsv"
        localrule: NETWORK_IS_LOCAL
        conda:
            BASE
        params:
            **INPUTS.params(faces_stages.fetch_detector),
        script:
            RUN_STAGE


if PLAN.faces.detected:

    rule find_faces:
        input:
            ledger="results/emotionet/ledger.parquet",
            model=checked(lambda wildcards: PLAN.faces.detector() or []),
        output:
            faces="results/emotionet/faces/{part}.parquet",
        log:
            "results/logs/find_faces/{part}.log",
        benchmark:
            "results/benchmarks/find_faces/{part}.tsv"
        conda:
            BASE
        threads: 4
        params:
            **INPUTS.params(
                faces_stages.find_faces,
                images="results/emotionet/images",
                state="results/state/faces",
            ),
        script:
            RUN_STAGE


rule find_dataset_faces:
    input:
        INPUTS.of_dataset(name_of_dataset),
        model=checked(lambda wildcards: PLAN.faces.detector() or []),
    output:
        faces="results/faces/{dataset}.parquet",
    log:
        "results/logs/find_dataset_faces/{dataset}.log",
    benchmark:
        "results/benchmarks/find_dataset_faces/{dataset}.tsv"
    conda:
        BASE
    threads: 4
    params:
        **INPUTS.dataset_params(
            faces_stages.find_dataset_faces,
            name_of_dataset,
            split=lambda wildcards: PLAN.data.all_of(wildcards.dataset),
            state="results/state/faces/{dataset}",
        )
        | (PLAN.faces.search() or {"sha256": None, "min_score": None}),
    script:
        RUN_STAGE
