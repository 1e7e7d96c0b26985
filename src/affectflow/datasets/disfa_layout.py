"""What DISFA labels, and the folds that the literature reports."""

from __future__ import annotations

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)

# Three folds by subject as published with JAA-Net and others; fold k tests on part k.
FOLDS: dict[int, tuple[str, ...]] = {
    1: ("SN001", "SN002", "SN009", "SN010", "SN016", "SN026", "SN027", "SN030", "SN032"),
    2: ("SN006", "SN011", "SN012", "SN013", "SN018", "SN021", "SN024", "SN028", "SN031"),
    3: ("SN003", "SN004", "SN005", "SN007", "SN008", "SN017", "SN023", "SN025", "SN029"),
}
