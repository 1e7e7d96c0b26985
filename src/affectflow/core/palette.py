"""The colors of all pages that affectflow makes or serves."""

from __future__ import annotations

from pathlib import Path

PALETTE = Path(__file__).with_suffix(".css")
"""Variables of CSS, for light, dark and print."""
