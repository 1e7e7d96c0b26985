"""What runs again after a change, and what does not."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Workflow
from tests.workflow.conftest import SCORES

EVALUATION = {"predict_benchmark", "score_model"}


def _touch(*paths: Path) -> None:
    later = time.time() + 5
    for path in paths:
        os.utime(path, (later, later))


def _digests(workflow: Workflow, *patterns: str) -> dict[str, str]:
    results = workflow.folder / "results"
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in patterns
        for path in sorted(results.glob(pattern))
    }


def _edit(workflow: Workflow, module: str, old: str, new: str) -> None:
    path = workflow.root / "src" / "affectflow" / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_one_frame_annotated_anew_changes_one_file_of_records(copy: Workflow) -> None:
    """Of valence and arousal in a folder of the user's; nothing is downloaded or made into annotation videos again."""
    index = "results/emotionet/tfrecords/index.csv"
    shutil.copytree(copy.path("demo/annotations"), copy.folder / "mine")
    copy.configure(data={"annotations": "mine"})
    copy.succeed(index)
    before = _digests(copy, "emotionet/tfrecords/*.tfrecord", "emotionet/valence_arousal.csv", "annotation/*")
    trace = next((copy.folder / "mine").rglob("video_001_valence.txt"))
    manifest = list(csv.DictReader(copy.path("annotation/manifest.csv").open()))
    kept = {row["file_name"] for row in pq.read_table(copy.path("emotionet/samples.parquet")).to_pylist()}
    line = next(i for i, row in enumerate(manifest) if row["annotation_video"] == "1" and row["file_name"] in kept)
    lines = trace.read_text().splitlines()
    lines[line] = "0.123" if lines[line] != "0.123" else "0.321"
    trace.write_text("\n".join(lines) + "\n")
    result = copy.succeed(index)
    assert "merge_traces" in result.rules_run
    assert not result.rules_run & {"download_partition", "make_annotation_videos", "collect_ledger", "ingest_tables"}
    after = _digests(copy, "emotionet/tfrecords/*.tfrecord", "emotionet/valence_arousal.csv", "annotation/*")
    changed = {name for name in before if before[name] != after[name]}
    assert len(changed) == 2 and "emotionet/valence_arousal.csv" in changed, changed
    assert copy.run(index).nothing_done


def test_second_run_in_a_fresh_clone_does_nothing(copy: Workflow) -> None:
    assert copy.run(*SCORES).nothing_done


def test_touched_inputs_and_records_redo_nothing(copy: Workflow) -> None:
    _touch(
        copy.path("demo/emotionet/EmotioNet_FACS_drawn.xlsx"),
        *copy.path("demo/disfa").rglob("*.avi"),
        *copy.path("emotionet/tfrecords").glob("*.tfrecord"),
        copy.path("emotionet/ledger.parquet"),
    )
    assert copy.run(*SCORES).nothing_done


def test_an_input_of_the_future_is_named_before_anything_starts(copy: Workflow) -> None:
    """Snakemake would end the finished job, and delete what it made."""
    scored = SCORES[0]
    score = copy.path("eval/disfa_resnet.json").read_bytes()
    path = copy.path("frames/disfa.tfrecord")
    later = time.time() + 86400
    os.utime(path, (later, later))
    copy.path("eval/disfa_resnet.json").unlink()
    assert copy.succeed(scored).rules_run == {"score_model"}  # which does not read it
    copy.configure(training={"learning_rate": 0.002})
    result = copy.run(scored)
    assert result.status != 0 and not result.rules_run and "Traceback" not in result.output
    assert "affectflow: results/frames/disfa.tfrecord is dated in the future" in result.output
    assert "or: touch 'results/frames/disfa.tfrecord'" in result.output
    path.touch()
    assert {"train_model", "score_model"} <= copy.succeed(scored).rules_run
    assert copy.path("eval/disfa_resnet.json").read_bytes() != score


def test_edited_comments_and_docstrings_redo_nothing(copy: Workflow) -> None:
    for path in (copy.root / "src").rglob("*.py"):
        path.write_text(path.read_text().replace('"""', '"""Edited. ', 1) + "\n# an edited comment\n")
    assert copy.run(*SCORES).nothing_done


