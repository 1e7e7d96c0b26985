"""What is known of the training data of other programs, with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from affectflow.contracts.score import TrainingData
from affectflow.tables.csv_files import read_facts

_TABLE = Path(__file__).with_name("programs.csv")
Status = Literal["trained on this set", "held out", "unknown"]
TRAINED: Status = "trained on this set"
HELD_OUT: Status = "held out"
UNKNOWN: Status = "unknown"
_STATUS = {"trained": TRAINED, "held out": HELD_OUT}


def training_data(programs: str, benchmark: str) -> TrainingData:
    """Return whether programs were trained on a benchmark, or on people or videos of it.

    Args:
        programs: Name of the program, or of several that wrote the predictions together, joined by ``and``.
        benchmark: Name of the benchmark.
    """
    known = {
        (row["program"], row["benchmark"]): TrainingData(status=_STATUS[row["status"]], source=row["source"])
        for row in read_facts(_TABLE, ("program", "benchmark", "status", "source"))
    }
    unknown = TrainingData(status=UNKNOWN, source=None)
    found = [known.get((program, benchmark), unknown) for program in programs.split(" and ")]
    return min(found, key=lambda one: (TRAINED, UNKNOWN, HELD_OUT).index(one.status))
