"""The digest of the code: moved by what runs, by nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from affectflow.core import code as codehash

ROOT = Path(codehash.__file__).parent.parent
SCRIPT = '''"""Doc."""
import sys  # comment


def main() -> None:
    """Doc."""
    from affectflow.metrics.decision import decide
    decide([True], [0.5], 0.5)
'''

Edit = Callable[[Path], None]


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
        self.script = folder / "script.py"
        self.script.write_text(SCRIPT)

    def digest(self, *modules: str) -> str:
        for value in vars(codehash).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
        return codehash.code_digest(self.script, *modules)

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self.root / file
        path.write_text(change(path.read_text()))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.setattr(codehash, "_ROOT", tmp_path / "affectflow")
    return Package(tmp_path)


SAME = {
    "comment": lambda text: "# new\n" + text + "\n# more\n",
    "comment behind code": replacing("import numpy as np\n", "import numpy as np  # arrays\n"),
    "module docstring": replacing('"""Metrics', '"""Other metrics'),
    "function docstring": replacing('    """Count the', '    """Sum up the'),
    "blank lines": replacing("import numpy as np\n", "import numpy as np\n\n\n"),
    "trailing newline": lambda text: text.rstrip("\n"),
}
DIFFERENT = {
    "constant": replacing("return 0.5", "return 0.4"),
    "operator": replacing(">= threshold", "> threshold"),
    "name": replacing("def _share", "def _Ratio"),
    "indentation": replacing("    if not positive.any():\n        return 0.5", "    if not positive.any(): return 0.5"),
    "string": replacing('kind="stable"', 'kind="sta ble"'),
    "import": lambda text: text + "\nimport json\n",
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_does_not_run_does_not_count(package: Package, change: Callable[[str], str]) -> None:
    before = package.digest()
    package.edit("metrics/decision.py", change)
    assert package.digest() == before


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_runs_counts(package: Package, change: Callable[[str], str]) -> None:
    before = package.digest()
    package.edit("metrics/decision.py", change)
    assert package.digest() != before


def test_the_script_itself_counts(package: Package) -> None:
    before = package.digest()
    package.script.write_text(SCRIPT.replace("Doc.", "Other.").replace("# comment", ""))
    assert package.digest() == before
    package.script.write_text(SCRIPT.replace("[0.5]", "[0.6]"))
    assert package.digest() != before


@pytest.mark.parametrize(
    "file", ["media/images.py", "config/config.schema.yaml", "metrics/ranking.py", "datasets/disfa.py"]
)
def test_modules_that_are_not_imported_do_not_count(package: Package, file: str) -> None:
    before = package.digest()
    package.edit(file, lambda text: text + "\nX: 1\n")
    assert package.digest() == before


def test_imports_of_imports_count(package: Package) -> None:
    package.script.write_text("from affectflow.annotation import videos\n")
    before = package.digest()
    package.edit("tables/csv_files.py", lambda text: text + "\nX = 1\n")
    changed = package.digest()
    assert changed != before
    package.edit("download/__init__.py", lambda text: text + "\nX = 1\n")
    assert package.digest() != changed


@pytest.mark.parametrize(
    "line",
    [
        "import affectflow.media.file_names",
        "from affectflow.media import file_names",
        "from affectflow.media.file_names import file_name",
        "from affectflow.media.file_names import *",
        "import os, affectflow.media.file_names as n",
        "if False:\n    from affectflow.media import file_names",
    ],
)
def test_every_way_to_import(package: Package, line: str) -> None:
    package.script.write_text(line + "\n")
    before = package.digest()
    package.edit("media/file_names.py", lambda text: text + "\nX = 1\n")
    assert package.digest() != before


@pytest.mark.parametrize(
    "line", ["from . import ranking", "from .ranking import roc_auc", "from ..metrics import ranking"]
)
def test_relative_imports(package: Package, line: str) -> None:
    package.edit("metrics/decision.py", lambda text: text + f"\n{line}\n")
    before = package.digest()
    package.edit("metrics/ranking.py", lambda text: text + "\nX = 1\n")
    assert package.digest() != before


def test_modules_named_by_the_caller_count(package: Package) -> None:
    before = package.digest("affectflow.datasets.disfa")
    assert before != package.digest()
    package.edit("datasets/disfa.py", lambda text: text + "\nX = 1\n")
    assert package.digest("affectflow.datasets.disfa") != before


def test_cycles_end(package: Package) -> None:
    package.edit("metrics/decision.py", lambda text: text + "\nfrom affectflow.metrics import ranking\n")
    package.edit("metrics/ranking.py", lambda text: text + "\nfrom affectflow.metrics import decision\n")
    assert package.digest()


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
    assert codehash.what_runs(one) == codehash.what_runs(other)


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
    assert codehash.what_runs(one) != codehash.what_runs(other)