def test_learning_rate_redoes_training_and_evaluation_only(copy: Workflow) -> None:
    copy.configure(training={"learning_rate": 0.0007})
    assert copy.run("results/eval/disfa_resnet.json", options=("-n",)).rules_run == {"train_model", *EVALUATION}


def test_another_model_is_scored_on_the_frames_that_are_there(copy: Workflow) -> None:
    result = copy.run("results/eval/disfa_vgg.json", "results/eval/emotionet_vgg.json", options=("-n",))
    assert result.rules_run == {"train_model", "check_leakage", *EVALUATION}


def test_another_seed_is_another_training_and_makes_means(copy: Workflow) -> None:
    copy.configure(models={"resnet": {"seeds": [0, 5]}})
    result = copy.succeed("results/eval/disfa_resnet-seeds.json")
    assert result.rules_run == {"train_model", "check_leakage", "gather_seeds", *EVALUATION}
    assert "train_model resnet-seed5" in result.jobs and "train_model resnet" not in result.jobs
    both = json.loads(copy.path("eval/disfa_resnet-seeds.json").read_text())
    each = [json.loads(copy.path(f"eval/disfa_{run}.json").read_text()) for run in ("resnet", "resnet-seed5")]
    assert both["seeds"] == [0, 5] and both["mean_f1"]["each"] == [score["mean_f1"] for score in each]
    assert both["action_units"].keys() == each[0]["action_units"].keys()


def test_edited_scoring_redoes_scoring_only(copy: Workflow) -> None:
    before = json.loads(copy.path("eval/disfa_resnet.json").read_text())
    _edit(copy, "metrics/jackknife.py", "CONFIDENCE = 0.95", "CONFIDENCE = 0.9")
    result = copy.succeed(*SCORES)
    after = json.loads(copy.path("eval/disfa_resnet.json").read_text())
    assert result.rules_run == {"score_model"}
    assert after["protocol"]["intervals"]["confidence"] == "90%"
    assert after["provenance"]["code_sha256"] != before["provenance"]["code_sha256"]
    assert after["provenance"]["inputs"] == before["provenance"]["inputs"]


def test_edited_parser_of_one_benchmark_redoes_that_benchmark_only(copy: Workflow) -> None:
    _edit(copy, "datasets/amfed.py", "if percent >= 50:", "if percent >= 60:")
    result = copy.run(*SCORES, options=("-n",))
    assert result.rules_run == {"find_dataset_faces", "digest_images", "check_leakage", "write_frames", *EVALUATION}
    for job in ("score_model {} resnet", "find_dataset_faces {}", "write_frames {}"):
        assert job.format("amfed") in result.jobs
        assert job.format("disfa") not in result.jobs


@pytest.mark.parametrize(
    "changes",
    [
        {"models": {"vgg": {"dropout": 0.4}}},
        # Nobody looks for faces, and no set ships any.
        {"faces": {"min_score": 0.9, "on_missing_face": "center_crop", "model": {"path": "elsewhere.onnx"}}},
    ],
)
def test_unused_key_redoes_nothing(copy: Workflow, changes: dict[str, object]) -> None:
    copy.configure(**changes)  # type: ignore[arg-type]
    assert copy.run(*SCORES).nothing_done


def test_edited_export_redoes_exports_only(copy: Workflow) -> None:
    target = "results/models/resnet/model.onnx"
    assert copy.succeed(target).rules_run == {"export_model"}
    assert copy.run(target).nothing_done
    _edit(copy, "training/export.py", "OPSET = 18", "OPSET = 17")
    assert copy.run(target, *SCORES, options=("-n",)).rules_run == {"export_model"}


def test_model_predictions_are_made_of_what_is_there(copy: Workflow) -> None:
    """Of every image of the annotation videos, and by themselves; the same bytes again."""
    target = "results/annotation/predictions/resnet.csv"
    assert copy.succeed(target).rules_run == {"predict_affect"}
    assert copy.run(target).nothing_done
    rows = list(csv.DictReader(copy.path("annotation/predictions/resnet.csv").open()))
    manifest = csv.DictReader(copy.path("annotation/manifest.csv").open())
    assert [row["image_sha256"] for row in rows] == [row["image_sha256"] for row in manifest]
    assert all(-1 <= float(row[name]) <= 1 for row in rows for name in ("valence", "arousal"))
    assert min(float(row["uncertainty"]) for row in rows) > 0 and len({row["valence"] for row in rows}) > 1
    before = _digests(copy, "annotation/predictions/*")
    copy.succeed(target, options=("--forcerun", "predict_affect"))
    assert _digests(copy, "annotation/predictions/*") == before


