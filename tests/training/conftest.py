"""Records that a small network learns from within a minute: a bright or dark patch is "AU 12", the rest is noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from affectflow.datasets.sample import Sample, unknown_units
from affectflow.media.pixels import Decoded
from affectflow.records.encoding import ImageEncoding
from affectflow.records.write import write_records
from tests.training.processes import Stranger

SIZE = 40


def patch_samples(count: int, seed: int, shuffled: bool = False) -> list[Sample]:
    """AU 12 is a bright patch low in the image, AU 4 one high up; AU 1 is known in half of them and never seen;
    valence follows the brightness of the lower patch. ``shuffled`` labels belong to other images."""
    rng = np.random.default_rng(seed)
    lower, upper = rng.random(count) < 0.5, rng.random(count) < 0.4
    labels = rng.permutation(count) if shuffled else np.arange(count)
    samples = []
    for i in range(count):
        pixels = rng.integers(60, 140, (SIZE, SIZE, 3), dtype=np.uint8)
        if lower[i]:
            pixels[26:36, 10:30] = 230
        if upper[i]:
            pixels[4:12, 10:30] = 230
        units = unknown_units()
        units[12 - 1], units[4 - 1] = lower[labels[i]], upper[labels[i]]
        if i % 2:
            units[1 - 1] = 0
        valence = 0.6 if lower[labels[i]] else -0.4
        samples.append(
            Sample(Decoded(pixels), "patches", str(i), str(i), units=units, valence=valence, arousal=float("nan"))
        )
    return samples


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int, int, bool], list[Path]]:
    folder = tmp_path_factory.mktemp("records")

    def write(name: str, count: int, seed: int, shuffled: bool = False) -> list[Path]:
        path = folder / f"{name}-00000-of-00001.tfrecord"
        write_records(path, patch_samples(count, seed, shuffled), ImageEncoding(SIZE, 95, "4:4:4"))
        return [path]

    return write


@pytest.fixture(scope="session")
def stranger() -> Iterator[Stranger]:
    started = Stranger()
    yield started
    started.end()
