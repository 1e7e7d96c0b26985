"""What an overlay says beside a face."""

from __future__ import annotations

from affectflow.prediction.overlay import captions

THRESHOLDS = {"AU12": 0.3}


def test_present_action_units_by_probability_with_intensity_and_change() -> None:
    row = {
        **{"AU1": 0.49, "AU2": 0.6, "AU12": 0.35, "AU25": 0.9},
        **{"AU12_change": 0.25, "AU2_change": 0.55, "AU25_change": -0.05, "AU1_change": 0.45},
        **{"AU12_intensity": 1.0, "valence": 0.5, "arousal": -0.25, "emotion": "Happiness"},
    }
    assert captions(row, THRESHOLDS) == [
        "V +0.50  A -0.25",
        "Happiness",
        "AU25 0.90 -0.05",
        "AU2 0.60 +0.55",
        "AU12 0.35 +0.25 (1.0)",
    ]


def test_at_most_seven_lines() -> None:
    row = {f"AU{unit}": 0.5 + unit / 100 for unit in range(1, 13)}
    assert captions(row, {}) == [f"AU{unit} {0.5 + unit / 100:.2f}" for unit in range(12, 5, -1)]