def test_how_long_a_lost_face_is_held_redoes_evaluation_only(copy: Workflow) -> None:
    copy.configure(faces={"max_gap_s": 0.5})
    result = copy.run(*SCORES, options=("-n",))
    assert result.rules_run == {"write_frames", *EVALUATION}
    assert "predict_benchmark emotionet resnet" not in result.jobs


def test_added_row_fetches_one_url_and_leaves_the_rest_as_it_was(copy: Workflow) -> None:
    labels = list(csv.DictReader(copy.path("emotionet/labels.csv").open()))
    names = copy.path("emotionet/filenames.csv").read_text()
    ok = next(row for row in labels if "/lost/" not in row["url"] and row["url"].startswith("http://img"))
    new_url = ok["url"].replace("http://img", "http://added-img", 1)
    table = copy.path("demo/added.csv")
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerow([new_url, *("1" for _ in range(60))])
    before = _digests(copy, "emotionet/ledger_parts/*", "emotionet/tfrecords/*.tfrecord", "annotation/*.mp4")
    journals = list(copy.path("state/download").glob("*.jsonl"))
    lines = sum(len(path.read_bytes().splitlines()) for path in journals)
    # The table lies in the demo's folder, so drawn and real data are not mixed.
    copy.configure(
        data={"emotionet": {"tables": ["results/demo/emotionet/EmotioNet_FACS_drawn.xlsx", "results/demo/added.csv"]}}
    )
    copy.succeed("results/emotionet/tfrecords/index.csv", "results/annotation/manifest.csv")
    after = _digests(copy, "emotionet/ledger_parts/*", "emotionet/tfrecords/*.tfrecord", "annotation/*.mp4")
    assert sum(len(path.read_bytes().splitlines()) for path in journals) == lines + 1
    assert copy.path("emotionet/filenames.csv").read_text().startswith(names)
    assert set(before) <= set(after)
    changed = {name for name in before if before[name] != after[name]}
    assert len([name for name in changed if name.startswith("emotionet/ledger_parts")]) == 1
    assert not any(name.startswith("annotation") for name in changed)
    # The new URL shows a known image, so one record at most has other labels.
    assert len([name for name in changed if name.startswith("emotionet/tfrecords")]) <= 1


def _exists(workflow: Workflow, pattern: str, count: int = 1) -> bool:
    return len(list((workflow.folder / "results").glob(pattern))) >= count


STAGES = {
    "draw": ("demo/emotionet/web/*", 20),
    "download": ("emotionet/images/*/*", 15),
    "annotation videos": ("state/annotation/*/*/entry/.*partial*", 1),
    "traces": ("demo/annotations/*/*.txt", 1),
    "records": ("state/records/*/entry/*", 1),
}


def test_killed_at_every_stage_ends_with_the_same_bytes(finished: Workflow, workflow: Workflow) -> None:
    targets = ("results/emotionet/tfrecords/index.csv", "results/emotionet/snapshot.json")
    config = finished.folder / "config.yaml"
    (workflow.folder / "config.yaml").write_text(config.read_text())  # the ports are part of the URLs
    for pattern, count in STAGES.values():
        workflow.kill_when(lambda p=pattern, c=count: _exists(workflow, p, c), *targets)  # type: ignore[misc]
    workflow.succeed(*targets)
    patterns = ("demo/emotionet/*.*", "emotionet/*.*", "emotionet/tfrecords/**/*.*", "annotation/*.*")
    ledgers = [_ledger_without_times(run) for run in (finished, workflow)]
    assert ledgers[0] == ledgers[1]
    digests = [_digests(run, *patterns) for run in (finished, workflow)]
    for of_run in digests:
        del of_run["emotionet/ledger.parquet"]
    assert digests[0] == digests[1]


def _ledger_without_times(workflow: Workflow) -> pa.Table:
    ledger = pq.read_table(workflow.folder / "results/emotionet/ledger.parquet")
    return ledger.drop_columns(["first_try", "last_try"])
