"""What the starter model knows, on people whom it has not seen.

Run as: python -m benchmarks.starter MODEL PEOPLE DETECTOR. MODEL is its folder, PEOPLE the folder of rendered people
(``results/demo/people``), DETECTOR YuNet's file. People of the test side are scored, whom neither training nor
validation had. For each AU: the AUC, the AUC where the part of the face that the AU is not in is covered (what is above
it is partly that AUs come together), and the least AUC of skins, ages and sexes with at least 20 images that show the
AU and 20 that do not. With ``--london FOLDER``, the photographs of the Face Research Lab London Set
(``{person}_neutral.jpg``, ``{person}_smiling.jpg``) too.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.model_metadata import METADATA, ONNX, ModelMetadata
from affectflow.datasets.base import side_of
from affectflow.datasets.own import TABLE
from affectflow.demo.people import WHO
from affectflow.faces.crop import crop
from affectflow.faces.yunet import Detector
from affectflow.media.pixels import Encoded
from affectflow.metrics.ranking import roc_auc
from affectflow.prediction.model import TrainedModel

UPPER = (1, 2, 4, 5, 6, 7, 43)
LEAST = 20
BATCH = 64
GREY = 128

Pixels = NDArray[np.uint8]


def covered(crops: Pixels, upper: bool) -> Pixels:
    """The crops with all below the eyes covered, or all above the nose."""
    side = crops.shape[1]
    out = crops.copy()
    if upper:
        out[:, round(0.56 * side) :] = GREY
    else:
        out[:, : round(0.50 * side)] = GREY
    return out


def predict(model: TrainedModel, crops: Pixels) -> NDArray[np.float32]:
    parts = [model.predict(crops[i : i + BATCH]).probabilities for i in range(0, len(crops), BATCH)]
    return np.concatenate(parts)


def faces(folder: Path, names: list[str], detector: Detector, size: int) -> tuple[Pixels, list[int]]:
    """Crops of all images in which the detector finds a face, and which images these are."""
    crops, found = [], []
    for number, name in enumerate(names):
        pixels = Encoded((folder / name).read_bytes(), name).rgb()
        seen = detector.find_all(pixels)
        if seen:
            crops.append(crop(pixels, seen[0], size))
            found.append(number)
    return np.stack(crops), found


def groups(who: list[dict[str, str]]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    skins = np.array([row["skin"] for row in who])
    male, age = (np.array([float(row[name]) for row in who]) for name in ("male", "age"))
    for skin in sorted(set(skins.tolist())):
        yield skin, skins == skin
    yield "women", male <= 0.5
    yield "men", male > 0.5
    yield "young", age < 0.25
    yield "middle", (age >= 0.25) & (age < 0.5)
    yield "old", age >= 0.5


def rendered(model: TrainedModel, people: Path, detector: Detector) -> None:
    with (people / TABLE).open(newline="", encoding="utf-8") as stream:
        labels = [row for row in csv.DictReader(stream) if side_of("own", row["subject"]) == "test"]
    with (people / WHO).open(newline="", encoding="utf-8") as stream:
        by_image = {row["image"]: row for row in csv.DictReader(stream)}
    crops, found = faces(people, [row["image"] for row in labels], detector, model.image_size)
    kept = [labels[number] for number in found]
    who = [by_image[row["image"]] for row in kept]
    print(f"{len(kept):,} of {len(labels):,} held-out people, of whom a face was found ({len(kept) / len(labels):.1%})")
    plain, top, bottom = (predict(model, one) for one in (crops, covered(crops, True), covered(crops, False)))
    print("| AU | shown by | AUC | rest covered | least of groups |\n| --- | --- | --- | --- | --- |")
    means = []
    for unit in model.metadata.units:
        truth = np.array([row[facs.label(unit)] == "1" for row in kept])
        auc = roc_auc(truth, plain[:, unit - 1])
        alone = roc_auc(truth, (top if unit in UPPER else bottom)[:, unit - 1])
        least = [
            (roc_auc(truth[of], plain[of, unit - 1]), name)
            for name, of in groups(who)
            if min(truth[of].sum(), (~truth[of]).sum()) >= LEAST
        ]
        weakest = f"{min(least)[0]:.2f} ({min(least)[1]})" if least else "too few"
        print(f"| {unit} | {truth.sum():,} | {auc:.2f} | {alone:.2f} | {weakest} |")
        means.append((auc, alone))
    print(f"| mean | | {np.mean(means, axis=0)[0]:.3f} | {np.mean(means, axis=0)[1]:.3f} | |")
    for name, of in groups(who):
        aucs = []
        for unit in model.metadata.units:
            truth = np.array([row[facs.label(unit)] == "1" for row in kept])[of]
            if min(truth.sum(), (~truth).sum()) >= 5:
                aucs.append(roc_auc(truth, plain[of, unit - 1]))
        print(f"{name}: {of.sum():,} people, mean AUC {np.mean(aucs):.3f} over {len(aucs)} AUs")


def london(model: TrainedModel, folder: Path, detector: Detector) -> None:
    names = sorted(path.name for path in folder.glob("*_*.jpg"))
    crops, found = faces(folder, names, detector, model.image_size)
    kept = [names[number] for number in found]
    smiling = np.array(["smiling" in name for name in kept])
    print(f"London: {len(kept)} of {len(names)} faces found")
    for title, seen in (("plain", crops), ("upper half covered", covered(crops, False))):
        probability = predict(model, seen)[:, 12 - 1]
        people: dict[str, dict[bool, float]] = {}
        for name, smile, value in zip(kept, smiling.tolist(), probability.tolist(), strict=True):
            people.setdefault(name.partition("_")[0], {})[smile] = value
        pairs = [pair for pair in people.values() if len(pair) == 2]
        right = sum(pair[True] > pair[False] for pair in pairs)
        print(f"  {title}: AU12 AUC {roc_auc(smiling, probability):.3f}, pairs ordered right {right} of {len(pairs)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "people", "detector"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--london", type=Path)
    options = parser.parse_args()
    metadata = ModelMetadata.read(options.model / METADATA)
    assert metadata.faces.sha256 is not None and metadata.faces.min_score is not None
    detector = Detector(options.detector, metadata.faces.sha256, metadata.faces.min_score)
    model = TrainedModel(options.model / ONNX, options.model / METADATA, BATCH)
    rendered(model, options.people, detector)
    if options.london:
        london(model, options.london, detector)


if __name__ == "__main__":
    main()
