"""Predictions -> the score file of one model by one protocol."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.datasets.synthetic import NOTE
from affectflow.evaluation.evaluate import Judged, f1_of_folds, judge
from affectflow.evaluation.outputs import Labels, Outputs, Part, read_outputs
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import THRESHOLD, intervals, plain
from affectflow.evaluation.temporal import smoothed
from affectflow.faces.crop import CENTER, FACE, HELD
from affectflow.metrics.bootstrap import COVERAGE
from affectflow.prediction.columns import LEFT_OUT_COLUMNS
from affectflow.tables.csv_files import read_csv

_PACKAGES = ("affectflow", "numpy", "pyarrow", "av", "pillow", "keras", "tensorflow-cpu", "tensorflow")
OVERLAP = ("exact", "near", "subjects")
"""What a model may have seen of a benchmark: the same images, images that look the same, the same people."""
_AFFECT = ("valence", "arousal")


def score(
    protocol: Protocol,
    model: str,
    parts: Sequence[Part],
    snapshot: Path | None,
    draws: int,
    config_sha256: str,
    code_sha256: str,
    out: Path,
) -> None:
    """Write ``results/eval/{benchmark}_{model}.json``, or ``{benchmark}-{protocol}_{model}.json``.

    There is one part, or one for each fold of a protocol of folds; their frames are scored together. A label that the
    model was never taught stands under ``unsupported``, one that no frame has under ``unlabelled``; neither counts in
    a mean, nor does one of which the benchmark shows only one class. Every measure has its interval under
    ``intervals``. ``snapshot`` is the card of the downloaded images that the model was trained or is scored on,
    None where there are none. Raises :class:`UserError` when labels and outputs share nothing.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    outputs = read_outputs(parts)
    judged = judge(protocol, model, outputs, draws)
    labels, bootstrap = judged.labels, judged.bootstrap
    synthetic = outputs.described[0]["synthetic"]
    found, drawn = judged.means()
    left_out = _left_out(parts, labels)
    result = {
        "benchmark": protocol.benchmark,
        "model": model,
        "synthetic": synthetic,
        **({"note": NOTE} if synthetic else {}),
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "title": protocol.title,
            "source": protocol.source,
            **({"positive_if": protocol.positive_if} if protocol.labels else {}),
            **({"threshold": f"probability >= {THRESHOLD}"} if protocol.labels else {}),
            "frames": outputs.table.num_rows,
            "used_frames": int(labels.used.sum()),
            "left_out": left_out,
            "all_frames": int(labels.used.sum()) + sum(left_out.values()),
            "subjects": len(set(judged.subjects)),
            "crops": _crops(outputs.table),
            "intervals": {"of": f"{COVERAGE:.0%}", "drawn": protocol.subject, "draws": draws},
        },
        **found,
        "intervals": intervals(drawn, bootstrap),
        **_smoothed(protocol, model, outputs, draws),
        "action_units": {name: one.entry(bootstrap) for name, one in judged.units.items()},
        "intensities": {name: one.entry(bootstrap) for name, one in judged.intensities.items()},
        **{name: judged.affect[name].entry(bootstrap) if name in judged.affect else None for name in _AFFECT},
        **({"folds": _folds(judged, outputs, parts)} if protocol.folds else {}),
        "unsupported": judged.unsupported,
        "unlabelled": judged.unlabelled,
        "overlap": _overlap(parts),
        **_foreign(parts[0].described),
        "published_note": protocol.published_note,
        "published": [{"model": p.model, "measure": p.measure, "value": p.value} for p in protocol.published],
        "snapshot": json.loads(snapshot.read_text(encoding="utf-8")) if snapshot is not None else None,
        "provenance": {
            "config_sha256": config_sha256,
            "code_sha256": code_sha256,
            "inputs": _inputs(parts),
            "versions": {"python": platform.python_version(), **_versions()},
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - clock, 3),
        },
    }
    with atomic_write(out) as partial:
        partial.write_text(json.dumps(plain(result), indent=1) + "\n", encoding="utf-8")


def _smoothed(protocol: Protocol, model: str, outputs: Outputs, draws: int) -> dict[str, Any]:
    """The means of outputs that were smoothed, beside those of the raw ones."""
    if not protocol.smoothing:
        return {}
    judged = judge(protocol, model, smoothed(outputs, protocol.smoothing), draws)
    found, drawn = judged.means()
    each = {name: one.measures["ccc"] for name, one in judged.affect.items()}
    return {
        "smoothed": {"frames": protocol.smoothing, **found, **each, "intervals": intervals(drawn, judged.bootstrap)}
    }


def _left_out(parts: Sequence[Part], labels: Labels) -> dict[str, int]:
    left_out: Counter[str] = Counter()
    for part in parts:
        left_out.update({row["reason"]: int(row["count"]) for row in read_csv(part.left_out, LEFT_OUT_COLUMNS)})
    return dict(left_out + labels.left_out)


def _folds(judged: Judged, outputs: Outputs, parts: Sequence[Part]) -> dict[str, Any]:
    each = f1_of_folds(judged, outputs, [part.run for part in parts])
    known = [f1 for f1 in each.values() if not math.isnan(f1)]
    return {"mean_f1": each, "mean_of_folds_f1": float(np.mean(known)) if known else math.nan}


def _overlap(parts: Sequence[Part]) -> dict[str, int] | None:
    """Images and people of the benchmark that were trained on, of all folds together; None where nobody looked."""
    found = [part.described["overlap"] for part in parts if "overlap" in part.described]
    return {kind: sum(one[kind] for one in found) for kind in OVERLAP} if len(found) == len(parts) else None


def _foreign(described: Mapping[str, Any]) -> dict[str, Any]:
    return {key: described[key] for key in ("program", "unused_rows") if key in described}


def _crops(table: pa.Table) -> dict[str, int]:
    crops = Counter(table["crop"].to_pylist())
    return {how: crops[how] for how in (FACE, HELD, CENTER)}


def _inputs(parts: Sequence[Part]) -> dict[str, str]:
    """Digests of what was scored, by name, or with folds by run and name."""
    return {
        (f"{part.run}/{name}" if len(parts) > 1 else name): file_sha256(path)
        for part in parts
        for name, path in part.inputs.items()
    }


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # one of the two builds of TensorFlow is installed
    return versions
