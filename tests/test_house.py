"""Things that must not drift apart: schema and docs, lock and environments, rules and scripts."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest
import yaml

import affectflow
from affectflow import config
from affectflow.cli.documents import access_table, schemas
from affectflow.config.reference import config_docs
from tests.conftest import DEMO

ROOT = Path(__file__).parents[1]
RULES = {
    match.group(1): match.group(2)
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for match in re.finditer(r"^(?:    )?rule (\w+):\n(.*?)(?=^\S|^    rule|\Z)", path.read_text(), re.M | re.S)
}
TENSORS = {"train_model", "predict_benchmark", "predict_affect", "export_model"}


def test_the_default_configuration_is_valid() -> None:
    config.load(DEMO)
    config.load()


def test_the_configuration_page_is_written_from_the_schema() -> None:
    assert (ROOT / "config" / "README.md").read_text() == config_docs(), (
        "run: affectflow config-docs --out config/README.md"
    )


def test_the_readme_says_where_every_data_set_is_asked_for() -> None:
    assert access_table() in (ROOT / "README.md").read_text()


def test_json_schemas_are_written_from_the_models() -> None:
    written = {path.stem: path.read_text() for path in (ROOT / "docs" / "schemas").glob("*.json")}
    assert written == schemas(), "run: affectflow json-schemas docs/schemas"


def test_every_default_key_is_explained() -> None:
    page = config_docs()
    default = config.load()
    for section, keys in default.items():
        for key in keys if section != "models" else ():
            assert f"`{section}.{key}" in page


def test_environments_equal_the_lock() -> None:
    written = runpy.run_path(str(ROOT / "requirements" / "envs.py"))["environments"]()
    for path, text in written.items():
        assert path.read_text() == text, "run: make lock"


@pytest.mark.parametrize("name", ["cpu", "gpu", "test"])
def test_the_lock_is_hashed_and_names_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    packages = re.findall(r"^\S+==.*?(?=^\S|\Z)", text, re.M | re.S)
    assert len(packages) > 100
    assert all("--hash=sha256:" in package for package in packages)


def test_both_builds_are_the_same_tensorflow() -> None:
    versions = set()
    for name in ("cpu", "gpu"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        versions |= set(re.findall(r"^tensorflow(?:-cpu)?(?:\[.*\])?==(\S+)", text, re.M))
    assert len(versions) == 1


def _unexplained(path: Path) -> list[str]:
    """Public functions and classes of a module without a docstring, or without Args for several parameters.

    A method of a derived class has its base's docstring.
    """
    found = []

    def look(node: ast.Module | ast.ClassDef) -> None:
        for child in node.body:
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or child.name[0] == "_":
                continue
            inherited = isinstance(node, ast.ClassDef) and bool(node.bases)
            text = ast.get_docstring(child)
            if text is None and not inherited:
                found.append(f"{path.relative_to(ROOT)}: {child.name}")
            if isinstance(child, ast.ClassDef):
                look(child)
            elif (
                text is not None
                and len(_parameters(child)) > 1
                and not re.search(r"Args:\n|arguments (are )?as ", text)
            ):
                found.append(f"{path.relative_to(ROOT)}: Args of {child.name}")

    look(ast.parse(path.read_text()))
    return found


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def test_everything_public_is_explained() -> None:
    files = [path for path in (ROOT / "src").rglob("*.py") if "workflow_files" not in path.parts]
    assert len(files) > 200
    assert [name for path in files for name in _unexplained(path)] == []


def test_the_readme_is_an_overview() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_citation_has_the_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == affectflow.__version__
