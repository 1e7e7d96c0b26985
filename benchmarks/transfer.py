"""What kind of faces to learn from: rendered, drawn flat, or both, tried on photographs and on people not seen.

Run as: python -m benchmarks.transfer OUT LONDON DETECTOR. Trains each model from three seeds on each kind of faces, by
the workflow, in folders below OUT (stopped, it goes on), and prints the AUC of AU 12 on the photographs of the Face
Research Lab London Set in the folder LONDON, with its 95% interval over people, and the mean AUC of the action units
that both kinds show on rendered people who are in none of the training sets. DETECTOR is YuNet's file. About an hour on
two cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.model_metadata import METADATA, ModelMetadata
from affectflow.core.cache import file_sha256
from affectflow.datasets.base import side_of
from affectflow.datasets.own import TABLE
from affectflow.demo.drawing import DRAWN_ACTION_UNITS
from affectflow.faces.yunet import Detector
from affectflow.metrics.ranking import roc_auc
from affectflow.prediction.model import TrainedModel
from benchmarks.starter import BATCH, faces, predict

ROOT = Path(__file__).parents[1]
SHARES = {"rendered": 0.0, "a quarter drawn": 0.25, "half drawn": 0.5, "drawn": 1.0}
SEEDS = (0, 1, 2)
PEOPLE, EPOCHS = 4000, 4
MODELS = {
    "lite0": {"backbone": "efficientnet_lite0_middle", "weights": "imagenet", "dropout": 0.2, "layer_decay": 0.9},
    "grey": {"backbone": "grey_pixels", "top": "flat", "dropout": 0, "training": {"learning_rate": 0.003, "epochs": 8}},
}


def configuration(share: float, london: Path, detector: Path) -> dict[str, object]:
    entry = {"input_size": 112, "heads": ["action_units"], "train_on": ["own"], "seeds": list(SEEDS)}
    return {
        "data": {"own": {"root": "results/demo/people", "use": "split"}, "london": {"root": str(london.absolute())}},
        "faces": {"model": {"path": str(detector.absolute()), "sha256": file_sha256(detector)}},
        "records": {"image_size": 112, "shards": 2, "validation_fraction": 0.1},
        "models": {name: entry | one for name, one in MODELS.items()},
        "training": {
            "epochs": EPOCHS,
            "learning_rate": 0.001,
            "augmentation": {"flip": True, "crop": 0.12, "brightness": 0.15, "contrast": 0.3, "saturation": 0.9},
        },
        "demo": {"people": PEOPLE, "drawn_people": share, "people_size": 128},
    }


def run(folder: Path, share: float, london: Path, detector: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(share, london, detector)), encoding="utf-8")
    targets = [f"results/eval/london_{name}-seeds.json" for name in MODELS]
    command = ["snakemake", "--cores", "all", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    subprocess.run([*command, "--configfile", str(folder / "config.yaml"), "--", *targets], check=True)


def runs_of(name: str) -> list[str]:
    """Folders of the models of all seeds, the first without a suffix."""
    return [name if seed == SEEDS[0] else f"{name}-seed{seed}" for seed in SEEDS]


def unseen(folder: Path, detector: Detector) -> tuple[NDArray[np.uint8], list[dict[str, str]]]:
    """Crops and labels of the rendered people of the test side."""
    people = folder / "results/demo/people"
    with (people / TABLE).open(newline="", encoding="utf-8") as stream:
        labels = [row for row in csv.DictReader(stream) if side_of("own", row["subject"]) == "test"]
    crops, found = faces(people, [row["image"] for row in labels], detector, 112)
    return crops, [labels[number] for number in found]


def mean_auc(model: Path, crops: NDArray[np.uint8], labels: list[dict[str, str]]) -> float:
    trained = TrainedModel(model / "model.keras", model / METADATA, BATCH)
    probabilities = predict(trained, crops)
    aucs = []
    for unit in (unit for unit in trained.metadata.units if unit in DRAWN_ACTION_UNITS):
        truth = np.array([row[facs.label(unit)] == "1" for row in labels])
        aucs.append(roc_auc(truth, probabilities[:, unit - 1]))
    return float(np.mean(aucs))


def rows(out: Path, detector: Path) -> Iterator[tuple[str, ...]]:
    metadata = ModelMetadata.read(out / "rendered" / "results/models/lite0" / METADATA)
    assert metadata.faces.sha256 is not None and metadata.faces.min_score is not None
    crops, labels = unseen(out / "rendered", Detector(detector, metadata.faces.sha256, metadata.faces.min_score))
    for name in MODELS:
        for kind in SHARES:
            results = out / kind.replace(" ", "_") / "results"
            scores = [
                json.loads((results / f"eval/london_{run}.json").read_text(encoding="utf-8"))["action_units"]["AU12"]
                for run in runs_of(name)
            ]
            smile = [score["auc"] for score in scores]
            low, high = scores[0]["intervals"]["auc"]
            within = [score["auc_within_subject"] for score in scores]
            others = [mean_auc(results / "models" / run, crops, labels) for run in runs_of(name)]
            yield (
                *(name, kind, f"{np.mean(smile):.3f} ({min(smile):.3f} to {max(smile):.3f})"),
                *(f"{low:.2f} to {high:.2f}", f"{np.mean(within):.3f}"),
                f"{np.mean(others):.3f} ({min(others):.3f} to {max(others):.3f})",
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("out", "london", "detector"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    for kind, share in SHARES.items():
        run(options.out / kind.replace(" ", "_"), share, options.london, options.detector)
    header = (
        "model",
        "learned from",
        "London AU12 AUC, three seeds",
        "95% of the first",
        "pairs",
        "rendered, mean AUC",
    )
    for cells in (header, ("---",) * len(header), *rows(options.out, options.detector)):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
