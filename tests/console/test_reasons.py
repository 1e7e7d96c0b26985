"""Why a job runs, from the texts that Snakemake 9.27 gives."""

from __future__ import annotations

import pytest

from affectflow.console.reasons import why

_PARAMS = "Params have changed since last execution: Union of exclusive params before and now across all output: "
OLD_CODE, NEW_CODE = "0123456789abcdef0123", "1123456789abcdef0123"


@pytest.mark.parametrize(
    "reason, params, words",
    [
        ("Missing output files: results/a", {}, "it has no result yet"),
        ("Missing output files: a; Input files updated by another job: b", {}, "it has no result yet"),
        ("Input files updated by another job: b", {}, "its input was made again"),
        ("Updated input files: my/table.xlsx", {}, "my/table.xlsx changed"),
        ("Updated input files: a, b, c, d", {}, "a, b and 2 more changed"),
        ("Forced execution", {}, "it was asked for"),
        ("Incomplete output files: a", {}, "it was interrupted before"),
        ("Set of input files has changed since last execution", {}, "it has other input files"),
        (
            f"{_PARAMS}before: 160 now: 64 ",
            {"records.shards": 8, "records.image_size": 64},
            "records.image_size was 160, is 64",
        ),
        (
            f"{_PARAMS}before: {{'learning_rate': 0.0003, 'units': [1, 2]}} now: {{'learning_rate': 0.0005, 'units': [1, 2]}} ",
            {"recipe": {"learning_rate": 0.0005, "units": [1, 2]}},
            "learning_rate was 0.0003, is 0.0005",
        ),
        (
            f"{_PARAMS}before: {{'losses': {{'a': 'x'}}}} now: {{'losses': {{'a': 'y'}}}} ",
            {},
            "a was 'x', is 'y'",
        ),
        (f"{_PARAMS}before: '{OLD_CODE}' now: '{NEW_CODE}' ", {"code": NEW_CODE}, "affectflow's code changed"),
        (
            f"{_PARAMS}before: '{OLD_CODE}' now: '{NEW_CODE}' ",
            {"code": "x", "content": NEW_CODE},
            "the data set changed",
        ),
        (  # Snakemake keeps no names, so what was which cannot be told
            f"{_PARAMS}before: 0.0,64 now: 1.0,160 ",
            {"faces.max_gap_s": 1.0, "records.image_size": 160},
            "faces.max_gap_s is 1.0 now; records.image_size is 160 now",
        ),
        (f"{_PARAMS}before: 5 now: <nothing exclusive> ", {}, "a setting is gone"),
        (
            f"{_PARAMS}before: <nothing exclusive> now: 'a/folder' ",
            {"root": "a/folder"},
            "the folder is 'a/folder' now",
        ),
        (
            f"Updated input files: b; {_PARAMS}before: 1 now: 2 ; Set of input files has changed since last execution",
            {"n": 2},
            "n was 1, is 2; b changed; it has other input files",
        ),
        (f"{_PARAMS}before: 1 now: object at 0x7f ", {}, "a setting is gone"),
    ],
)
def test_a_few_words(reason: str, params: dict[str, object], words: str) -> None:
    assert why(reason, params) == words


def test_many_changes_stay_short() -> None:
    before, now = ({f"key_{i}": value for i in range(40)} for value in ("a" * 30, "b" * 30))
    words = why(f"{_PARAMS}before: {before!r} now: {now!r} ", {})
    assert words.endswith("; 37 more settings changed") and len(words) < 350
