"""Which edits of the code re-run which stages."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from affectflow.core import code
from affectflow.core.source import what_runs
from affectflow.core.stage import Stage, code_of, decides_of

ROOT = Path(code.__file__).parent.parent
ROOMS = [path.parent.name for path in sorted(ROOT.glob("*/stages.py"))]


def _stages() -> Iterator[tuple[str, Stage]]:
    for room in ROOMS:
        for name, found in vars(importlib.import_module(f"affectflow.{room}.stages")).items():
            if hasattr(found, "decides"):
                yield name, found


STAGES = dict(_stages())


def replacing(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


class Package:
    """A copy of the package that a test may edit."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "affectflow"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns("__pycache__"))

    def digests(self) -> dict[str, str]:
        for value in vars(code).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
        return {name: code_of(stage) for name, stage in STAGES.items()}

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self.root / file
        path.write_text(change(path.read_text()))

    def changed_by(self, file: str, change: Callable[[str], str]) -> set[str]:
        before = self.digests()
        self.edit(file, change)
        after = self.digests()
        return {name for name in before if before[name] != after[name]}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.setattr(code, "ROOT", tmp_path / "affectflow")
    yield (made := Package(tmp_path))
    monkeypatch.undo()
    made.digests()  # of the package itself again


@pytest.mark.parametrize("name", STAGES)
def test_every_imported_module_is_decisive_or_neutral(name: str) -> None:
    stage = STAGES[name]
    closure = code.closure_of(stage.__module__, stage.__name__)
    undeclared = [one for one in closure if not code.is_decisive(one, decides_of(stage)) and not code.is_neutral(one)]
    assert not undeclared, "name them in @stage, or in NEUTRAL with the reason"


@pytest.mark.parametrize("name", STAGES)
def test_every_declared_module_exists(name: str) -> None:
    for declared in decides_of(STAGES[name]):
        base = ROOT.joinpath(*declared.split("."))
        assert base.is_dir() or base.with_suffix(".py").is_file(), declared


def test_neutral_modules_exist_and_have_a_reason() -> None:
    for name, reason in code.NEUTRAL.items():
        base = ROOT.joinpath(*name.split("."))
        assert (base.is_dir() or base.with_suffix(".py").is_file()) and len(reason) > 20, name


SAME = {
    "comment": lambda text: "# new\n" + text + "\n# more\n",
    "comment behind code": replacing("import numpy as np\n", "import numpy as np  # arrays\n"),
    "docstrings": lambda text: re.sub(r'"""(?=[A-Z])', '"""Edited. ', text),
    "blank lines": replacing("import numpy as np\n", "import numpy as np\n\n\n"),
    "trailing newline": lambda text: text.rstrip("\n"),
}
DIFFERENT = {
    "constant": replacing("return 0.5", "return 0.4"),
    "operator": replacing(">= threshold", "> threshold"),
    "string": replacing('kind="stable"', 'kind="sta ble"'),
    "import": lambda text: text + "\nimport json\n",
}
OF_METRICS = {"train_model", "score_model", "score", "compare_models"}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_does_not_run_does_not_count(package: Package, change: Callable[[str], str]) -> None:
    assert not package.changed_by("metrics/decision.py", change)


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_runs_counts(package: Package, change: Callable[[str], str]) -> None:
    assert package.changed_by("metrics/decision.py", change) >= OF_METRICS


def test_messages_do_not_count(package: Package) -> None:
    """The wording of errors, in the core modules and elsewhere, and of log lines."""
    assert not package.changed_by("core/errors.py", replacing("affectflow: ", "affectflow says: "))
    assert not package.changed_by("core/atomic.py", replacing("is a folder", "is a directory"))
    assert not package.changed_by("tables/csv_files.py", replacing("has no column", "lacks the column"))
    assert not package.changed_by("training/sampling.py", lambda text: _reworded(text))
    line = "\nimport logging\nlog = logging.getLogger(__name__)\n"
    package.edit("metrics/decision.py", lambda text: text + line + 'log.info("one")\n')
    assert not package.changed_by("metrics/decision.py", replacing('log.info("one")', 'log.info("another %s", 1)'))


def _reworded(text: str) -> str:
    start = text.index("raise UserError(")
    quote = text.index('"', start)
    return text[: quote + 1] + "Reworded: " + text[quote + 1 :]


@pytest.mark.parametrize("module", ["core/atomic.py", "core/parallel.py", "tables/parquet.py", "cluster/slurm.py"])
def test_neutral_modules_re_run_nothing(package: Package, module: str) -> None:
    assert not package.changed_by(module, lambda text: text + "\nX = 1\n")


