"""A study: a folder with a configuration and the results that are made from its data, and from no other."""

from __future__ import annotations

from pathlib import Path

WORKFLOW = Path(__file__).parents[1] / "workflow_files"
"""The workflow as the package carries it: Snakefile, rules, scripts, environments, profiles."""
SNAKEFILE = str(WORKFLOW / "Snakefile")
"""What a study's Snakefile uses as a module."""
