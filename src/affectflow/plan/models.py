"""Derive the runs of the catalogue of models, and what each is trained from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectflow.config import Config, catalogue
from affectflow.config.catalogue import Model, complete
from affectflow.core.errors import UserError
from affectflow.plan import runs
from affectflow.plan.data import EMOTIONET, Data
from affectflow.plan.followed import followed
from affectflow.training.backbones import check_weights, find_backbone


class Models:
    """The section ``models``, each entry with the defaults of ``model_defaults``.

    Raises :class:`UserError` for an entry that starts from weights that its backbone does not have.
    """

    def __init__(self, config: Config, data: Data) -> None:
        self._data = data
        self._entries = {
            name: complete(entry, config.model_defaults, config.training) for name, entry in config.models.items()
        }
        for name, entry in self._entries.items():
            if not find_backbone(entry.backbone).weights and entry.weights != catalogue.NO_WEIGHTS:
                raise UserError(f"{entry.backbone} has no weights to start from; set models.{name}.weights to none.")
        self.runs = runs.all_runs({name: entry for name, entry in self._entries.items() if entry.enabled})

    def of(self, run: str) -> str:
        """Return the name of the entry of a run, or of a run of all folds."""
        return runs.model_of(run, self._entries)

    def first_run(self, model: str) -> str:
        """Return the first run of an entry; raises :class:`UserError` where there is no such entry."""
        known = self.of(model)
        return runs.all_runs({known: self._entries[known]})[0]

    def parse(self, run: str) -> runs.Run:
        """Return the parts of a run's name; raises :class:`UserError` when the catalogue does not have it."""
        return runs.parse_run(run, self._entries)

    def entry(self, run: str) -> Model:
        """Return the entry of a run."""
        return self._entries[self.parse(run).model]

    def trains_on(self, run: str) -> list[str]:
        """Return the data sets of a run, or of a run of all folds."""
        entry = self._entries[self.of(run)]
        return runs.Run(self.of(run), 0, None, runs.left_out_of(run)).sets(entry)

    def by_seed(self, first: str) -> dict[int, str]:
        """Return the runs of all seeds; raises :class:`UserError` where there is only one."""
        found = runs.by_seed(first, self._entries)
        if len(found) < 2:
            model = self.parse(first).model
            raise UserError(f"{model} has one seed only; add others to models.{model}.seeds.")
        return found

    def trained_heads(self, run: str) -> set[str]:
        """Return the heads of a run for which its data sets have labels."""
        return self._data.labels(set(self.trains_on(run))) & set(self.entry(run).heads)

    def record_sets(self, run: str) -> list[str]:
        """Return the folders below ``results`` whose records a run learns from."""
        return self.parse(run).train_on(self.entry(run))

    def weights(self, run: str) -> str | None:
        """Return the file of a run's initial weights, None for random ones."""
        entry = self.entry(run)
        match entry.weights:
            case catalogue.NO_WEIGHTS:
                return None
            case catalogue.IMAGENET:
                return f"results/weights/{find_backbone(entry.backbone).weights_file}"
            case path:
                check_weights(Path(path), f"models.{self.parse(run).model}.weights")
                return followed(path, f"models.{self.parse(run).model}.weights")

    def given_weights(self) -> list[Path]:
        """Return the files of initial weights that the user owns."""
        named = (entry.weights for entry in self._entries.values())
        return [Path(path) for path in named if path not in (catalogue.NO_WEIGHTS, catalogue.IMAGENET)]

    def recipe(self, run: str) -> dict[str, Any]:
        """Return the settings that decide the weights of a run, but for its file of initial weights."""
        return self.parse(run).recipe(self.entry(run))

    def gpus_of(self, run: str) -> int:
        """Return the number of GPUs that a training takes."""
        return self.entry(run).gpus

    def input_sizes(self) -> dict[str, int]:
        """Return the side of the images that each model takes, of those that are trained, in pixels."""
        return {self.of(run): self.entry(run).input_size for run in self.runs}

    def gpus(self) -> dict[str, int]:
        """Return the number of GPUs of each model that is trained."""
        return {self.of(run): self.gpus_of(run) for run in self.runs}

    def training_splits(self, run: str) -> list[tuple[str, str]]:
        """Return the data sets and splits that a run is trained or validated on."""
        seen = []
        for records in self.record_sets(run):
            name = records.partition("-")[0]
            splits = ("train", "validation") if name == EMOTIONET else (self._data.training_split(records),)
            seen += [(name, split) for split in splits]
        return seen