@pytest.mark.parametrize(
    ("module", "stages", "others"),
    [
        ("training/losses.py", {"train_model"}, {"export_model", "score_model", "write_records", "find_dataset_faces"}),
        (
            "faces/crop.py",
            # Faces have a hash of their crop.
            {"write_records", "write_dataset_records", "write_frames", "predict_affect", "find_dataset_faces"},
            {"train_model", "score_model", "download_partition", "make_annotation_videos"},
        ),
        (
            "media/jpeg.py",
            {"write_records", "write_dataset_records", "write_frames", "train_model", "make_annotation_videos"},
            {"score_model", "ingest_tables", "export_model", "name_files"},
        ),
        ("metrics/ranking.py", OF_METRICS, {"write_records", "predict_benchmark", "export_model", "merge_traces"}),
        ("datasets/disfa_labels.py", {"draw_disfa"}, {"train_model", "score_model"}),
        ("spreadsheet/layout.py", {"ingest_tables"}, {"train_model", "write_records", "score_model"}),
        ("evaluation/protocols/disfa-occurrence8.yaml", {"score_model"}, {"train_model", "write_records"}),
        ("training/export.py", {"export_model"}, {"train_model", "score_model", "predict_benchmark"}),
        ("training/saving.py", {"train_model"}, {"export_model", "score_model"}),
        ("annotation/server/app.py", set(), set(STAGES)),
    ],
)
def test_a_change_re_runs_the_stages_that_it_decides(
    package: Package, module: str, stages: set[str], others: set[str]
) -> None:
    ending = "\nX: 1\n" if module.endswith("yaml") else "\nX = 1\n"
    changed = package.changed_by(module, lambda text: text + ending)
    assert stages <= changed and not changed & others, changed


def test_the_stages_own_function_counts(package: Package) -> None:
    changed = package.changed_by("records/stages.py", replacing('return "unchanged"', 'return "the same"'))
    assert changed == {"write_records"}


def test_a_data_set_counts_where_it_is_read(package: Package) -> None:
    def digests() -> list[str]:
        package.digests()
        module = "affectflow.datasets.{}"
        return [code_of(STAGES["write_frames"], module.format(name)) for name in ("amfed", "disfa")]

    before = digests()
    package.edit("datasets/amfed.py", lambda text: text + "\nX = 1\n")
    after = digests()
    assert before[0] != after[0] and before[1] == after[1]


@pytest.mark.parametrize(
    "line",
    [
        "import affectflow.media.file_names",
        "from affectflow.media import file_names",
        "from affectflow.media.file_names import file_name",
        "import os, affectflow.media.file_names as n",
        "if False:\n    from affectflow.media import file_names",
        "from ..media import file_names",
        "from ..media.file_names import file_name",
    ],
)
def test_every_way_to_import(package: Package, line: str) -> None:
    package.edit("spreadsheet/rates.py", lambda text: text + f"\n{line}\n")
    package.digests()
    stage = STAGES["ingest_tables"]
    assert "affectflow.media.file_names" in code.closure_of(stage.__module__, stage.__name__)


def test_what_only_type_checkers_import_does_not_count(package: Package) -> None:
    block = "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from affectflow.media import file_names\n"
    package.edit("spreadsheet/rates.py", lambda text: text + block)
    package.digests()
    stage = STAGES["ingest_tables"]
    assert "affectflow.media.file_names" not in code.closure_of(stage.__module__, stage.__name__)


def test_cycles_end(package: Package) -> None:
    package.edit("metrics/decision.py", lambda text: text + "\nfrom affectflow.metrics import ranking\n")
    package.edit("metrics/ranking.py", lambda text: text + "\nfrom affectflow.metrics import decision\n")
    assert package.digests()


@pytest.mark.parametrize(
    "one, other",
    [
        ("x = 'é'  # é\n", "x = 'é'\n"),
        ('def f():\n    """é"""; return 1\n', 'def f():\n    """e"""; return 1\n'),
        ("class A:\n    '''a\n    b'''\n    x = 1\n", "class A:\n    '''c'''\n    x = 1\n"),
        ("x = (1,  # one\n     2)\n", "x = (1,\n\n     2)\n"),
        ('def f():\n    "a" "b"\n    return 1\n', 'def f():\n    "a" "c"\n    return 1\n'),
    ],
)
def test_what_runs_is_the_same(one: str, other: str) -> None:
    assert what_runs(one) == what_runs(other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("if x:\n    a()\n    b()\n", "if x:\n    a()\nb()\n"),
        ("x = '# a'\n", "x = '# b'\n"),
        ("x = 'a  b'\n", "x = 'a b'\n"),
        ('x = """a\n"""\n', 'x = """a\n\n"""\n'),
        ('x = f"{a} {b}"\n', 'x = f"{a}  {b}"\n'),
        ('x = f"""{a}\n# no comment\n{b}"""\n', 'x = f"""{a}\n\n{b}"""\n'),
        ("x = 1\n'''a'''\n", "x = 2\n'''a'''\n"),
        ("def f():\n    x = '''a'''\n", "def f():\n    x = '''b'''\n"),
    ],
)
def test_what_runs_differs(one: str, other: str) -> None:
    assert what_runs(one) != what_runs(other)
