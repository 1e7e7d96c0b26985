"""Derive which runs are scored on which benchmarks, why others are not, and what a score depends on."""

from __future__ import annotations

import re
from typing import Any

from affectflow.config import Config
from affectflow.core.cache import fingerprint
from affectflow.core.errors import UserError
from affectflow.datasets import info
from affectflow.evaluation.protocols import Protocol, protocols
from affectflow.plan import runs
from affectflow.plan.data import BENCHMARKS, EMOTIONET, Data, key_of, unconfigured
from affectflow.plan.faces import Faces
from affectflow.plan.models import Models


class Scores:
    """Pairs of a benchmark and a run."""

    def __init__(self, config: Config, data: Data, models: Models, faces: Faces, synthetic: bool) -> None:
        self._config = config
        self._data = data
        self._models = models
        self._faces = faces
        self._synthetic = synthetic

    # All that can be scored

    def pairs(self) -> list[tuple[str, str]]:
        """Return all pairs of a benchmark and a run that can be scored by its default protocol."""
        return [(p.benchmark, run) for p, run in self._scored() if p.target == p.benchmark]

    def targets(self) -> list[tuple[str, str]]:
        """Return all scores that can be made, by their names' parts: benchmark with protocol, and run."""
        return [(p.target, run) for p, run in self._scored()]

    def runs(self) -> list[str]:
        """Return the runs that have scores."""
        return sorted({part for one, run in self._scored() for part in self.parts(one, run)})

    def benchmarks_of(self, run: str) -> list[str]:
        """Return the benchmarks that a run is scored on by their default protocols."""
        return [benchmark for benchmark, scored in self.pairs() if scored == run]

    def of_seeds(self) -> list[tuple[str, str]]:
        """Return the pairs whose run is the first of several seeds."""
        return [
            (benchmark, run)
            for benchmark, run in self.pairs()
            if re.fullmatch(runs.FIRST_PATTERN, run) and len(self._models.entry(run).seeds) > 1
        ]

    def _scored(self) -> list[tuple[Protocol, str]]:
        whole = list(dict.fromkeys(runs.of_folds(run) or run for run in self._models.runs))
        return [
            (one, run)
            for name in BENCHMARKS
            for one in protocols(name).values()
            for run in (whole if one.folds else self._models.runs)
            if self._obstacle_of(one, run) is None
        ]

    def across(self, model: str) -> list[tuple[str, str]]:
        """Return the scores that compare a model's data sets: each left out, and each within itself.

        Args:
            model: Name of the entry.

        Raises:
            UserError: There is no such model, or its data sets are too few.
        """
        entry = self._models.entry(self._models.first_run(model))
        found: dict[tuple[str, str], None] = {}
        for run in runs.without_each(model, entry):
            name = runs.left_out_of(run) or ""
            of_set = protocols(name).values() if name in BENCHMARKS else ()
            whole = [one for one in of_set if not one.folds and self._obstacle_of(one, run) is None]
            if not whole:
                continue
            within = next((one for one in of_set if one.folds), whole[0])
            found[whole[0].target, run] = None
            if (within.folds or model in self._models.runs) and self._obstacle_of(within, model) is None:
                found[within.target, model] = None
        if not found:
            raise UserError(
                f"{model} learns from {', '.join(entry.train_on)}: too few data sets to leave one out and score on it; "
                f"name more that share no people in models.{model}.train_on."
            )
        return list(found)

    # One of them

    def parts(self, one: Protocol, run: str) -> list[str]:
        """Return the runs whose predictions make a score: the run itself, or those of its folds.

        Raises :class:`UserError` with the reason when the pair cannot be scored.

        Args:
            one: The protocol, which names the benchmark.
            run: Name of the run, or the one under which the runs of all folds are pooled.
        """
        obstacle = self._obstacle_of(one, run)
        if obstacle is not None:
            raise UserError(obstacle)
        return runs.folds_of(run, one.benchmark) if one.folds else [run]

    def parts_of_both(self, one: Protocol, run: str, other: str) -> list[str]:
        """Return the :meth:`parts` of two runs that are compared.

        Args:
            one: The protocol.
            run: As in :meth:`parts`.
            other: The run that it is compared with.

        Raises:
            UserError: The two are the same, or one of them cannot be scored.
        """
        if run == other:
            raise UserError(f"{run} does not differ from itself; name two runs to compare.")
        return self.parts(one, run) + self.parts(one, other)

    def check_prediction(self, benchmark: str, run: str) -> None:
        """Raise :class:`UserError` with the reason when a run cannot be scored on a benchmark.

        Args:
            benchmark: Name of the benchmark.
            run: Name of the run.
        """
        of_set = protocols(benchmark).values()
        obstacles = [self._obstacle(benchmark, run, one.scores, one.labelled) for one in of_set]
        if None not in obstacles:
            raise UserError(next(filter(None, obstacles)))

    def snapshot_card(self, one: Protocol, run: str) -> list[str]:
        """Return the snapshot's card that a score cites, where EmotioNet's images are concerned.

        Args:
            one: The protocol.
            run: As in :meth:`parts`.
        """
        concerned = {one.benchmark, *self._models.trains_on(run)}
        return ["results/emotionet/snapshot.json"] if EMOTIONET in concerned else []

    def fold(self, run: str) -> str:
        """Return the split of a benchmark with folds that a run is scored on."""
        fold = self._models.parse(run).fold
        return "all" if fold is None else f"fold{fold.number}-test"

    def leakage_inputs(self, benchmark: str, run: str) -> list[tuple[str, str, str]]:
        """Return data set, root and split of the benchmark, and of each set that the run is trained on.

        Args:
            benchmark: Name of the benchmark.
            run: Name of the run.
        """
        scored = (benchmark, self._split(benchmark, run))
        return [(name, self._data.root(name), split) for name, split in [scored, *self._models.training_splits(run)]]

    def _split(self, benchmark: str, run: str) -> str:
        """Return the split of a benchmark that a run is scored on."""
        fold = self._models.parse(run).fold
        return self._data.benchmark_split(benchmark, fold.number if fold else None)

    def config_sha256(self, one: Protocol, run: str) -> str:
        """Return the digest of the part of the configuration that a score depends on.

        Args:
            one: The protocol.
            run: As in :meth:`parts`.
        """
        return fingerprint([self._of_prediction(one.benchmark, part) for part in self.parts(one, run)])

    def _of_prediction(self, benchmark: str, run: str) -> dict[str, Any]:
        """Return the part of the configuration that a run's predictions depend on."""
        entry = self._models.entry(run)
        return {
            **self._data.settings({benchmark, *self._models.trains_on(run)}),
            "weights": entry.weights,
            "train_on": self._models.record_sets(run),
            "recipe": self._models.recipe(run),
            "split": self._split(benchmark, run),
            "faces": [
                self._faces.search(),
                self._faces.max_gap_s(benchmark),
                *(self._faces.on_missing_face(name) for name in sorted(self._models.trains_on(run))),
            ],
            **self._config.model_dump(include={"annotation", "records", "evaluation"}),
            **({"demo": self._config.demo.model_dump()} if self._synthetic else {}),
        }

    # Why not

    def _obstacle_of(self, one: Protocol, run: str) -> str | None:
        if not one.folds:
            return self._obstacle(one.benchmark, run, one.scores, one.labelled)
        in_parts = runs.of_folds(run) or runs.left_out_of(run)
        if in_parts or one.benchmark not in self._models.trains_on(run):
            return (
                f"{one.benchmark}'s protocol {one.name} pools the runs of all folds of a model that is trained on "
                f"{one.benchmark}, and {run} is not one; name a model with {one.benchmark} in models.<name>.train_on."
            )
        found = (
            self._obstacle(one.benchmark, fold, one.scores, one.labelled) for fold in runs.folds_of(run, one.benchmark)
        )
        return next((obstacle for obstacle in found if obstacle), None)

    def _obstacle(self, benchmark: str, run: str, scored: set[str], labelled: set[str] | None = None) -> str | None:
        labelled = scored if labelled is None else labelled
        parsed = self._models.parse(run)
        if not self._data.configured(benchmark):
            return unconfigured(benchmark)
        if self._data.use(benchmark) == "train":
            return (
                f"{benchmark} is used for training as a whole; set data.{benchmark}.use to split or benchmark to score "
                "on it."
            )
        train_on = self._models.trains_on(run)
        missing = [name for name in train_on if not self._data.configured(name)]
        if missing:
            return f"{run} is trained on {missing[0]}, which is not configured; set {key_of(missing[0])} and run again."
        if not labelled & self._data.heads(benchmark):
            return (
                f"{self._data.root(benchmark)} has no labels of {' and '.join(sorted(labelled))}; add them, or choose "
                "another protocol."
            )
        trained = self._models.trained_heads(run)
        if not scored & trained:
            heads = " and ".join(sorted(trained)) or "nothing"
            return (
                f"{run} learns {heads} from its data and shares no label with {benchmark}; leave this pair out, or set "
                "data.annotations, models.<name>.heads or train_on."
            )
        if benchmark in train_on and self._data.use(benchmark) == "benchmark":
            return f"{run} is trained on {benchmark}; set data.{benchmark}.use to split to score it there."
        if parsed.left_out is not None and benchmark != parsed.left_out:
            return f"{run} leaves out {info(parsed.left_out).title}; score it on {parsed.left_out}."
        if parsed.fold is not None and benchmark != parsed.fold.dataset:
            folded = parsed.fold.dataset
            return f"{run} belongs to a fold of {info(folded).title}; score it on {folded}."
        return None
