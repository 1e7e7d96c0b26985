"""Emotions by labelled and predicted AUs."""

from __future__ import annotations

import numpy as np

from affectflow import facs
from affectflow.facs.emotions import emotions
from affectflow.report.emotions import confusion, emotion_panels
from tests.report.predictions import NAN, row, table


def test_confusion_counts_frames_by_their_emotions() -> None:
    def levels(*units: int) -> np.ndarray:
        found = np.zeros(facs.COUNT)
        found[[unit - 1 for unit in units]] = 5
        return found

    recorded = np.stack([levels(6, 12), levels(6, 12), levels(), np.full(facs.COUNT, NAN)])
    predicted = np.stack([levels(6, 12), levels(), levels(6, 12), np.full(facs.COUNT, NAN)])
    counts = confusion(emotions("emfacs"), recorded, predicted)
    places = list(emotions("emfacs"))
    happiness, neutral = places.index("Happiness"), places.index("Neutral")
    assert counts[happiness, happiness] == counts[happiness, neutral] == counts[neutral, happiness] == 1
    assert counts.sum() == 3


def test_the_panel_counts_agreement() -> None:
    rows = [row("a", AU6=(1, 0.9), AU12=(1, 0.9)), row("b", AU6=(1, 0.1), AU12=(1, 0.1))]
    panels = {panel.title: panel for panel in emotion_panels(table(*rows), {})}
    assert "1 of 2 frames are on the diagonal" in panels["Emotions by EMFACS"].look_for
    assert list(emotion_panels(table(row("a", valence=(0.1, 0.2))), {})) == []
