"""Run the stage of a rule: a function of ``affectflow/<room>/stages.py``, which the rule's params name."""

from typing import TYPE_CHECKING

from affectflow.core.rule import run_rule

if TYPE_CHECKING:
    from snakemake.script import snakemake  # put there by the workflow

if __name__ == "__main__":
    run_rule(snakemake)
