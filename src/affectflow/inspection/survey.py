"""Count the subjects, videos, images and labels of a data set, and collect its problems, part by part."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.datasets.media import MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.sample import PERCENT, Sample


@dataclass(slots=True)
class Survey:
    """The content of a data set.

    Attributes:
        subjects: The subjects.
        videos: The videos, as subject and video.
        images: How many labelled images there are.
        labels: Counts of each label's classes, such as ``present`` or ``intensity 2``.
        left_out: Counts of what is not used, by reason.
        problems: Sentences that name file and line.
    """

    subjects: set[str] = field(default_factory=set)
    videos: set[str] = field(default_factory=set)
    images: int = 0
    labels: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Count a sample and its labels."""
        self.images += 1
        if sample.subject:
            self.subjects.add(sample.subject)
        if sample.video:
            self.videos.add(f"{sample.subject}/{sample.video}")
        for i in np.flatnonzero(sample.units != facs.UNKNOWN):
            name, intensity = facs.label(int(i) + 1), float(sample.intensities[i])
            label = "present" if sample.units[i] == facs.PRESENT else "absent"
            self.labels[name][label if math.isnan(intensity) else f"intensity {intensity:g}"] += 1
        for name, value in sample.other.items():
            if not name.endswith(PERCENT.format("")) and value != facs.UNKNOWN:
                self.labels[name]["present" if value == facs.PRESENT else "absent"] += 1
        for name in ("valence", "arousal"):
            value = getattr(sample, name)
            if not math.isnan(value):
                self.labels[name]["negative" if value < 0 else "positive" if value > 0 else "zero"] += 1

    def text(self) -> str:
        """Format the counts for a terminal."""
        counts = {"subjects": len(self.subjects), "videos": len(self.videos), "labelled images": self.images}
        lines = [", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no labelled image"]
        width = max(map(len, self.labels), default=0)
        for name, classes in self.labels.items():
            lines.append(f"  {name:{width}}  " + ", ".join(f"{found} {classes[found]:,}" for found in sorted(classes)))
        lines += [f"left out: {count:,} x {reason}" for reason, count in sorted(self.left_out.items())]
        return "\n".join(lines)


def survey(name: str, root: Path) -> Survey:
    """Survey a data set without decoding videos or images; a mistake in one part does not hide the others.

    Args:
        name: The name of the data set.
        root: Its folder.

    Raises:
        UserError: If the data set as a whole cannot be opened.
    """
    media = MetadataOnly()
    dataset = get_dataset(name, root, media=media)
    found = Survey()
    parts = dataset.parts()
    with progress(len(parts), "part", "inspect") as bar:
        for part in parts:
            try:
                for sample in dataset.samples_of(part):
                    found.add(sample)
            except UserError as error:
                found.problems.append(str(error))
            bar.update()
    found.problems += media.problems
    found.left_out = dataset.left_out
    order = {label: number for number, label in enumerate(facs.LABELS)}
    found.labels = dict(sorted(found.labels.items(), key=lambda item: order.get(item[0], facs.COUNT)))
    return found
