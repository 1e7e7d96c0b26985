"""The data sets of a configuration: where they are, what they are used for, and which split of each is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectflow import datasets
from affectflow.config.data import DataSection
from affectflow.core.cache import folder_fingerprint
from affectflow.core.errors import UserError
from affectflow.datasets import info, synthetic
from affectflow.datasets.dataset_info import SPLIT, VALENCE_AROUSAL
from affectflow.datasets.london_archive import SOURCE, SUBJECTS
from affectflow.plan.followed import followed
from affectflow.tables.files import table_files

EMOTIONET = "emotionet"
"""The data set that the workflow downloads."""
BENCHMARKS = datasets.benchmarks()
"""The data sets that models can be scored on."""
FOLDERS = datasets.folder_sets()
"""The data sets in a folder of the user's."""


class Data:
    """The section ``data``."""

    def __init__(self, section: DataSection) -> None:
        self._section = section
        self.annotations = section.annotations
        """The folder of valence/arousal traces, None without any."""

    def configured(self, dataset: str) -> bool:
        """Return whether the configuration says where a data set is."""
        if dataset == EMOTIONET:
            return bool(self._section.emotionet.tables)
        return self._section.folder_set(dataset).root is not None

    def left_out(self) -> list[str]:
        """Return the benchmarks that are not configured."""
        return [name for name in BENCHMARKS if not self.configured(name)]

    def given(self) -> dict[str, Path]:
        """Return the files and folders of the user's that the configuration names, by key."""
        fetched = {key_of(name) for name in FOLDERS if self._is_fetched(name)}
        return {key: path for key, path in self.sources().items() if key not in fetched}

    def of_one_kind(self) -> dict[str, Path]:
        """Return the files and folders that must all be drawn or all be real, by key."""
        apart = {key_of(name) for name in FOLDERS if info(name).open_to_drawn}
        return {key: path for key, path in self.sources().items() if key not in apart}

    def sources(self) -> dict[str, Path]:
        """Return the files and folders that the configuration names, by key."""
        tables = self._section.emotionet.tables
        found = {f"data.emotionet.tables[{i}]": Path(table) for i, table in enumerate(tables)}
        found |= {key_of(name): Path(self.root(name)) for name in FOLDERS if self.configured(name)}
        if self.annotations is not None:
            found["data.annotations"] = Path(self.annotations)
        return found

    def settings(self, names: set[str]) -> dict[str, Any]:
        """Return the keys of some data sets, and of annotations."""
        return {
            "data": {name: getattr(self._section, name).model_dump() for name in sorted(names)},
            "annotations": self.annotations,
        }

    # EmotioNet

    def tables(self) -> list[str]:
        """Return EmotioNet's spreadsheets, also those in folders; raises :class:`UserError` when there are none."""
        if not self.configured(EMOTIONET):
            raise UserError("There is no spreadsheet to read; set data.emotionet.tables.")
        return [
            followed(str(file), "data.emotionet.tables")
            for table in self._section.emotionet.tables
            for file in table_files(Path(table))
        ]

    @property
    def reference(self) -> str | None:
        """The snapshot that EmotioNet's images are to reproduce, as the configuration names it."""
        return self._section.emotionet.snapshot

    def snapshot(self) -> str | None:
        """Return :attr:`reference` where EmotioNet is used; raises :class:`UserError` for a file that is missing."""
        path = self.reference
        if path is None or not self.configured(EMOTIONET):
            return None
        if not Path(path).is_file():
            raise UserError(f"{path} does not exist; correct data.emotionet.snapshot.")
        if Path(path).resolve().is_relative_to(Path("results").resolve()):
            raise UserError(f"{path} lies where the workflow writes; copy it and correct data.emotionet.snapshot.")
        return followed(path, "data.emotionet.snapshot")

    def has_traces(self) -> bool:
        """Return whether EmotioNet's images have valence and arousal."""
        return self.annotations is not None

    # Folders

    def root(self, dataset: str) -> str:
        """Return the folder of a data set; raises :class:`UserError` where it is not configured."""
        if not self.configured(dataset):
            raise UserError(unconfigured(dataset))
        return "results/emotionet" if dataset == EMOTIONET else str(self._section.folder_set(dataset).root)

    def input_files(self, dataset: str) -> list[str]:
        """Return the files that the workflow makes before a data set can be opened; none where the user owns it."""
        if dataset == EMOTIONET:
            return ["results/emotionet/samples.parquet"]
        if self._is_fetched(dataset):
            return [f"{self.root(dataset)}/{SOURCE}"]
        return marker_of(self.root(dataset))

    def state(self, dataset: str) -> str:
        """Return a text that changes with the content of a user's folder; the files of other sets are followed."""
        if self.input_files(dataset):
            return "followed"
        root = Path(self.root(dataset))
        return folder_fingerprint(root.parent if root.is_file() else root)

    def _is_fetched(self, dataset: str) -> bool:
        """Return whether the workflow fetches a data set."""
        return self.configured(dataset) and Path(self.root(dataset)) == info(dataset).fetched_to

    def subjects(self, dataset: str) -> list[str]:
        """Return the table of what is known of a data set's people; nothing without one.

        Raises :class:`UserError` for a file that is missing.
        """
        path = None if dataset == EMOTIONET else self._section.folder_set(dataset).subjects
        if path is None:
            return [f"{self.root(dataset)}/{SUBJECTS}"] if self._is_fetched(dataset) else []
        key = f"data.{dataset}.subjects"
        if not Path(path).is_file():
            raise UserError(f"{path} is not a file; correct {key}.")
        return [followed(path, key)]

    # Labels and splits

    def heads(self, dataset: str, training: bool = False) -> set[str]:
        """Return the heads that a data set has labels for, in the user's folder if it is there.

        Args:
            dataset: Name of the data set.
            training: Whether the labels are learned from; otherwise they are scored.
        """
        facts = info(dataset)
        if facts.heads_of is None or not self.configured(dataset) or not (root := Path(self.root(dataset))).is_dir():
            return set(facts.heads)
        side = "train" if training else "test"
        return set(facts.heads_of(root, side if self._is_split(dataset) else "all"))

    def labels(self, names: set[str]) -> set[str]:
        """Return the heads that data sets have labels for."""
        by_set = {name: self.heads(name, training=True) for name in names}
        found: set[str] = set().union(*by_set.values())
        if not self.has_traces() and not any(VALENCE_AROUSAL in by_set[name] for name in names - {EMOTIONET}):
            found.discard(VALENCE_AROUSAL)  # EmotioNet has them only from the traces
        return found

    def use(self, dataset: str) -> str | None:
        """Return what a data set is used for; None where the configuration leaves no choice."""
        use: str | None = getattr(getattr(self._section, dataset), "use", None)
        return use

    def training_split(self, records: str) -> str:
        """Return the split behind a folder of records (``affwild``, ``disfa-fold1``, ``disfaplus-fold1``)."""
        name, _, fold = records.partition("-")
        if info(name).folds:
            return (f"{fold}-train" if fold else "all") + self._variant(name)
        side = "train" if self._is_split(name) else "all"
        return "-".join(filter(None, (side, fold))) + self._variant(name)

    def benchmark_split(self, benchmark: str, fold: int | None) -> str:
        """Return the split of a benchmark that a run is scored on: for a run of a fold, that fold's test side.

        Args:
            benchmark: Name of the benchmark.
            fold: Number of the run's fold, None for a run of no fold.
        """
        if info(benchmark).folds:
            return ("all" if fold is None else f"fold{fold}-test") + self._variant(benchmark)
        return self.frames_split(benchmark)

    def frames_split(self, dataset: str) -> str:
        """Return the split of which frames are kept for all runs that are scored on a data set."""
        return ("test" if self._is_split(dataset) else "all") + self._variant(dataset)

    def all_of(self, dataset: str) -> str:
        """Return the split that is the whole of a data set."""
        return "all" + self._variant(dataset)

    def _is_split(self, dataset: str) -> bool:
        """Return whether one side of a data set is trained on and the other is scored."""
        return info(dataset).uses == (SPLIT,) or self.use(dataset) == SPLIT

    def _variant(self, dataset: str) -> str:
        """Return what the options of a data set, such as DISFA's camera, append to a split."""
        return info(dataset).variant(getattr(self._section, dataset).model_dump())


def key_of(dataset: str) -> str:
    """Return the configuration's key that says where a data set is."""
    return info(dataset).root_key


def unconfigured(dataset: str) -> str:
    """Return the sentence that says how a data set is configured."""
    fetched = info(dataset).fetched_to
    how = f" to {fetched}, and it is fetched, or to a folder" if fetched else " and run again"
    return f"{dataset} is not configured; set {key_of(dataset)}{how}."


def marker_of(folder: str) -> list[str]:
    """Return the marker that the demo leaves in a folder that it draws; nothing for a folder of the user's."""
    path = Path(folder)
    return [str(path / synthetic.MARKER)] if path.parent == synthetic.DEMO else []


def traces_state(folder: str) -> str:
    """Return a text that changes with the content of the folder of traces, as :meth:`Data.state`."""
    return "followed" if marker_of(folder) else folder_fingerprint(Path(folder))
