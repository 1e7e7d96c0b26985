"""How far each annotator has come."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from affectflow.annotation.rating_log import Judgement, Kept
from affectflow.annotation.server.image import Image
from affectflow.annotation.trace_log import Traced
from affectflow.annotation.videos import video_name

_LONGEST_S = 120.0
"""An image that took longer was left for something else, and counts as this."""


def median_seconds(judgements: Iterable[Judgement]) -> float | None:
    """That an image takes; None where nobody knows yet."""
    took = [min(one.seconds, _LONGEST_S) for one in judgements if one.seconds > 0]
    return statistics.median(took) if took else None


def progress_of_all(
    by_annotator: Mapping[str, Kept], traced: Mapping[str, Traced], batches: Mapping[int, Sequence[Image]]
) -> list[dict[str, Any]]:
    """For the page, by name: the number of images judged, seconds an image, and what was begun: batches judged,
    videos traced, how much of each is done and how much there is (None where that is not known)."""
    batch_of = {one.image_sha256: batch for batch, images in batches.items() for one in images}
    lengths = {video_name(batch): len(images) for batch, images in batches.items()}
    found = []
    for name in sorted(by_annotator.keys() | traced.keys()):
        kept = by_annotator.get(name, Kept())
        judged = Counter(batch_of[sha] for sha in kept.judgements if sha in batch_of)
        begun = [
            *({"title": f"batch {b}", "done": judged[b], "of": len(batches[b])} for b in sorted(judged)),
            *(
                {"title": video, "done": len(track), "of": lengths.get(video)}
                for video, track in sorted(traced.get(name, Traced()).tracks.items())
            ),
        ]
        seconds = median_seconds(kept.latest.values())
        found.append({"annotator": name, "judged": judged.total(), "seconds": seconds, "begun": begun})
    return found
