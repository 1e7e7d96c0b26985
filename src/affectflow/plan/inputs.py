"""Functions of wildcards that give rules their inputs and params.

A mistake of the user's that a function finds ends the workflow with one sentence, before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from affectflow import datasets
from affectflow.config import Values
from affectflow.core.errors import one_sentence
from affectflow.core.rule import rule_params
from affectflow.core.stage import Stage, code_of
from affectflow.evaluation.protocols import Protocol, protocol
from affectflow.plan import Plan
from affectflow.plan.data import EMOTIONET

Answer = TypeVar("Answer")
Wildcards = Any
"""Snakemake's, with an attribute for each wildcard of the rule."""
Function = Callable[[Wildcards], Any]


def checked(function: Callable[[Wildcards], Answer]) -> Callable[[Wildcards], Answer]:
    """Return an input or params function that ends with one sentence where ``function`` raises a UserError."""

    def answer(wildcards: Wildcards) -> Answer:
        with one_sentence():
            return function(wildcards)

    return answer


class Inputs:
    """What the rules of a plan read.

    Args:
        plan: The plan.
        config: The configuration as the workflow has it.
    """

    def __init__(self, plan: Plan, config: Values) -> None:
        self._plan = plan
        self._config = config
        count = config["records"]["shards"]
        self.of_shards = f"of-{count:05d}"
        """The end of the names of records, ``of-00008``."""
        self.shards = [f"{shard:05d}" for shard in range(count)]

    def params(self, stage: Stage, **others: Any) -> dict[str, Any]:
        """Return the params of the rule of a stage: its address, code digest and settings, and ``others``."""
        return rule_params(stage, self._config, **others)

    def dataset_params(
        self, stage: Stage, name_of: Callable[[Wildcards], str], split: Function, **others: Any
    ) -> dict[str, Any]:
        """Return the params of the rule of a stage that reads a data set.

        Args:
            stage: The stage.
            name_of: Name of the data set.
            split: Its split.
            others: Further params.
        """
        return self.params(
            stage,
            dataset=name_of,
            root=checked(lambda wildcards: self._plan.data.root(name_of(wildcards))),
            split=split,
            content=checked(lambda wildcards: self._plan.data.state(name_of(wildcards))),
            code=code_with_dataset(stage, name_of),
            **others,
        )

    def of_dataset(self, name_of: Callable[[Wildcards], str]) -> Function:
        """Return an input function: files that the workflow makes before a data set can be read."""
        return checked(lambda wildcards: self._plan.data.input_files(name_of(wildcards)))

    def records(self, sets: Iterable[str], split: str) -> list[str]:
        """Return the records of a split of some sets.

        Args:
            sets: Names of folders of records, such as ``affwild`` or ``disfa-fold1``.
            split: ``train``, ``validation`` or ``test``.
        """
        return [
            f"results/{name}/tfrecords/{split}-{shard}-{self.of_shards}.tfrecord"
            for name in sets
            for shard in self.shards
        ]

    def training_records(self, split: str) -> Function:
        """Return an input function: the records of a split of all sets that a run is trained on."""
        return checked(lambda wildcards: self.records(self._plan.models.record_sets(wildcards.run), split))

    def training_indices(self) -> Function:
        """Return an input function: the indices of the records that a run is trained on."""
        return checked(
            lambda wildcards: [
                f"results/{name}/tfrecords/index.csv" for name in self._plan.models.record_sets(wildcards.run)
            ]
        )

    def frames(self, benchmark: str) -> list[str]:
        """Return the records of a benchmark's frames; of EmotioNet those of its test split."""
        if benchmark == EMOTIONET:
            return self.records([EMOTIONET], "test")
        return [f"results/frames/{benchmark}.tfrecord"]

    def frames_to_predict(self) -> Function:
        """Return an input function: the frames of a benchmark that a run can be scored on."""

        def frames(wildcards: Wildcards) -> list[str]:
            self._plan.scores.check_prediction(wildcards.benchmark, wildcards.run)
            return self.frames(wildcards.benchmark)

        return checked(frames)

    def of_benchmarks(self, pattern: str) -> Function:
        """Return an input function: a file of each benchmark that a run is scored on by its default protocol."""
        return lambda wildcards: [
            pattern.format(benchmark=benchmark, run=wildcards.run)
            for benchmark in self._plan.scores.benchmarks_of(wildcards.run)
        ]

    def frames_of_benchmarks(self, wildcards: Wildcards) -> list[list[str]]:
        """Return the records of each benchmark that a run is scored on by its default protocol."""
        return [self.frames(benchmark) for benchmark in self._plan.scores.benchmarks_of(wildcards.run)]

    def scored_runs(self, run: str = "run") -> Function:
        """Return a params function: the runs whose predictions make a score, one or one of each fold.

        Args:
            run: The wildcard that names the run.
        """
        return checked(lambda wildcards: self._plan.scores.parts(protocol_of(wildcards), getattr(wildcards, run)))

    def of_scored_runs(self, pattern: str) -> Function:
        """Return an input function: a file of each run that makes a score."""
        runs = self.scored_runs()
        return lambda wildcards: _expand(pattern, wildcards.benchmark, runs(wildcards))

    def of_compared_runs(self, pattern: str) -> Function:
        """Return an input function: a file of each run that makes one of two compared scores."""

        def files(wildcards: Wildcards) -> list[str]:
            parts = self._plan.scores.parts_of_both(protocol_of(wildcards), wildcards.run, wildcards.other)
            return _expand(pattern, wildcards.benchmark, parts)

        return checked(files)

    def scores_across(self) -> Function:
        """Return an input function: the score files of a model without each of its data sets, and within them."""
        return checked(
            lambda wildcards: [
                f"results/eval/{target}_{run}.json" for target, run in self._plan.scores.across(wildcards.model)
            ]
        )

    def scores_of_seeds(self) -> Function:
        """Return an input function: the score files of all seeds of a model."""
        return checked(
            lambda wildcards: [
                f"results/eval/{wildcards.benchmark}{wildcards.protocol}_{run}.json"
                for run in self._plan.models.by_seed(wildcards.first).values()
            ]
        )

    def compared_sets(self, wildcards: Wildcards) -> list[tuple[str, str, str]]:
        """Return name, folder and split of the benchmark and of each set that a run was trained on."""
        with one_sentence():
            return self._plan.scores.leakage_inputs(wildcards.benchmark, wildcards.run)

    def files_of_compared_sets(self, wildcards: Wildcards) -> list[str]:
        """Return the files that the workflow makes before the compared sets can be read."""
        sets = self.compared_sets(wildcards)
        return sorted({file for name, _, _ in sets for file in self._plan.data.input_files(name)})

    def digests_of_compared_sets(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of image digests of the compared sets."""
        return [f"results/leakage/{name}.parquet" for name, _, _ in self.compared_sets(wildcards)]

    def code_with_compared_sets(self, stage: Stage) -> Callable[[Wildcards], str]:
        """Return a params function: the code digest of a stage with the modules that read the compared sets."""
        return lambda wildcards: code_of(
            stage, *{datasets.module_of(name) for name, _, _ in self.compared_sets(wildcards)}
        )


def code_with_dataset(stage: Stage, name_of: Callable[[Wildcards], str]) -> Callable[[Wildcards], str]:
    """Return a params function: the code digest of a stage with the module that reads a data set.

    Args:
        stage: The stage.
        name_of: Name of the data set.
    """
    return lambda wildcards: code_of(stage, datasets.module_of(name_of(wildcards)))


def protocol_of(wildcards: Wildcards) -> Protocol:
    """Return the protocol of the wildcards ``benchmark`` and ``protocol``, which is empty or begins with a hyphen."""
    return protocol(wildcards.benchmark, wildcards.protocol.lstrip("-"))


def _expand(pattern: str, benchmark: str, runs: Sequence[str]) -> list[str]:
    return [pattern.format(benchmark=benchmark, run=run) for run in runs]
