"""Write envs/*.yaml, the conda environments, from pyproject.toml's direct dependencies at the lock's versions."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = "3.12"
HEADER = """\
# For sites that want conda (snakemake --sdm conda); versions equal to requirements/{build}.txt. Written by `make lock`.
# affectflow itself is added by the .post-deploy.sh beside this file.
"""


def locked(build: str) -> dict[str, str]:
    """Versions of a lock for PYTHON on Linux."""
    versions: dict[str, str] = {}
    for line in (ROOT / "requirements" / f"{build}.txt").read_text().splitlines():
        match = re.match(r"([a-z0-9.-]+)(?:\[.*\])?==(\S+)(?:\s*;\s*(.*?))?\s*\\?$", line)
        if match and "python_full_version < '3.12'" not in (match.group(3) or ""):
            versions[match.group(1)] = match.group(2)
    return versions


def environment(extra: str | None, build: str) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    versions = locked(build)
    pins = []
    for requirement in wanted:
        if "sys_platform != 'linux'" in requirement:
            continue  # the environments are for Linux on x86
        match = re.match(r"([A-Za-z0-9.-]+)(\[.*?\])?", requirement)
        assert match
        name = match.group(1).lower()
        pins.append(f"      - {name}{match.group(2) or ''}=={versions[name]}")
    body = "\n".join(["channels:", "  - conda-forge", "dependencies:", f"  - python={PYTHON}", "  - pip", "  - pip:"])
    return HEADER.format(build=build) + body + "\n" + "\n".join(pins) + "\n"


def environments() -> dict[Path, str]:
    envs = ROOT / "envs"
    return {
        envs / "base.yaml": environment(None, "cpu"),
        envs / "tensorflow.yaml": environment("cpu", "cpu"),
        envs / "tensorflow-gpu.yaml": environment("gpu", "gpu"),
    }


if __name__ == "__main__":
    for path, text in environments().items():
        path.write_text(text)
    sys.exit(0)
