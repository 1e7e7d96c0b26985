"""Miniatures of DISFA, AM-FED and Aff-Wild, with the quirks that their readers report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from affectflow import datasets
from affectflow.core.cache import folder_fingerprint
from affectflow.core.errors import UserError
from affectflow.datasets import disfa
from affectflow.datasets.conditions import Conditions
from affectflow.datasets.disfa_labels import FOLDS
from affectflow.datasets.media import Media
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.sample import Sample
from affectflow.media.pixels import Image
from affectflow.records.example import encode_example
from affectflow.tables.csv_files import write_csv
from tests.miniature import FRAMES, GREYS, known, make_video, samples, text


def shows(sample: Sample, first: int = 0) -> bool:
    """Whether the image is the one that belongs to the frame number."""
    return abs(float(sample.image.rgb().mean()) - GREYS[first + sample.frame - 1]) < 8


def test_registry(tmp_path: Path) -> None:
    assert set(datasets.names()) == {
        "emotionet",
        "disfa",
        "disfaplus",
        "amfed",
        "bp4d",
        "affwild",
        "affwild2",
        "own",
        "london",
    }
    with pytest.raises(UserError, match="disfa"):
        get_dataset("disfa2", tmp_path)
    with pytest.raises(UserError, match="nowhere"):
        get_dataset("disfa", tmp_path / "nowhere")
    for name in set(datasets.names()) - {"emotionet"}:
        with pytest.raises(UserError, match=str(tmp_path)):
            get_dataset(name, tmp_path)
        with pytest.raises(UserError):
            get_dataset(name, tmp_path, "no such split")


# DISFA


def make_disfa(root: Path, *subjects: str, units: Sequence[int] = disfa.UNITS, frames: int = FRAMES) -> Path:
    for subject in subjects:
        make_video(root / f"Videos_LeftCamera/LeftVideo{subject}_comp.avi")
        for unit in units:
            codes = (f"{frame},{(frame + unit) % 6}" for frame in range(1, frames + 1))
            text(root / f"ActionUnit_Labels/{subject}/{subject}_au{unit}.txt", *codes)
    return root


def test_disfa(tmp_path: Path) -> None:
    found = samples("disfa", make_disfa(tmp_path, "SN001", "SN002"))
    assert [sample.source for sample in found] == [f"SN00{s}/{f}" for s in (1, 2) for f in range(1, FRAMES + 1)]
    for sample in found:
        assert shows(sample) and sample.subject == sample.group == sample.source[:5]
        intensities = {unit: (sample.frame + unit) % 6 for unit in disfa.UNITS}
        assert {u: int(sample.intensities[u - 1]) for u in disfa.UNITS} == intensities
        assert known(sample) == {unit: int(value >= 2) for unit, value in intensities.items()}
        assert np.isnan(np.delete(sample.intensities, np.array(disfa.UNITS) - 1)).all()
        assert sample.time == pytest.approx((sample.frame - 1) / 10, abs=1e-3)


def test_disfas_camera_may_be_chosen(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001")
    make_video(tmp_path / "Video_RightCamera/RightVideoSN001_Comp.avi", first=2)
    assert all(shows(sample) for sample in samples("disfa", tmp_path, "all@left"))
    assert all(shows(sample, first=2) for sample in samples("disfa", tmp_path, "fold1-test@right"))
    with pytest.raises(UserError, match="camera 'middle'"):
        samples("disfa", tmp_path, "all@middle")


def test_disfa_falls_back_on_the_right_camera(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001")
    (tmp_path / "Videos_LeftCamera/LeftVideoSN001_comp.avi").unlink()
    make_video(tmp_path / "Video_RightCamera/RightVideoSN001_Comp.avi", first=2)
    assert all(shows(sample, first=2) for sample in samples("disfa", tmp_path))
    (tmp_path / "Video_RightCamera/RightVideoSN001_Comp.avi").unlink()
    with pytest.raises(UserError, match="SN001"):
        samples("disfa", tmp_path)


@pytest.mark.parametrize("split", ["all", "fold1-test"])
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_disfa_in_any_case(tmp_path: Path, change: Callable[[str], str], split: str) -> None:
    make_disfa(tmp_path / "original", "SN001")
    for path in (tmp_path / "original").rglob("*.*"):
        target = tmp_path / "changed" / change(str(path.relative_to(tmp_path / "original")))
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    assert len(samples("disfa", tmp_path / "changed", split)) == FRAMES


def test_disfa_counts_labels_and_frames_that_do_not_meet(tmp_path: Path) -> None:
    data = get_dataset("disfa", make_disfa(tmp_path, "SN001", units=[1], frames=FRAMES - 2))
    assert len(list(data.samples())) == FRAMES - 2 and sum(data.left_out.values()) == 2
    data = get_dataset("disfa", make_disfa(tmp_path, "SN001", units=[1], frames=FRAMES + 3))
    assert len(list(data.samples())) == FRAMES and sum(data.left_out.values()) == 3


def test_labels_of_disfa_that_all_end_early_are_told(tmp_path: Path) -> None:
    media = Media()
    data = get_dataset("disfa", make_disfa(tmp_path, "SN001", frames=FRAMES - 3), media=media)
    assert len(list(data.samples())) == FRAMES - 3
    (problem,) = media.problems
    assert f"has labels of {FRAMES - 3} of the {FRAMES} frames of LeftVideoSN001_comp.avi" in problem


@pytest.mark.parametrize("name", ["SN001_au0{}.txt", "SN001-au{}.txt", "au{}.txt"])
def test_disfas_label_files_in_other_spellings(tmp_path: Path, name: str) -> None:
    make_disfa(tmp_path, "SN001", units=(1, 12))
    folder = tmp_path / "ActionUnit_Labels/SN001"
    (folder / "SN001_au1.txt").rename(folder / name.format(1))
    assert {unit for sample in samples("disfa", tmp_path) for unit in known(sample)} == {1, 12}
    text(folder / "notes.txt", "of the coders")
    media = Media()
    list(get_dataset("disfa", tmp_path, media=media).samples())
    assert any("files that are not of DISFA's AUs: notes.txt" in problem for problem in media.problems)


def test_two_spellings_of_a_subject_are_named(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001", "sn001")
    with pytest.raises(UserError, match="differ in case alone"):
        get_dataset("disfa", tmp_path)


def test_two_files_of_an_au_of_disfa_are_told(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001")
    text(tmp_path / "ActionUnit_Labels/SN001/sn001_AU1.txt", "1,0")
    with pytest.raises(UserError, match=r"are both of AU1; remove one"):
        samples("disfa", tmp_path)


def test_half_of_disfas_labels_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file cut to half, a line that is gone, a file that is missing."""
    make_disfa(tmp_path, "SN001", "SN002")
    folder = tmp_path / "ActionUnit_Labels/SN001"
    text(folder / "SN001_au1.txt", *(f"{frame},0" for frame in range(1, FRAMES // 2 + 1)))
    text(folder / "SN001_au4.txt", *(f"{frame},0" for frame in range(1, FRAMES + 1) if frame != 2))
    (folder / "SN001_au26.txt").unlink()
    media = Media()
    found = list(get_dataset("disfa", tmp_path, media=media).samples())
    assert len(found) == 2 * FRAMES and 1 not in known(found[FRAMES - 1])
    last, one, four = media.problems
    assert f"SN001_au1.txt has {FRAMES // 2} of {FRAMES} frames, and the first without a line is 4" in one
    assert f"SN001_au4.txt has {FRAMES - 1} of {FRAMES} frames, and the first without a line is 2" in four
    assert "SN001 has no files of AU26; DISFA has all 12 AUs" in last
    assert all(problem in caplog.text for problem in media.problems)


@pytest.mark.parametrize(
    ("units", "more", "told"),
    [
        ([1, 12], [1, 12], []),
        ([1, 12], [1, 2, 12], ["SN001 has no files of AU2;"]),
        ([unit for unit in disfa.UNITS if unit != 4], None, ["SN001 has no files of AU4;"]),
    ],
    ids=["a choice", "unlike others", "one is missing"],
)
def test_aus_that_a_subject_lacks(tmp_path: Path, units: list[int], more: list[int] | None, told: list[str]) -> None:
    make_disfa(tmp_path, "SN001", units=units)
    if more is not None:
        make_disfa(tmp_path, "SN002", units=more)
    media = Media()
    list(get_dataset("disfa", tmp_path, media=media).samples())
    assert len(media.problems) == len(told) and all(a in b for a, b in zip(told, media.problems, strict=True))


def test_videos_without_labels_are_counted(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001", "SN002")
    shutil.rmtree(tmp_path / "ActionUnit_Labels/SN002")
    data = get_dataset("disfa", tmp_path)
    assert len(list(data.samples())) == FRAMES and data.left_out == {"video without labels": 1}


def test_a_unit_without_a_file_is_unknown(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001", units=[1, 12])
    text(tmp_path / "ActionUnit_Labels/SN001/SN001_au12.txt", "1,0", "2,2", "3,1")
    assert [known(sample).get(12) for sample in samples("disfa", tmp_path)] == [0, 1, 0, None, None, None]
    assert all(set(known(sample)) <= {1, 12} for sample in samples("disfa", tmp_path))


def test_disfas_folds_part_its_subjects(tmp_path: Path) -> None:
    everyone = [f"SN{n:03d}" for n in (*range(1, 14), *range(16, 19), 21, *range(23, 33))]
    assert sorted(s for part in FOLDS.parts.values() for s in part) == sorted(everyone)
    for subject in everyone:
        text(tmp_path / f"ActionUnit_Labels/{subject}/{subject}_au1.txt", "1,0")
    for fold in (1, 2, 3):
        test, train = (get_dataset("disfa", tmp_path, f"fold{fold}-{side}").groups() for side in ("test", "train"))
        assert len(test) == 9 and sorted([*test, *train]) == sorted(everyone)
        assert sorted(test) == sorted(FOLDS.parts[fold])


@pytest.mark.parametrize("line", ["x,1", "1", "0,1", "-1,2", "2,6", "2,-1", "2,nan", "2,x", "1.5,2", "1 2"])
def test_disfas_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    make_disfa(tmp_path, "SN001")
    text(tmp_path / "ActionUnit_Labels/SN001/SN001_au4.txt", "1,0", "", line)
    with pytest.raises(UserError, match=r"SN001_au4\.txt, line 3"):
        samples("disfa", tmp_path)


def test_disfa_without_labels(tmp_path: Path) -> None:
    make_disfa(tmp_path, "SN001")
    for path in (tmp_path / "ActionUnit_Labels/SN001").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="SN001"):
        samples("disfa", tmp_path)


# AM-FED


def make_amfed(root: Path, *lines: str, identity: str = "ab-1", video: str = "Video - AVI/{}.avi") -> Path:
    make_video(root / video.format(identity))
    text(root / f"AU Labels/{identity}-label.csv", *lines)
    return root


def test_amfeds_change_points_hold(tmp_path: Path) -> None:
    root = make_amfed(tmp_path, "Time,Smile,AU02", "0.1,0,100", "0.25,50,49", "0.45,100,0")
    data = get_dataset("amfed", root)
    found = list(data.samples())
    assert [sample.frame for sample in found] == [2, 3, 4, 5, 6] and sum(data.left_out.values()) == 1
    assert all(shows(sample) for sample in found)
    assert [sample.other["Smile"] for sample in found] == [0, 0, 1, 1, 1]
    assert [known(sample).get(2) for sample in found] == [1, 1, None, None, 0]
    assert {sample.group for sample in found} == {"ab-1"}


@pytest.mark.parametrize("percent, label", [(0, 0), (0.5, -1), (1, -1), (49, -1), (49.9, -1), (50, 1), (100, 1)])
def test_amfeds_percentages(tmp_path: Path, percent: float, label: int) -> None:
    first = samples("amfed", make_amfed(tmp_path, "Time,AU04,Smile", f"0,{percent},{percent}"))[0]
    assert first.units[3] == label and first.other["Smile"] == label


@pytest.mark.parametrize(
    "column, unit",
    [
        *(("AU02", 2), ("AU05", 5), ("AU10", 10), ("AU14", 14), ("AU57", 57), ("AU58", 58)),
        *(("Au17", 17), ("Au26", 26), ("57", 57), ("Forward", 57), ("58", 58), ("Backward", 58)),
        *((" AU12 ", 12), ("Expressive", None), ("negAU12", None)),
        *(("Unilateral_LAU12", None), ("Unilateral_RAU12", None), ("Unilateral_LAU14", None)),
    ],
)
def test_amfeds_columns(tmp_path: Path, column: str, unit: int | None) -> None:
    first = samples("amfed", make_amfed(tmp_path, f"Time,{column}", "0,100"))[0]
    assert known(first) == ({} if unit is None else {unit: 1})
    assert "Smile" not in first.other


def test_names_that_are_not_utf_8_go_into_tables_and_records(tmp_path: Path) -> None:
    root = make_amfed(tmp_path, "Time,AU04", "0,100", identity=os.fsdecode(b"caf\xe9"))
    assert folder_fingerprint(root) == folder_fingerprint(root)
    found = samples("amfed", root)
    assert {(one.video, one.group) for one in found} == {("caf\\udce9", "caf\\udce9")} and len(found) > 0
    assert found[0].source == "caf\\udce9/1"
    encode_example(found[0], b"", 1, Conditions())
    write_csv(tmp_path / "left.csv", ("part",), [(os.fsdecode(b"caf\xe9"),)])
    assert (tmp_path / "left.csv").read_text() == "part\ncaf\\udce9\n"


@pytest.mark.parametrize(
    ("columns", "values", "unit", "label"),
    [
        ("AU14,Unilateral_LAU14", "0,100", 14, -1),
        ("AU14,Unilateral_RAU14", "0,5", 14, -1),
        ("AU14,Unilateral_LAU14,Unilateral_RAU14", "60,50,50", 14, 1),
        ("AU14,Unilateral_LAU14", "0,0", 14, 0),
        ("AU14,Unilateral_LAU14", "40,100", 14, -1),
        ("AU12,negAU12", "0,50", 12, -1),
        ("AU12,NegAU12", "0,0", 12, 0),
        ("AU12,Unilateral_LAU12", "0,34", 12, -1),
        ("AU14,negAU12", "0,100", 14, 0),
    ],
)
def test_an_au_on_one_side_is_not_absent(tmp_path: Path, columns: str, values: str, unit: int, label: int) -> None:
    first = samples("amfed", make_amfed(tmp_path, f"Time,{columns}", f"0,{values}"))[0]
    assert first.units[unit - 1] == label
    assert (f"AU{unit} percent" in first.other) is (label != -1)


def test_amfeds_percentages_are_kept_for_other_protocols(tmp_path: Path) -> None:
    first = samples("amfed", make_amfed(tmp_path, "Time,AU02,Smile,negAU12,Expressive", "0,49.9,50,3,4"))[0]
    assert first.other == {"Smile": 1, "Smile percent": 50, "AU2 percent": 49}


def test_amfeds_files_with_other_columns_and_empty_cells(tmp_path: Path) -> None:
    make_amfed(tmp_path, "Time,AU02,AU04", "0,100,")
    make_amfed(tmp_path, "Time,AU09", "0,0", identity="cd-2")
    by_video = {sample.video: known(sample) for sample in samples("amfed", tmp_path)}
    assert by_video == {"ab-1": {2: 1}, "cd-2": {9: 0}}


@pytest.mark.parametrize(
    "lines, named",
    [
        (("Time,Smile,AU02", "0,1,100,0"), "line 2: 4 cells"),
        (("Time,Smile,AU02", "0,1"), "line 2: 2 cells"),
        (("Time,57,Forward", "0,100,0"), "'57' and 'Forward'"),
        (("Time,AU17,Au17", "0,100,0"), "'AU17' and 'Au17'"),
    ],
)
def test_amfeds_cells_and_columns_that_do_not_fit(tmp_path: Path, lines: tuple[str, ...], named: str) -> None:
    with pytest.raises(UserError, match=named):
        samples("amfed", make_amfed(tmp_path, *lines))


def test_amfeds_double_files_and_videos_without_labels(tmp_path: Path) -> None:
    make_amfed(tmp_path, "Time,AU02", "0,100", identity="ab")
    make_video(tmp_path / "Video - AVI/cd.avi")
    data = get_dataset("amfed", tmp_path)
    assert len(list(data.samples())) == FRAMES and data.left_out == {"video without labels": 1}
    text(tmp_path / "AU Labels/AB-label.csv", "Time,AU02", "0,0")
    with pytest.raises(UserError, match=r"AB-label\.csv and .*ab-label\.csv differ in case alone; remove"):
        get_dataset("amfed", tmp_path)


def test_amfeds_columns_in_any_case_and_blank_lines_before_them(tmp_path: Path) -> None:
    root = make_amfed(tmp_path, "", "time,SMILE,TrackerFail,", "0,100,0,", "0.25,0,100,")
    data = get_dataset("amfed", root)
    assert [sample.other["Smile"] for sample in data.samples()] == [1, 1, 1, 0, 0, 0]
    assert [sample.other["Trackerfail percent"] for sample in data.samples()] == [0, 0, 0, 100, 100, 100]


def test_amfeds_videos_lie_in_several_folders(tmp_path: Path) -> None:
    make_amfed(tmp_path, "Time,Smile", "0,0", identity="a", video="Videos - FLV/{}.flv")
    make_amfed(tmp_path, "Time,Smile", "0,0", identity="b", video="Videos - FLV (labeled)/{}.flv")
    assert {sample.video for sample in samples("amfed", tmp_path)} == {"a", "b"}


def test_amfeds_frames_without_a_time_stamp_are_left_out(tmp_path: Path) -> None:
    class Timeless(Media):
        def _frames(self, video: Path) -> Iterator[tuple[int, float, Image]]:
            return ((index, float("nan"), image) for index, _, image in super()._frames(video))

    data = get_dataset("amfed", make_amfed(tmp_path, "Time,Smile", "0,0"), media=Timeless())
    assert not list(data.samples()) and data.left_out == {"frame without a time stamp": FRAMES}


def test_amfeds_failed_tracker(tmp_path: Path) -> None:
    root = make_amfed(tmp_path, "Time,Smile,Trackerfail", "0,0,49", "0.15,0,50", "0.35,0,0")
    data = get_dataset("amfed", root)
    assert [sample.other["Trackerfail percent"] for sample in data.samples()] == [49, 49, 50, 50, 0, 0]
    assert not data.left_out


@pytest.mark.parametrize("lines", [(), ("Time,Smile",)])
def test_amfeds_empty_files_occur(tmp_path: Path, lines: tuple[str, ...]) -> None:
    make_amfed(tmp_path, *lines, identity="empty")
    make_amfed(tmp_path, "Time,Smile", "0,0")
    data = get_dataset("amfed", tmp_path)
    assert {sample.video for sample in data.samples()} == {"ab-1"} and data.left_out.total() == 1


@pytest.mark.parametrize(
    "video", ["Videos - FLV/{}.flv", "Videos - FLV (labeled)/{}.flv", "videos - avi/{}.avi", "VIDEO - AVI/{}.avi"]
)
def test_amfeds_folders(tmp_path: Path, video: str) -> None:
    make_amfed(tmp_path, "Time,Smile", "0,0", video=video)
    (tmp_path / "AU Labels").rename(tmp_path / "AULabels")
    assert len(samples("amfed", tmp_path)) == FRAMES


@pytest.mark.parametrize("line", ["x,1", "0,x", "0,101", "0,-1", "0,nan", "nan,0", ",0", "-1,0"])
def test_amfeds_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    make_amfed(tmp_path, "Time,Smile", "0,0", line)
    with pytest.raises(UserError, match=r"ab-1-label\.csv, line 3"):
        samples("amfed", tmp_path)


def test_amfeds_times_in_another_unit_are_told(tmp_path: Path) -> None:
    make_amfed(tmp_path, "Time,Smile", "0,0", "250,100", "500,0")  # milliseconds
    make_amfed(tmp_path, "Time,Smile", "0,0", "0.25,100", "0.9,0", identity="ab-2")
    media = Media()
    data = get_dataset("amfed", tmp_path, media=media)
    assert {sample.video for sample in data.samples()} == {"ab-2"}
    assert data.left_out == {"frame of a video whose labels end long after it": FRAMES}
    (problem,) = media.problems
    assert "ab-1-label.csv ends at 500 s and ab-1.avi at 0.5 s" in problem and "correct the column Time" in problem


def test_amfed_without_what_it_needs(tmp_path: Path) -> None:
    make_amfed(tmp_path, "Clock,Smile", "0,0")
    with pytest.raises(UserError, match=r"ab-1-label\.csv.*Time"):
        samples("amfed", tmp_path)
    make_amfed(tmp_path, "Time,Smile", "0,0")
    (tmp_path / "Video - AVI/ab-1.avi").unlink()
    with pytest.raises(UserError, match="ab-1"):
        samples("amfed", tmp_path)


# Aff-Wild


def make_affwild(
    root: Path, name: str, values: Sequence[object], boxes: Sequence[int] = (), nest: str = "train"
) -> Path:
    make_video(root / f"videos/{nest}/{name}.mp4")
    text(root / f"annotations/{nest}/valence/{name}.txt", *values)
    text(root / f"annotations/{nest}/arousal/{name}.txt", *(-float(str(value)) for value in values))
    for box in boxes:
        lines = ("version: 1", "n_points: 4", "{", "1 1", "2 1", "2 2", "1 2", "}")
        text(root / f"bboxes/{nest}/{name}/{box}.pts", *lines)
    return root


@pytest.mark.parametrize("nest", ["train", "train/train"])
def test_affwild_by_frame(tmp_path: Path, nest: str) -> None:
    values = [0, 0.5, -1, 1, 0.25, -0.25]
    found = samples("affwild", make_affwild(tmp_path, "105", values, boxes=[1, 2, 4], nest=nest))
    assert [(sample.frame, sample.valence, -sample.arousal) for sample in found] == [
        (i, value, value) for i, value in enumerate(values, start=1)
    ]
    assert all(shows(sample) and not known(sample) and sample.group == "105" for sample in found)


def test_affwild_by_box(tmp_path: Path) -> None:
    data = get_dataset("affwild", make_affwild(tmp_path, "105", [0.1, 0.2, 0.3], boxes=[2, 3, 6]))
    assert [(sample.frame, sample.valence) for sample in data.samples()] == [(2, 0.1), (3, 0.2), (6, 0.3)]
    assert data.left_out.total() == 3


@pytest.mark.parametrize("valence", [FRAMES - 2, FRAMES - 1, FRAMES + 1, FRAMES + 2])
@pytest.mark.parametrize("arousal", [FRAMES - 1, FRAMES, FRAMES + 1])
def test_affwilds_counts_may_differ_by_two(tmp_path: Path, valence: int, arousal: int) -> None:
    make_affwild(tmp_path, "105", [0.1] * valence)
    text(tmp_path / "annotations/train/arousal/105.txt", *[0.2] * arousal)
    data = get_dataset("affwild", tmp_path)
    if abs(valence - arousal) > 2:
        assert not list(data.samples())
        return
    labeled = min(valence, arousal, FRAMES)
    found = list(data.samples())
    assert [(sample.frame, sample.valence, sample.arousal) for sample in found] == [
        (frame, 0.1, 0.2) for frame in range(1, labeled + 1)
    ]
    left_over = max(valence, arousal) - labeled
    assert data.left_out["value of 105 without a frame"] == left_over
    assert data.left_out["frame without labels"] == FRAMES - labeled


@pytest.mark.parametrize(
    "lines, boxes",
    [
        (FRAMES - 3, []),
        (FRAMES + 3, []),
        (FRAMES - 1, [1, 2, 3, 4]),
        (0, []),
        (3, [2, 3, FRAMES + 3]),
    ],
    ids=["too few", "too many", "near to both", "none", "boxes beyond the video"],
)
def test_affwild_leaves_a_video_out_rather_than_guess(tmp_path: Path, lines: int, boxes: list[int]) -> None:
    make_affwild(tmp_path, "105", [0] * lines, boxes)
    make_affwild(tmp_path, "106", [0] * FRAMES)
    media = Media()
    data = get_dataset("affwild", tmp_path, media=media)
    assert {sample.video for sample in data.samples()} == {"106"}
    assert data.left_out == {"frame of 105, whose values do not fit its frames": FRAMES}
    (problem,) = media.problems
    assert f"105 has {lines} values for {FRAMES} frames" in problem and "fetch" in problem


def test_affwild_refuses_two_boxes_of_a_frame(tmp_path: Path) -> None:
    make_affwild(tmp_path, "105", [0.1, 0.2, 0.3], boxes=[2, 3])
    text(tmp_path / "bboxes/train/105/02.pts", "")
    with pytest.raises(UserError, match="105"):
        samples("affwild", tmp_path)


@pytest.mark.parametrize(("boxes", "frames"), [([0, 2, 3], [1, 3, 4]), ([1, 3, 4], [1, 3, 4])])
def test_affwilds_boxes_are_counted_from_0_where_one_is_0(tmp_path: Path, boxes: list[int], frames: list[int]) -> None:
    make_affwild(tmp_path, "105", [0.1, 0.2, 0.3], boxes=boxes)
    assert [(s.frame, round(s.valence, 3)) for s in samples("affwild", tmp_path)] == list(
        zip(frames, (0.1, 0.2, 0.3), strict=True)
    )
    make_affwild(tmp_path, "106", [0.1, 0.2], boxes=[2, 3])  # no face in the first frame, whatever its number is
    for name, expected in (("105", frames), ("106", [2 + (0 in boxes), 3 + (0 in boxes)])):
        faces = get_dataset("affwild", tmp_path).faces_of(name)
        assert faces is not None and list(faces) == expected


def test_affwilds_names_in_any_case(tmp_path: Path) -> None:
    make_affwild(tmp_path, "105", [0.1, 0.2], boxes=[2, 3])
    for path in [*tmp_path.rglob("*.txt"), *tmp_path.rglob("*.pts")]:
        path.rename(path.with_suffix(path.suffix.upper()))
    assert [sample.frame for sample in samples("affwild", tmp_path)] == [2, 3]


def test_affwilds_half_annotated_and_unannotated_videos(tmp_path: Path) -> None:
    make_affwild(tmp_path, "105", [0] * FRAMES)
    make_video(tmp_path / "videos/train/106.mp4")
    data = get_dataset("affwild", tmp_path)
    assert len(list(data.samples())) == FRAMES and data.left_out == {"video without labels": 1}
    text(tmp_path / "annotations/train/arousal/106.txt", *[0] * FRAMES)
    media = Media()
    data = get_dataset("affwild", tmp_path, media=media)
    assert len(list(data.samples())) == FRAMES
    assert data.left_out == {"frame of 106, which lacks valence or arousal": FRAMES}
    assert "valence/106.txt does not exist" in media.problems[0]


def test_affwilds_blank_lines_shift_nothing(tmp_path: Path) -> None:
    make_affwild(tmp_path, "105", [0] * FRAMES)
    text(tmp_path / "annotations/train/valence/105.txt", 0, "", 0, 0, 0, 0, 0)
    with pytest.raises(UserError, match=r"valence/105\.txt, line 2"):
        samples("affwild", tmp_path)


@pytest.mark.parametrize(
    "rows, named",
    [
        (["1,anna", "1,bert"], "line 3"),
        (["1,"], "line 2"),
        (["1"], "line 2"),
        ([",anna"], "line 2"),
        (["3,anna"], "'3'"),
    ],
)
def test_affwilds_persons_are_checked(tmp_path: Path, rows: list[str], named: str) -> None:
    for name in ("1", "2"):
        make_affwild(tmp_path, name, [0] * FRAMES)
    text(tmp_path / "persons.csv", "video,person", *rows)
    with pytest.raises(UserError, match=rf"persons\.csv.*{named}"):
        get_dataset("affwild", tmp_path)
    text(tmp_path / "persons.csv", "video,person", "1.mp4, anna", "2,anna ")
    assert get_dataset("affwild", tmp_path).groups() == ["anna"]


def test_affwild_passes_over_files_that_are_no_boxes(tmp_path: Path) -> None:
    make_affwild(tmp_path, "105", [0.1, 0.2], boxes=[2, 3])
    (tmp_path / "bboxes/train/105/._1.pts").write_bytes(b"\0")
    assert len(samples("affwild", tmp_path)) == 2


@pytest.mark.parametrize("line", ["x", "1.5", "-1.01", "nan", "0,5"])
def test_affwilds_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    make_affwild(tmp_path, "105", [0] * FRAMES)
    text(tmp_path / "annotations/train/arousal/105.txt", 0, 0, line, 0, 0, 0)
    with pytest.raises(UserError, match=r"arousal/105\.txt, line 3"):
        samples("affwild", tmp_path)


def test_affwild_without_what_it_needs(tmp_path: Path) -> None:
    make_affwild(tmp_path, "105", [0] * FRAMES)
    (tmp_path / "videos/train/105.mp4").unlink()
    with pytest.raises(UserError, match="105"):
        samples("affwild", tmp_path)


def test_affwild_keeps_persons_on_one_side(tmp_path: Path) -> None:
    names = [f"{n:03d}" for n in range(40)]
    for name in names:
        for dimension in ("valence", "arousal"):
            text(tmp_path / f"annotations/train/{dimension}/{name}.txt", 0)
    (tmp_path / "videos/train").mkdir(parents=True)
    train, test = (set(get_dataset("affwild", tmp_path, split).groups()) for split in ("train", "test"))
    assert train | test == set(names) and not train & test and len(train) > len(test) > 0
    text(tmp_path / "persons.csv", "video,person", *(f"{name},person-{int(name) // 2}" for name in names))
    train, test = (set(get_dataset("affwild", tmp_path, split).groups()) for split in ("train", "test"))
    assert len(train | test) == 20 and not train & test and test


# all of them


@pytest.mark.parametrize("name", ["disfa", "amfed", "affwild"])
def test_label_files_that_are_no_text_are_named(tmp_path: Path, name: str) -> None:
    make_disfa(tmp_path, "SN001")
    make_amfed(tmp_path, "Time,Smile", "0,0")
    make_affwild(tmp_path, "105", [0] * FRAMES)
    for path in tmp_path.rglob("*"):
        if path.suffix in (".txt", ".csv"):
            path.write_bytes(b"1,\xff\xfe\n")
    with pytest.raises(UserError, match=r"\.(txt|csv)"):
        samples(name, tmp_path)


@pytest.mark.parametrize("what", ["folder", "link"])
def test_what_is_no_file_is_one_sentence(tmp_path: Path, what: str) -> None:
    make_disfa(tmp_path, "SN001")
    path = tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt"
    path.unlink()
    if what == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    (tmp_path / "ActionUnit_Labels/.AppleDouble").mkdir()
    with pytest.raises(UserError, match=r"SN001_au1\.txt cannot be read"):
        samples("disfa", tmp_path)
