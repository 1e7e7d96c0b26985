"""How far each annotator has come."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from affectflow.annotation.rating_log import Judgement, Kept
from affectflow.annotation.server.image import Picture
from affectflow.annotation.trace_log import Traced
from affectflow.annotation.videos import video_name

_LONGEST_S = 120.0
"""A picture that took longer was left for something else, and counts as this."""


def median_seconds(judgements: Iterable[Judgement]) -> float | None:
    """That a picture takes; None where nobody knows yet."""
    took = [min(one.seconds, _LONGEST_S) for one in judgements if one.seconds > 0]
    return statistics.median(took) if took else None


def progress_of_all(
    by_annotator: Mapping[str, Kept], traced: Mapping[str, Traced], batches: Mapping[int, Sequence[Picture]]
) -> list[dict[str, Any]]:
    """For the page, by name: the number of pictures judged, seconds a picture, and what was begun: batches judged,
    films traced, how much of each is done and how much there is (None where that is not known)."""
    batch_of = {one.image_sha256: batch for batch, pictures in batches.items() for one in pictures}
    lengths = {video_name(batch): len(pictures) for batch, pictures in batches.items()}
    found = []
    for name in sorted(by_annotator.keys() | traced.keys()):
        kept = by_annotator.get(name, Kept())
        judged = Counter(batch_of[sha] for sha in kept.judgements if sha in batch_of)
        begun = [
            *({"title": f"batch {b}", "done": judged[b], "of": len(batches[b])} for b in sorted(judged)),
            *(
                {"title": film, "done": len(track), "of": lengths.get(film)}
                for film, track in sorted(traced.get(name, Traced()).tracks.items())
            ),
        ]
        seconds = median_seconds(kept.latest.values())
        found.append({"annotator": name, "judged": judged.total(), "seconds": seconds, "begun": begun})
    return found
