"""What a trained model says of the pictures that are to be annotated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from affectflow.annotation.columns import GUESS_COLUMNS
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_csv


@dataclass(frozen=True, slots=True)
class Guess:
    """Of a picture: valence and arousal in [-1, 1], and how far views of it lie apart in their plane."""

    valence: float
    arousal: float
    spread: float


@dataclass(frozen=True, slots=True)
class Guesses:
    """Those of one model, by SHA-256 of the picture; of no model there are none."""

    model: str = ""
    by_picture: Mapping[str, Guess] = field(default_factory=dict)


def guesses_path(model: str) -> Path:
    """Where the workflow puts those of a run."""
    return Path("results/annotation/guesses") / f"{model}.csv"


def read_guesses(path: Path, model: str) -> Guesses:
    """Raises :class:`UserError` where there is no such file, or a line of it is no guess."""
    if not path.is_file():
        raise UserError(f"{path} does not exist; run snakemake {path} first.")
    found: dict[str, Guess] = {}
    for line, row in enumerate(read_csv(path, GUESS_COLUMNS), start=2):
        try:
            one = Guess(float(row["valence"]), float(row["arousal"]), float(row["spread"]))
            if not (-1 <= one.valence <= 1 and -1 <= one.arousal <= 1 and 0 <= one.spread < math.inf):
                raise ValueError
        except ValueError:
            raise UserError(f"{path}, line {line}: no guess; delete the file and run snakemake {path}.") from None
        found[row["image_sha256"]] = one
    return Guesses(model, found)
