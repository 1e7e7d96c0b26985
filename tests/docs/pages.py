"""Pages of the documentation as a reader follows them: blocks one after the other, in one shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from affectflow import config

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d,.:]*")
RUN = ("console", "python", "yaml")
"""Languages of blocks that are run; ``sh`` is for what needs a cluster, a camera, a browser or the internet."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page."""
    for language, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        yield Block(language, text)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with the output that the page shows."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown.strip()


def looks_like(shown: str, output: str) -> bool:
    """Return whether an output is as shown: ``...`` is any text, and a number any number."""
    pattern = r"\s+".join(map(_pattern, shown.split()))
    return re.search(pattern, output) is not None


def _pattern(word: str) -> str:
    if word == "...":
        return r"[\s\S]*?"
    parts = [r"\S*".join(map(re.escape, part.split("..."))) for part in _NUMBER.split(word)]
    return r"[\d,.:]+".join(parts)


@dataclass
class Reader:
    """Somebody who follows a page.

    Attributes:
        folder: Where the page begins, and then where its commands went.
        programs: Folder of ``affectflow``, ``snakemake`` and ``python``.
        adapted: Changes a command or program where the world of a test is not that of a reader.
        after: Called after each command.
        waits: Seconds until a command has taken too long.
    """

    folder: Path
    programs: Path
    adapted: Callable[[str], str] = str
    after: Callable[[Path], None] = lambda folder: None
    waits: float = 300
    ran: list[str] = field(default_factory=list)

    def follow(self, page: Path) -> None:
        """Run all blocks of a page and compare what they print with what it shows."""
        start = self.folder
        for block in blocks(page):
            if block.language == "console":
                for command, shown in commands(block.text):
                    self._run(command, shown)
            elif block.language == "python":
                self._call([str(self.programs / "python"), "-c", self.adapted(block.text)], block.text)
            elif block.language == "yaml":
                self._configure(block.text, start)

    def _run(self, command: str, shown: str) -> None:
        output = self._call(["bash", "-c", f"set -e; {self.adapted(command)}\necho; pwd"], command)
        output, _, where = output.rstrip("\n").rpartition("\n")
        assert looks_like(shown, output), f"{command}\n--- the page shows:\n{shown}\n--- it prints:\n{output}"
        self.folder = Path(where)
        self.after(self.folder)

    def _call(self, words: list[str], source: str) -> str:
        environment = {**os.environ, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=self.waits,
        )
        assert done.returncode == 0, f"{source}\nended with {done.returncode}:\n{done.stdout[-3000:]}"
        self.ran.append(source)
        return done.stdout

    def _configure(self, text: str, start: Path) -> None:
        """Write a configuration under the name in its first line, in the study, and check it."""
        name = text.partition("\n")[0].lstrip("# ").split()[0]
        study = self.folder if (self.folder / "config.yaml").is_file() else start / "my-study"
        path = study / Path(name).name
        assert isinstance(yaml.safe_load(text), dict)
        path.write_text(text, encoding="utf-8")
        here = Path.cwd()
        os.chdir(study)
        try:
            config.load(study / "config.yaml", path)
        finally:
            os.chdir(here)


def python() -> str:
    """Return the interpreter of these tests."""
    return sys.executable
