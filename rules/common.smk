# What all stages share: the checked configuration, the code digest, the runs and the scores to make.
#
# Needs: config. Makes: nothing; the functions and lists that the other files use.
import json
from pathlib import Path

from affectflow import config as configuration
from affectflow import runs, synthetic
from affectflow.codehash import code_digest
from affectflow.errors import UserError, one_sentence
from affectflow.fingerprint import fingerprint
from affectflow.inputs import folder_fingerprint

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
BENCHMARKS = ("disfa", "amfed", "affwild", "emotionet")
FILMS = ("disfa", "amfed", "affwild")
HEADS = {
    "disfa": {"action_units"},
    "amfed": {"action_units"},
    "affwild": {"valence_arousal"},
    "emotionet": {"action_units", "valence_arousal"},
}


wildcard_constraints:
    benchmark="|".join(BENCHMARKS),
    run=runs.PATTERN,
    part=r"\d+",
    shard=r"\d{5}",
    backbone=r"[a-z0-9_]+",
    films=r"affwild|disfa-fold[123]",


def code(script, *modules):
    """Digest of what a script executes; a parameter of every rule, so that changed code re-runs what used it."""
    return code_digest(SCRIPTS / f"{script}.py", *modules)


def dataset_code(script, dataset):
    return code(script, f"affectflow.datasets.{dataset}")


def root_of(films):
    """A video data set's folder, or an error that names the key to set."""
    root = config["data"][films]["root"]
    if root is None:
        raise WorkflowError(
            f"{films} is not configured; set data.{films}.root to its folder."
        )
    return root


def configured(dataset):
    if dataset == "emotionet":
        return bool(config["data"]["emotionet"]["tables"])
    return config["data"][dataset]["root"] is not None


def folder_input(path, drawn_by):
    """What a job that reads a folder waits for: the demo's marker, or nothing where the user owns the folder."""
    return [f"{drawn_by}/{synthetic.MARKER}"] if is_demo(path, drawn_by) else []


def folder_state(path, drawn_by):
    """A parameter that changes with a folder's content; the demo's folders are followed through their marker."""
    return "drawn" if is_demo(path, drawn_by) else folder_fingerprint(Path(path))


def is_demo(path, drawn_by):
    return Path(path) == Path(drawn_by)


def sources():
    """All configured inputs by key."""
    data = config["data"]
    found = {
        f"data.emotionet.tables[{i}]": Path(table)
        for i, table in enumerate(data["emotionet"]["tables"])
    }
    found |= {
        f"data.{films}.root": Path(data[films]["root"])
        for films in FILMS
        if configured(films)
    }
    if data["annotations"] is not None:
        found["data.annotations"] = Path(data["annotations"])
    return found


def benchmarks():
    """The benchmarks that are configured and not spent on training."""
    return [
        name
        for name in BENCHMARKS
        if configured(name)
        and not (name == "affwild" and config["data"]["affwild"]["use"] == "train")
    ]


def scored(benchmark, run):
    """Whether a run and a benchmark share a label, and the run was not trained on what it would be scored on."""
    parsed = runs.parse_run(run, config["models"])
    model = config["models"][parsed.model]
    if parsed.fold is not None and benchmark != "disfa":
        return False
    if not all(configured(name) for name in model["train_on"]):
        return False
    return bool(HEADS[benchmark] & set(model["heads"]))


def plan():
    """The scores that rule all makes; says once what is left out."""
    for name in BENCHMARKS:
        if not configured(name):
            key = (
                "data.emotionet.tables" if name == "emotionet" else f"data.{name}.root"
            )
            logger.info(
                f"{name} is left out: {key} is not set."
            )
    return [
        f"results/eval/{benchmark}_{run}.json"
        for run in runs.all_runs(config["models"])
        for benchmark in benchmarks()
        if scored(benchmark, run)
    ]


with one_sentence():
    configuration.check(config)
    SYNTHETIC = synthetic.check_unmixed(sources())
    SCORES = plan()
