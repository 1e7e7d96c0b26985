"""The data sets of a configuration: where they lie, what they are for, and which side of each is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from affectflow.core.cache import folder_fingerprint
from affectflow.core.errors import UserError
from affectflow.datasets import synthetic
from affectflow.evaluation.protocols import AFFECT, INTENSITIES, UNITS
from affectflow.tables.files import table_files

_LABELS = {
    "disfa": {UNITS, INTENSITIES},
    "disfaplus": {UNITS, INTENSITIES},
    "amfed": {UNITS},
    "affwild": {AFFECT},
    "affwild2": {AFFECT},
    "own": {UNITS, AFFECT},
    "emotionet": {UNITS, AFFECT},
}
BENCHMARKS = tuple(_LABELS)
FOLDERS = tuple(name for name in _LABELS if name != "emotionet")
"""The sets that lie in a folder of their owner's."""
IMAGE_SETS = ("emotionet", "own")
"""The sets that are not of videos."""


class Data:
    """The section ``data``."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._section = section

    def configured(self, dataset: str) -> bool:
        """Whether the configuration says where a data set lies."""
        if dataset == "emotionet":
            return bool(self._section["emotionet"]["tables"])
        return self._section[dataset]["root"] is not None

    def left_out(self) -> list[str]:
        """A line for each data set that is not configured."""
        return [f"{name} is left out: {key_of(name)} is not set." for name in BENCHMARKS if not self.configured(name)]

    def sources(self) -> dict[str, Path]:
        """What the user names, by its key."""
        tables = self._section["emotionet"]["tables"]
        found = {f"data.emotionet.tables[{i}]": Path(table) for i, table in enumerate(tables)}
        found |= {key_of(name): Path(self._section[name]["root"]) for name in FOLDERS if self.configured(name)}
        if self.has_traces():
            found["data.annotations"] = Path(self._section["annotations"])
        return found

    def settings(self, names: set[str]) -> dict[str, Any]:
        """What the configuration says of these sets, and of annotations."""
        return {
            "data": {name: self._section[name] for name in sorted(names)},
            "annotations": self._section["annotations"],
        }

    # EmotioNet

    def tables(self) -> list[str]:
        """EmotioNet's spreadsheets, those in folders too; raises :class:`UserError` when there are none."""
        if not self.configured("emotionet"):
            raise UserError("There is no spreadsheet to read; set data.emotionet.tables.")
        return [str(file) for table in self._section["emotionet"]["tables"] for file in table_files(Path(table))]

    @property
    def reference(self) -> str | None:
        """The snapshot that EmotioNet's images are to be, as the configuration names it."""
        path: str | None = self._section["emotionet"]["snapshot"]
        return path

    def snapshot(self) -> str | None:
        """The same where it is used; raises :class:`UserError` when its file cannot be."""
        path = self.reference
        if path is None or not self.configured("emotionet"):
            return None
        if not Path(path).is_file():
            raise UserError(f"{path} does not exist; correct data.emotionet.snapshot.")
        if Path(path).resolve().is_relative_to(Path("results").resolve()):
            raise UserError(f"{path} lies where the workflow writes; copy it and correct data.emotionet.snapshot.")
        return path

    def has_traces(self) -> bool:
        """Whether EmotioNet's images have valence and arousal."""
        return self._section["annotations"] is not None

    # Folders

    def root(self, dataset: str) -> str:
        """The folder of a data set, as its module opens it."""
        if not self.configured(dataset):
            raise UserError(f"{dataset} is not configured; set {key_of(dataset)} and run again.")
        return "results/emotionet" if dataset == "emotionet" else str(self._section[dataset]["root"])

    def input_files(self, dataset: str) -> list[str]:
        """Files that must exist before a data set can be opened: the workflow's own, none where the user owns it."""
        if dataset == "emotionet":
            return ["results/emotionet/samples.parquet"]
        return marker_of(self.root(dataset))

    def state(self, dataset: str) -> str:
        """Changes with the content of a folder that the user owns; others are followed through their files."""
        if self.input_files(dataset):
            return "followed"
        root = Path(self.root(dataset))
        return folder_fingerprint(root.parent if root.is_file() else root)

    # Labels and sides

    def labels(self, names: set[str]) -> set[str]:
        """The heads that data sets have labels for."""
        found = set().union(*(_LABELS[name] for name in names))
        if not self.has_traces() and not any(AFFECT in _LABELS[name] for name in names - {"emotionet"}):
            found.discard(AFFECT)
        return found

    def use(self, dataset: str) -> str | None:
        """What a set is for; None where the configuration leaves no choice."""
        use: str | None = self._section[dataset].get("use")
        return use

    def training_split(self, records: str) -> str:
        """The side of a data set (``affwild``, ``disfa-fold1``) that is trained on."""
        name, _, fold = records.partition("-")
        if name == "disfa":
            return f"{fold}-train{self._camera()}"
        return "train" if self.use(name) == "split" else "all"

    def benchmark_split(self, benchmark: str, fold: int | None) -> str:
        """The side of a benchmark that is scored: of DISFA what the run of a fold was not trained on."""
        if benchmark == "disfa":
            return fold_split(fold) + self._camera()
        return "test" if benchmark == "emotionet" else self.frames_split(benchmark)

    def frames_split(self, dataset: str) -> str:
        """The side of a data set of which frames are kept for all runs that are scored on it."""
        if dataset == "disfa":
            return self.all_of(dataset)
        return "test" if self.use(dataset) == "split" else "all"

    def all_of(self, dataset: str) -> str:
        """All of a set."""
        return "all" + (self._camera() if dataset == "disfa" else "")

    def _camera(self) -> str:
        """DISFA's camera as its splits name it."""
        return "@right" if self._section["disfa"]["camera"] == "right" else ""


def fold_split(fold: int | None) -> str:
    """The side of DISFA that the run of a fold was not trained on; all of it for other runs."""
    return "all" if fold is None else f"fold{fold}-test"


def labels_of(benchmark: str) -> set[str]:
    """What a benchmark may have labels of."""
    return _LABELS[benchmark]


def key_of(dataset: str) -> str:
    """The configuration's key that says where a data set lies."""
    return "data.emotionet.tables" if dataset == "emotionet" else f"data.{dataset}.root"


def marker_of(folder: str) -> list[str]:
    """The marker that the demo leaves in a folder of its own; nothing for a folder of the user's."""
    path = Path(folder)
    return [str(path / synthetic.MARKER)] if path.parent == synthetic.DEMO else []


def traces_state(folder: str) -> str:
    """As :meth:`Data.state`, for the folder of traces."""
    return "followed" if marker_of(folder) else folder_fingerprint(Path(folder))
