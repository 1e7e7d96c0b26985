"""Run the stage of a rule: a function of ``affectflow/<room>/stages.py``, which the rule's params name."""

from typing import TYPE_CHECKING

from affectflow.core.rule import job_log, run_rule
from affectflow.study.ownership import claim_results
from affectflow.study.running import enter_as_job

if TYPE_CHECKING:
    from snakemake.script import snakemake  # put there by the workflow

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        enter_as_job()
        claim_results(snakemake.config)
        run_rule(snakemake)
