"""Run the stage of a rule: a function of ``affectflow/<room>/stages.py``, which the rule's params name."""

from affectflow.core.rule import run_rule

if __name__ == "__main__":
    run_rule(snakemake)
