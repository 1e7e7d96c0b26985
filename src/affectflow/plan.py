"""What a configuration asks for: which scores, from which runs, made of which inputs.

The workflow's rules ask here instead of working it out themselves. No file is opened except to tell whether a
folder that the user owns has changed. Light, because every job reads it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from affectflow import runs, synthetic
from affectflow.config import Config, check
from affectflow.errors import UserError
from affectflow.fingerprint import fingerprint
from affectflow.inputs import folder_fingerprint, table_files
from affectflow.protocols import AFFECT, INTENSITIES, UNITS, Protocol, protocol, protocols
from affectflow.training.backbones import find_backbone
from affectflow.training.pretrained import check_weights

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
_STILLS = ("emotionet", "own")
_SHIP_FACES = ("disfa", "amfed", "affwild")
"""Sets in whose layout there is a place for boxes or landmarks."""


DETECTOR = "results/weights/face_detector.onnx"
"""Where the workflow puts the face detector that it fetches."""


class Plan:
    """A checked configuration and what follows from it.

    Raises :class:`UserError` when the configuration does not fit its schema or mixes drawn with real data.
    """

    def __init__(self, config: Config) -> None:
        check(config)
        self._config = config
        self.synthetic = synthetic.check_unmixed(self._sources())
        if not self.synthetic:
            self._check_real()
        self._models = {name: {**config["network"], **entry} for name, entry in config["models"].items()}
        for name, entry in self._models.items():
            if not find_backbone(entry["backbone"]).weights and entry["weights"] != "none":
                raise UserError(f"{entry['backbone']} has no weights to start from; set models.{name}.weights to none.")
        self.runs = runs.all_runs({name: entry for name, entry in self._models.items() if entry["enabled"]})

    # What there is

    def configured(self, dataset: str) -> bool:
        """Whether the configuration says where a data set lies."""
        if dataset == "emotionet":
            return bool(self._config["data"]["emotionet"]["tables"])
        return self._config["data"][dataset]["root"] is not None

    def left_out(self) -> list[str]:
        """A line for each data set that is not configured."""
        return [f"{name} is left out: {_key(name)} is not set." for name in BENCHMARKS if not self.configured(name)]

    def _sources(self) -> dict[str, Path]:
        data = self._config["data"]
        found = {f"data.emotionet.tables[{i}]": Path(table) for i, table in enumerate(data["emotionet"]["tables"])}
        found |= {_key(name): Path(data[name]["root"]) for name in FOLDERS if self.configured(name)}
        if data["annotations"] is not None:
            found["data.annotations"] = Path(data["annotations"])
        return found

    def given_paths(self) -> list[Path]:
        """What the user owns and jobs read: not what the workflow makes."""
        given = [*self._sources().values(), *(entry["weights"] for entry in self._models.values())]
        given += [self._config["faces"]["model"]["path"], self._config["data"]["emotionet"]["snapshot"]]
        found = (Path(path) for path in given if path not in (None, "none", "imagenet"))
        return [path for path in dict.fromkeys(found) if not path.is_relative_to("results")]

    def gpus(self) -> dict[str, int]:
        """As many as each model that is trained asks for."""
        return {runs.model_of(run, self._models): self.recipe(run)["gpus"] for run in self.runs}

    def _check_real(self) -> None:
        """What would otherwise come to light after hours."""
        for key, path in self._sources().items():
            if not path.exists():
                raise UserError(f"{path} does not exist; correct {key}.")
        nameservers, port = self._config["download"]["nameservers"], self._config["demo"]["name_server_port"]
        if self.configured("emotionet") and f"127.0.0.1:{port}" in nameservers:
            raise UserError("download.nameservers names the demo's name server, of no use to real URLs; set it to [].")

    def tables(self) -> list[str]:
        """EmotioNet's spreadsheets, those in folders too; raises :class:`UserError` when there are none."""
        if not self.configured("emotionet"):
            raise UserError("There is no spreadsheet to read; set data.emotionet.tables.")
        tables = self._config["data"]["emotionet"]["tables"]
        return [str(file) for table in tables for file in table_files(Path(table))]

    def snapshot(self) -> str | None:
        """The snapshot that EmotioNet's pictures are to be; raises :class:`UserError` when its file cannot be used."""
        path: str | None = self._config["data"]["emotionet"]["snapshot"]
        if path is None or not self.configured("emotionet"):
            return None
        if not Path(path).is_file():
            raise UserError(f"{path} does not exist; correct data.emotionet.snapshot.")
        if Path(path).resolve().is_relative_to(Path("results").resolve()):
            raise UserError(f"{path} lies where the workflow writes; copy it and correct data.emotionet.snapshot.")
        return path

    def cited(self, one: Protocol, run: str) -> list[str]:
        """What a score cites to say of which pictures it is: EmotioNet's are not the same everywhere."""
        trained_on = self._models[runs.model_of(run, self._models)]["train_on"]
        concerned = one.benchmark == "emotionet" or "emotionet" in trained_on
        return ["results/emotionet/snapshot.json"] if concerned else []

    # Scores

    def scores(self) -> list[tuple[str, str]]:
        """All pairs of a benchmark and a run that can be scored by its default protocol."""
        return [(p.benchmark, run) for p, run in self._scored() if p.target == p.benchmark]

    def all_scores(self) -> list[tuple[str, str]]:
        """What stands for benchmark and protocol in a score's name, and the run, for all that can be scored."""
        return [(p.target, run) for p, run in self._scored()]

    def scored_runs(self) -> list[str]:
        """The runs of which there are scores."""
        return sorted({part for one, run in self._scored() for part in self.parts(one, run)})

    def _scored(self) -> list[tuple[Protocol, str]]:
        whole = list(dict.fromkeys(runs.of_folds(run) or run for run in self.runs))
        return [
            (one, run)
            for name in BENCHMARKS
            for one in protocols(name).values()
            for run in (whole if one.folds else self.runs)
            if self._obstacle_of(one, run) is None
        ]

    def seed_scores(self) -> list[tuple[str, str]]:
        """Those pairs whose run is the first of several seeds'."""
        return [
            (name, run)
            for name, run in self.scores()
            if re.fullmatch(runs.FIRST_PATTERN, run) and len(self._entry(run)["seeds"]) > 1
        ]

    def by_seed(self, first: str) -> dict[int, str]:
        """The runs of all seeds; raises :class:`UserError` where there is one only."""
        found = runs.by_seed(first, self._models)
        if len(found) < 2:
            model = runs.parse_run(first, self._models).model
            raise UserError(f"{model} has one seed only; add others to models.{model}.seeds.")
        return found

    def unit_scores(self) -> list[tuple[str, str]]:
        """Those pairs in which AUs are both labelled and learnt."""
        return [(name, run) for name, run in self.scores() if UNITS in protocol(name).scores & self._taught(run)]

    def affect_scores(self) -> list[tuple[str, str]]:
        """Those pairs in which valence and arousal are both labelled and learnt."""
        return [
            (benchmark, run)
            for benchmark, run in self.scores()
            if AFFECT in protocol(benchmark).scores & self._taught(run)
            and (benchmark != "emotionet" or self._config["data"]["annotations"] is not None)
        ]

    def film_scores(self) -> list[tuple[str, str]]:
        """Those pairs whose benchmark is of films."""
        return [(benchmark, run) for benchmark, run in self.scores() if benchmark not in _STILLS]

    def _taught(self, run: str) -> set[str]:
        """The heads of a run for which its data sets have labels."""
        entry = self._entry(run)
        sets = set(entry["train_on"])
        labelled = set().union(*(_LABELS[name] for name in sets))
        if self._config["data"]["annotations"] is None and not any(AFFECT in _LABELS[n] for n in sets - {"emotionet"}):
            labelled.discard(AFFECT)
        return labelled & set(entry["heads"])

    def parts(self, one: Protocol, run: str) -> list[str]:
        """The runs whose predictions make a score: the run itself, or those of its folds.

        Raises :class:`UserError` with the reason when the pair cannot be scored.
        """
        obstacle = self._obstacle_of(one, run)
        if obstacle is not None:
            raise UserError(obstacle)
        return runs.folds_of(run) if one.folds else [run]

    def parts_of_both(self, one: Protocol, run: str, other: str) -> list[str]:
        """As :meth:`parts`, of two runs that are compared."""
        if run == other:
            raise UserError(f"{run} does not differ from itself; name two runs to compare.")
        return self.parts(one, run) + self.parts(one, other)

    def check_prediction(self, benchmark: str, run: str) -> None:
        """Raise :class:`UserError` with the reason when a run says nothing about a benchmark."""
        obstacle = self._obstacle(benchmark, run, _LABELS[benchmark])
        if obstacle is not None:
            raise UserError(obstacle)

    def _obstacle_of(self, one: Protocol, run: str) -> str | None:
        if not one.folds:
            return self._obstacle(one.benchmark, run, one.scores)
        model = runs.model_of(run, self._models)
        if runs.of_folds(run) or one.benchmark not in self._models[model]["train_on"]:
            return (
                f"{one.benchmark}'s protocol {one.name} pools the runs of all folds of a model that is trained on "
                f"{one.benchmark}, and {run} is not one; name a model with {one.benchmark} in models.<name>.train_on."
            )
        found = (self._obstacle(one.benchmark, fold, one.scores) for fold in runs.folds_of(run))
        return next((obstacle for obstacle in found if obstacle), None)

    def _obstacle(self, benchmark: str, run: str, scored: set[str]) -> str | None:
        parsed, entry = runs.parse_run(run, self._models), self._entry(run)
        if not self.configured(benchmark):
            return f"{benchmark} is not configured; set {_key(benchmark)} and run again."
        if self._use(benchmark) == "train":
            return (
                f"{benchmark} is used for training as a whole; set data.{benchmark}.use to split or benchmark to score "
                "on it."
            )
        missing = [name for name in entry["train_on"] if not self.configured(name)]
        if missing:
            return f"{run} is trained on {missing[0]}, which is not configured; set {_key(missing[0])} and run again."
        taught = self._taught(run)
        if not scored & taught:
            heads = " and ".join(sorted(taught)) or "nothing"
            return (
                f"{run} learns {heads} from its data and shares no label with {benchmark}; leave this pair out, or set "
                "data.annotations, models.<name>.heads or train_on."
            )
        if benchmark in entry["train_on"] and self._use(benchmark) == "benchmark":
            return f"{run} is trained on {benchmark}; set data.{benchmark}.use to split to score it there."
        if parsed.fold is not None and benchmark != "disfa":
            return f"{run} belongs to a fold of DISFA; score it on disfa."
        return None

    # Faces

    def detects_faces(self) -> bool:
        """Whether a detector looks for faces."""
        return bool(self._config["faces"]["detector"] == "yunet")

    def faces_of(self, dataset: str) -> str | None:
        """The table of a folder's faces; None where nobody looks for them, or where they stand in the samples."""
        sets: dict[str, tuple[str, ...]] = {"yunet": FOLDERS, "given": _SHIP_FACES, "none": ()}
        return f"results/faces/{dataset}.parquet" if dataset in sets[self._config["faces"]["detector"]] else None

    def detector(self) -> str | None:
        """The detector's file, None where none is used."""
        if not self.detects_faces():
            return None
        path: str | None = self._config["faces"]["model"]["path"]
        if path is not None and not Path(path).is_file():
            raise UserError(f"{path} does not exist; correct faces.model.path.")
        return path or DETECTOR

    def search(self) -> dict[str, Any] | None:
        """What decides which faces are found; None where no detector looks for them."""
        faces = self._config["faces"]
        return {"sha256": faces["model"]["sha256"], "min_score": faces["min_score"]} if self.detects_faces() else None

    def hold_s(self, benchmark: str) -> float:
        """For how long a lost face is taken to be where it was; 0 where no table of faces says that it is lost."""
        return float(self._config["faces"]["hold_s"]) if self.faces_of(benchmark) else 0.0

    def without_face(self, dataset: str) -> str | None:
        """What becomes of a training picture without a face; None where nobody looks for it."""
        looked_for = self.detects_faces() if dataset == "emotionet" else self.faces_of(dataset)
        return str(self._config["faces"]["without_face"]) if looked_for else None

    def faces_split(self, dataset: str) -> str:
        """All of a set."""
        return "all" + (self._camera() if dataset == "disfa" else "")

    # Overlap of training and benchmarks

    def seen_by(self, run: str) -> list[tuple[str, str]]:
        """The data sets and splits from which a run has seen pictures."""
        seen = []
        for records in self.record_sets(run):
            name = records.partition("-")[0]
            splits = ("train", "validation") if name == "emotionet" else (self.training_split(records),)
            seen += [(name, split) for split in splits]
        return seen

    def sides(self, benchmark: str, run: str) -> list[tuple[str, str, str]]:
        """The benchmark's side and those of the run's training: each a data set, its root and a split."""
        scored = (benchmark, self.benchmark_split(benchmark, run))
        return [(name, self.root(name), split) for name, split in [scored, *self.seen_by(run)]]

    # Inputs of training and prediction

    def record_sets(self, run: str) -> list[str]:
        """The folders below ``results`` whose records a run learns from."""
        parsed = runs.parse_run(run, self._models)
        return parsed.train_on(self._entry(run))

    def weights(self, run: str) -> str | None:
        """The file of a run's initial weights, or None for random ones."""
        entry = self._entry(run)
        match entry["weights"]:
            case "none":
                return None
            case "imagenet":
                return f"results/weights/{find_backbone(entry['backbone']).name}_notop.h5"
            case path:
                check_weights(Path(path), f"models.{runs.parse_run(run, self._models).model}.weights")
                return str(path)

    def recipe(self, run: str) -> dict[str, Any]:
        """How a run is trained."""
        return runs.parse_run(run, self._models).recipe(self._config)

    def training_split(self, records: str) -> str:
        """The side of a data set (``affwild``, ``disfa-fold1``) that is trained on."""
        name, _, fold = records.partition("-")
        if name == "disfa":
            return f"{fold}-train{self._camera()}"
        return "train" if self._use(name) == "split" else "all"

    def benchmark_split(self, benchmark: str, run: str) -> str:
        """The side of a benchmark that a run is scored on."""
        if benchmark == "disfa":
            return self.fold_split(run) + self._camera()
        return "test" if benchmark == "emotionet" else self.frames_split(benchmark)

    def fold_split(self, run: str) -> str:
        """The side of DISFA that the run of a fold was not trained on; all of it for other runs."""
        fold = runs.parse_run(run, self._models).fold
        return "all" if fold is None else f"fold{fold}-test"

    def frames_split(self, dataset: str) -> str:
        """The side of a data set of which frames are kept for all runs that are scored on it."""
        if dataset == "disfa":
            return "all" + self._camera()
        return "test" if self._use(dataset) == "split" else "all"

    def root(self, dataset: str) -> str:
        """The folder of a data set, as its module opens it."""
        if not self.configured(dataset):
            raise UserError(f"{dataset} is not configured; set {_key(dataset)} and run again.")
        return "results/emotionet" if dataset == "emotionet" else str(self._config["data"][dataset]["root"])

    def waits_for(self, dataset: str) -> list[str]:
        """Files that must exist before a data set can be opened: the workflow's own, none where the user owns it."""
        if dataset == "emotionet":
            return ["results/emotionet/samples.parquet"]
        return marker_of(self.root(dataset))

    def state(self, dataset: str) -> str:
        """Changes with the content of a folder that the user owns; others are followed through their files."""
        if self.waits_for(dataset):
            return "followed"
        root = Path(self.root(dataset))
        return folder_fingerprint(root.parent if root.is_file() else root)

    def score_config(self, one: Protocol, run: str) -> str:
        """Digest of the part of the configuration that a score depends on."""
        return fingerprint([self._of_prediction(one.benchmark, part) for part in self.parts(one, run)])

    def _of_prediction(self, benchmark: str, run: str) -> dict[str, Any]:
        """The part of the configuration that a run's predictions depend on."""
        entry, data = self._entry(run), self._config["data"]
        return {
            "data": {name: data[name] for name in sorted({benchmark, *entry["train_on"]})},
            "annotations": data["annotations"],
            "weights": entry["weights"],
            "train_on": self.record_sets(run),
            "recipe": self.recipe(run),
            "split": self.benchmark_split(benchmark, run),
            "faces": [
                self.search(),
                self.hold_s(benchmark),
                *(self.without_face(name) for name in sorted(entry["train_on"])),
            ],
            **{key: self._config[key] for key in ("annotation", "records", "evaluation")},
            **({"demo": self._config["demo"]} if self.synthetic else {}),
        }

    def _entry(self, run: str) -> dict[str, Any]:
        entry: dict[str, Any] = self._models[runs.parse_run(run, self._models).model]
        return entry

    def _camera(self) -> str:
        """DISFA's camera as its splits name it."""
        return "@right" if self._config["data"]["disfa"]["camera"] == "right" else ""

    def _use(self, dataset: str) -> str | None:
        """What a set is for; None where the configuration leaves no choice."""
        use: str | None = self._config["data"][dataset].get("use")
        return use


def marker_of(folder: str) -> list[str]:
    """The marker that the demo leaves in a folder of its own; nothing for a folder of the user's."""
    path = Path(folder)
    return [str(path / synthetic.MARKER)] if path.parent == synthetic.DEMO else []


def traces_state(folder: str) -> str:
    """As :meth:`Plan.state`, for the folder of traces."""
    return "followed" if marker_of(folder) else folder_fingerprint(Path(folder))


def _key(dataset: str) -> str:
    return "data.emotionet.tables" if dataset == "emotionet" else f"data.{dataset}.root"
