# Data sets that anyone may use -> folders of them.
#
# Needs: data.london.root set to results/london. Makes: results/london, the Face Research Lab London Set.
from affectflow.datasets import stages as datasets_stages


rule fetch_london:
    output:
        source="results/london/SOURCE.txt",
        subjects="results/london/subjects.csv",
    log:
        "results/logs/fetch_london.log",
    benchmark:
        "results/benchmarks/fetch_london.tsv"
    localrule: NETWORK_IS_LOCAL
    conda:
        BASE
    params:
        **INPUTS.params(
            datasets_stages.fetch_london,
            record="results/state/london.json",
        ),
    script:
        RUN_STAGE
