"""Read a JSON file of ``results/eval`` by what it holds: a score, the scores of seeds, or a comparison."""

from __future__ import annotations

from pathlib import Path

from affectflow.contracts.comparison import ComparisonFile
from affectflow.contracts.json_file import load_json
from affectflow.contracts.score import REMEDY, ScoreFile
from affectflow.contracts.seeds import SeedsFile
from affectflow.core.errors import UserError


def read_any(path: Path) -> ScoreFile | SeedsFile | ComparisonFile:
    """Read a score file, of one run, of all seeds, or of the differences of two; raises as :func:`read_scores`."""
    values = load_json(path, REMEDY)
    return ComparisonFile.of(values, path) if isinstance(values, dict) and "other" in values else read_scores(path)


def read_scores(path: Path) -> ScoreFile | SeedsFile:
    """Read a score file, of one run or of all seeds.

    Raises:
        UserError: The file cannot be read, is of another version, or is not a score file.
    """
    values = load_json(path, REMEDY)
    keys = values.keys() if isinstance(values, dict) else ()
    if keys and not {"benchmark", "protocol"} & keys:
        raise UserError(f"{path} is not a score file; give files of results/eval.")
    if "other" in keys:
        raise UserError(f"{path} compares two models and is not a score file; leave it out.")
    return SeedsFile.of(values, path) if "seeds" in keys else ScoreFile.of(values, path)
