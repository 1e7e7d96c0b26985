"""Miniatures of DISFA+, Aff-Wild2 and of images of one's own."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from affectflow import datasets
from affectflow.core.errors import UserError
from affectflow.datasets import info
from affectflow.datasets.opening import get_dataset
from affectflow.media.pixels import NoImage
from tests.miniature import grey, known, make_image, samples, text

TRIAL = "A7_AU5z_TrailNo_2"


# DISFA+


def make_disfaplus(root: Path, subject: str = "SN001", images: str = "", labels: str = "") -> Path:
    for i in range(3):
        make_image(root / images / subject / TRIAL / f"{i:03d}.jpg", i)
    for unit in (1, 5):
        lines = (f"{i:03d}.jpg   {(i + unit) % 6}" for i in range(3))
        text(root / labels / subject / TRIAL / f"AU{unit}.txt", f"% AU{unit}", "% image intensity", *lines)
    return root


@pytest.mark.parametrize("images, labels", [("", ""), ("Images", "Labels"), ("images", "labels")])
def test_disfaplus(tmp_path: Path, images: str, labels: str) -> None:
    make_disfaplus(tmp_path, images=images, labels=labels)
    make_disfaplus(tmp_path, "SN003", images, labels)
    found = samples("disfaplus", tmp_path)
    assert [sample.subject for sample in found] == ["SN001"] * 3 + ["SN003"] * 3
    assert [grey(sample) for sample in found[:3]] == [0, 1, 2]
    assert [(sample.intensities[0], sample.intensities[4]) for sample in found[:3]] == [(1, 5), (2, 0), (3, 1)]
    assert [known(sample) for sample in found[:3]] == [{1: 0, 5: 1}, {1: 1, 5: 0}, {1: 1, 5: 0}]
    assert found[1].source == f"SN001/{TRIAL}/001.jpg" and found[1].frame == 2
    assert get_dataset("disfaplus", tmp_path).groups() == ["SN001", "SN003"]


def test_disfaplus_is_divided_by_subject(tmp_path: Path) -> None:
    subjects = {f"SN{number:03d}" for number in range(1, 13)}
    for subject in subjects:
        make_disfaplus(tmp_path, subject)
    train, test = (get_dataset("disfaplus", tmp_path, split) for split in ("train", "test"))
    assert set(train.groups()) | set(test.groups()) == subjects and not set(train.groups()) & set(test.groups())
    assert len(list(train.samples())) + len(list(test.samples())) == 3 * len(subjects)
    assert {sample.subject for sample in test.samples()} == set(test.groups())
    (one,) = [make_disfaplus(tmp_path / "one", test.groups()[0])]
    with pytest.raises(UserError, match="no labelled subject of the split 'train'; use the set as a whole"):
        get_dataset("disfaplus", one, "train")


def test_disfaplus_without_the_people_whom_a_fold_tests(tmp_path: Path) -> None:
    for subject in ("sn001", "SN003", "SN006"):  # tested by the folds 1, 3 and 2
        make_disfaplus(tmp_path, subject)
    data = get_dataset("disfaplus", tmp_path, "all-fold1")
    assert data.groups() == ["SN003", "SN006"] == sorted({sample.subject for sample in data.samples()})
    assert data.left_out == {"person whom fold 1 of DISFA tests": 3}
    everyone = set(get_dataset("disfaplus", tmp_path, "train").groups())
    assert set(get_dataset("disfaplus", tmp_path, "train-fold3").groups()) == everyone - {"SN003"}
    one = make_disfaplus(tmp_path / "one", "SN001")
    with pytest.raises(UserError, match=r"Fold 1 of DISFA tests all people of .*leave disfaplus out of train_on"):
        get_dataset("disfaplus", one, "all-fold1")


def test_disfaplus_counts_what_does_not_meet(tmp_path: Path) -> None:
    make_disfaplus(tmp_path)
    folder = tmp_path / "SN001" / TRIAL
    (folder / "000.jpg").unlink()
    make_image(folder / "009.jpg", 3)
    (folder / "001.jpg").write_bytes((folder / "001.jpg").read_bytes()[:300])
    data = get_dataset("disfaplus", tmp_path)
    assert [grey(sample) for sample in data.samples()] == [2]
    assert data.left_out == {
        "label without an image": 1,
        "image without labels": 1,
        "image that cannot be decoded": 1,
    }


@pytest.mark.parametrize("line", ["000.jpg", "000.jpg 6", "000.jpg -1", "000.jpg x", "000.jpg 1 2", "000.jpg nan"])
def test_disfaplus_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    make_disfaplus(tmp_path)
    text(tmp_path / "SN001" / TRIAL / "AU5.txt", "", "", line)
    with pytest.raises(UserError, match=r"AU5\.txt, line 3"):
        samples("disfaplus", tmp_path)


# Aff-Wild2


def make_affwild2(
    root: Path, name: str, *lines: str, side: str = "VA_Set/Training_Set", images: tuple[int, ...] = (1, 2, 3)
) -> Path:
    text(root / side / f"{name}.txt", "valence,arousal", *lines)
    for i in images:
        make_image(root / "cropped_aligned" / name / f"{i:05d}.jpg", i)
    return root


@pytest.mark.parametrize(
    "side", ["VA_Set/Training_Set", "VA_Estimation_Challenge/Train_Set", "annotations/VA_Set/Validation_Set"]
)
def test_affwild2(tmp_path: Path, side: str) -> None:
    lines = ("0.1,-1.0", "-5,-5", "-1,1", "0.4,0.5", "-5,0.2")
    data = get_dataset("affwild2", make_affwild2(tmp_path, "7-60_left", *lines, side=side, images=(1, 2, 3, 5, 6)))
    found = list(data.samples())
    assert [(s.frame, grey(s), s.valence, s.arousal) for s in found] == [(1, 1, 0.1, -1.0), (3, 3, -1.0, 1.0)]
    assert data.left_out == {
        "image without labels (-5, -1)": 2,
        "image without labels": 1,
        "label without an image": 1,
    }
    assert {sample.group for sample in found} == {"7-60_left"} and not known(found[0])


def test_affwild2s_images_are_counted_from_0_where_one_is_0(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "7", "0.1,0", "0.2,0", "0.3,0", images=(0, 2))
    make_affwild2(tmp_path, "8", "0.1,0", "0.2,0", "0.3,0", images=(1, 2))
    found = [(s.video, s.frame, grey(s), s.valence) for s in samples("affwild2", tmp_path)]
    assert found == [("7", 1, 0, 0.1), ("7", 3, 2, 0.3), ("8", 2, 1, 0.2), ("8", 3, 2, 0.3)]


@pytest.mark.parametrize("name", ["00000.JPG", "0000000.jpg"])
def test_an_image_0_is_found_in_any_spelling(tmp_path: Path, name: str) -> None:
    make_affwild2(tmp_path, "7", "0.1,0", "0.2,0", images=(1,))
    make_image(tmp_path / "cropped_aligned/7" / name, 0)
    assert [(s.frame, grey(s)) for s in samples("affwild2", tmp_path)] == [(1, 0), (2, 1)]


def test_annotations_of_affwild2_in_two_places_are_named(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "7", "0.1,0")
    make_affwild2(tmp_path, "8", "0.1,0", side="VA_Set/Train_Set")
    assert get_dataset("affwild2", tmp_path).groups() == ["7", "8"]  # of one folder
    make_affwild2(tmp_path, "7", "0.3,0", side="6th ABAW Annotations/VA_Estimation_Challenge/Train_Set")
    with pytest.raises(UserError, match=r"VA_Set and .*VA_Estimation_Challenge hold labels of one kind; keep one"):
        get_dataset("affwild2", tmp_path)


def test_two_annotations_of_one_folder_of_images_are_named(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "v", "0.1,0")
    text(tmp_path / "VA_Set/Validation_Set/V.txt", "valence,arousal", "0.1,0")
    with pytest.raises(UserError, match=r"annotations V and v are both of .*cropped_aligned/v"):
        get_dataset("affwild2", tmp_path)


def test_one_file_in_two_spellings_is_named(tmp_path: Path) -> None:
    make_own(tmp_path, "image,AU1", "images/0.png,1", "IMAGES/0.PNG,0")
    with pytest.raises(UserError, match=r"labels\.csv has rows of 'images/0\.png' and of 'IMAGES/0\.PNG', one file"):
        get_dataset("own", tmp_path)
    make_own(tmp_path, "image,AU1", "images/0.png,1", f"../{tmp_path.name}/images/0.png,0")
    with pytest.raises(UserError, match="already has a row"):
        get_dataset("own", tmp_path)


def test_a_person_in_two_forms_of_unicode_is_one(tmp_path: Path) -> None:
    names = (unicodedata.normalize(form, "José") for form in ("NFC", "NFD"))
    make_own(tmp_path, "image,AU1,subject", *(f"images/{i}.png,1,{name}" for i, name in enumerate(names)))
    assert len(get_dataset("own", tmp_path).groups()) == 1


def test_affwild2s_blank_lines_shift_nothing(tmp_path: Path) -> None:
    assert len(samples("affwild2", make_affwild2(tmp_path, "7", "0,0", "1,1", "0,1", "", " "))) == 3
    make_affwild2(tmp_path, "7", "0,0", "", "0,1")
    with pytest.raises(UserError, match=r"7\.txt, line 3: a blank line"):
        samples("affwild2", tmp_path)


def labels_in(root: Path, split: str = "all") -> frozenset[str]:
    """What the plan of a workflow knows of a folder."""
    heads_of = info("affwild2").heads_of
    assert heads_of is not None
    return heads_of(root, split)


AU_HEADER = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"


def make_au(root: Path, name: str, *lines: str, side: str = "AU_Set/Training_Set") -> None:
    text(root / side / f"{name}.txt", AU_HEADER, *lines)


@pytest.mark.parametrize(
    "place",
    [
        *("AU_Set", "Annotations/AU_Detection_Challenge", "6th ABAW Annotations/AU_Detection_Challenge"),
        "3rd ABAW Annotations/Third ABAW Annotations/AU_Detection_Challenge",
    ],
)
def test_affwild2s_action_units(tmp_path: Path, place: str) -> None:
    make_affwild2(tmp_path, "7", "0.5,0.5", "-5,-5", "-5,-5", "0.1,0.1")
    make_au(
        *(tmp_path, "7", "1,0,0,0,0,0,1,0,0,0,0,-1", "0,1" + ",0" * 10, ",".join(["-1"] * 12)),
        side=f"{place}/Train_Set" if "Challenge" in place else f"{place}/Training_Set",
    )
    data = get_dataset("affwild2", tmp_path)
    one, two = data.samples()
    assert (one.valence, known(one)) == (0.5, {u: int(u in (1, 12)) for u in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25)})
    assert np.isnan(two.valence) and known(two)[2] == 1 and len(known(two)) == 12
    assert data.left_out == {"image without labels (-5, -1)": 1, "label without an image": 1}
    assert labels_in(tmp_path) == {"action_units", "valence_arousal"}


def test_affwild2_with_action_units_alone(tmp_path: Path) -> None:
    make_image(tmp_path / "cropped_aligned/7/00001.jpg", 1)
    make_au(tmp_path, "7", ",".join("0" * 12))
    assert [len(known(sample)) for sample in samples("affwild2", tmp_path)] == [12]
    assert labels_in(tmp_path) == {"action_units"}
    assert datasets.recognize(tmp_path) == "affwild2"


def test_a_video_that_one_kind_of_labels_tests_is_not_trained_on(tmp_path: Path) -> None:
    for name in ("7", "8"):
        make_affwild2(tmp_path, name, "0.5,0.5")
    make_au(tmp_path, "8", ",".join("1" * 12), side="AU_Set/Validation_Set")
    train, test = get_dataset("affwild2", tmp_path, "train"), get_dataset("affwild2", tmp_path, "test")
    assert (labels_in(tmp_path, "train"), labels_in(tmp_path, "test")) == ({"valence_arousal"}, {"action_units"})
    assert train.groups() == ["7"] and train.left_out == {"video of another kind of labels' validation set": 1}
    (sample,) = test.samples()
    assert sample.video == "8" and np.isnan(sample.valence) and len(known(sample)) == 12
    (both,) = [sample for sample in get_dataset("affwild2", tmp_path).samples() if sample.video == "8"]
    assert both.valence == 0.5 and len(known(both)) == 12


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ("AU1,AU2", "0,2", r"line 2: the values are not 0, 1 or -1"),
        ("AU1,AU2", "0", r"line 2: '0' is not 2 numbers"),
        ("AU1,AU2", "0,x", r"line 2: '0,x' is not 2 numbers"),
        ("AU1,AU1", "0,1", r"line 1: the header is not AU1,AU2"),
        ("AU1,smile", "0,1", r"line 1: the header is not AU1,AU2"),
        ("", "", r"line 1: the header is not AU1,AU2"),
    ],
)
def test_affwild2s_bad_action_units_are_named(tmp_path: Path, header: str, line: str, said: str) -> None:
    make_image(tmp_path / "cropped_aligned/7/00001.jpg", 1)
    text(tmp_path / "AU_Set/Training_Set/7.txt", header, line)
    with pytest.raises(UserError, match=rf"7\.txt, {said}"):
        samples("affwild2", tmp_path)


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("EXPR_Set/Training_Set", "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise"),
        ("EXPR_Classification_Challenge/Train_Set", "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"),
        (
            "Annotations/EXPR_Recognition_Challenge/Train_Set",
            "Neutral, Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other",
        ),
    ],
)
def test_affwild2s_expressions(tmp_path: Path, place: str, names: str) -> None:
    for frame in (1, 2, 3):
        make_image(tmp_path / f"cropped_aligned/7/{frame:05d}.jpg", frame)
    text(tmp_path / place / "7.txt", names, "4", "-1", "0")
    data = get_dataset("affwild2", tmp_path)
    shown = [(s.frame, [name for name, value in s.other.items() if value], len(s.other)) for s in data.samples()]
    assert shown == [(1, ["Happiness"], 8), (3, ["Neutral"], 8)]
    assert data.left_out == {"image without labels (-5, -1)": 1} and labels_in(tmp_path) == {"expression"}


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [("Neutral,Anger", "2", r"line 2: '2' is not -1 or a number below 2"), ("1,2", "1", r"line 1: the header is not")],
)
def test_affwild2s_bad_expressions_are_named(tmp_path: Path, header: str, line: str, said: str) -> None:
    make_image(tmp_path / "cropped_aligned/7/00001.jpg", 1)
    text(tmp_path / "EXPR_Set/Training_Set/7.txt", header, line)
    with pytest.raises(UserError, match=rf"7\.txt, {said}"):
        samples("affwild2", tmp_path)


def test_affwild2s_frames_without_an_image_are_labelled_all_the_same(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "7", "0.1,0", "-5,-5", "0.3,0", "0.4,0", images=(1, 4))
    (tmp_path / "cropped_aligned/7/00004.jpg").write_bytes(b"no image")
    data = get_dataset("affwild2", tmp_path)
    found = [(s.frame, s.source, s.valence, isinstance(s.image, NoImage)) for s in data.labelled_of("7")]
    assert found == [
        (1, "7/00001.jpg", 0.1, False),
        (3, "7/00003.jpg", 0.3, True),
    ]
    assert data.left_out == {"image that cannot be decoded": 1}
    data = get_dataset("affwild2", tmp_path)
    assert [sample.frame for sample in data.samples()] == [1]
    assert data.left_out == {"image that cannot be decoded": 1, "label without an image": 1}


def test_affwild2s_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "A", "0.1,0", images=(1,))
    make_affwild2(tmp_path, "a", "0.2,0", images=())
    make_image(tmp_path / "cropped_aligned/a/00001.jpg", 5)
    assert [(s.group, grey(s), s.valence) for s in samples("affwild2", tmp_path)] == [("A", 1, 0.1), ("a", 5, 0.2)]


def test_affwild2s_video_on_both_sides_is_refused(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "7", "0,0")
    make_affwild2(tmp_path, "7", "0,0", side="VA_Set/Validation_Set")
    for split in ("train", "test", "all"):
        with pytest.raises(UserError, match="same video"):
            get_dataset("affwild2", tmp_path, split)


def test_affwild2s_images_are_named_by_number(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "7", "0,0", "0,0")
    for name in ("²", "x", "1"):
        make_image(tmp_path / f"cropped_aligned/7/{name}.jpg", 1)
    data = get_dataset("affwild2", tmp_path)
    assert [sample.frame for sample in data.samples()] == [1, 2]
    assert data.left_out == {"image without labels": 4}


def test_affwild2s_own_sides(tmp_path: Path) -> None:
    make_affwild2(tmp_path, "b", "0,0")
    make_affwild2(tmp_path, "a", "0,0", side="VA_Set/Validation_Set")
    make_affwild2(tmp_path, "lost", "0,0", images=())
    assert [get_dataset("affwild2", tmp_path, side).groups() for side in ("train", "test", "all")] == [
        ["b", "lost"],
        ["a"],
        ["a", "b", "lost"],
    ]
    data = get_dataset("affwild2", tmp_path, "train")
    assert len(list(data.samples())) == 1
    assert data.left_out == {"image without labels": 2, "label without an image": 1}


@pytest.mark.parametrize("line", ["0.1", "0.1,2", "x,0", "0,0,0", "nan,0", "-5.5,0"])
def test_affwild2s_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    make_affwild2(tmp_path, "7", "0,0", line)
    with pytest.raises(UserError, match=r"7\.txt, line 3"):
        samples("affwild2", tmp_path)
    text(tmp_path / "VA_Set/Training_Set/7.txt", "0.1,0.2")
    with pytest.raises(UserError, match=r"7\.txt, line 1"):
        samples("affwild2", tmp_path)


def test_disfaplus_headers_and_second_labels(tmp_path: Path) -> None:
    make_disfaplus(tmp_path)
    text(tmp_path / "SN001" / TRIAL / "AU5.txt", "000.jpg 1", "001.jpg 2", "002.jpg 3")
    with pytest.raises(UserError, match=r"AU5\.txt, line 1: a label"):
        samples("disfaplus", tmp_path)
    text(tmp_path / "SN001" / TRIAL / "AU5.txt", "", "", "000.jpg 1", "000.JPG 2")
    with pytest.raises(UserError, match=r"AU5\.txt, line 4: .*already"):
        samples("disfaplus", tmp_path)


def test_disfaplus_counts_trials_without_labels(tmp_path: Path) -> None:
    make_disfaplus(tmp_path)
    make_image(tmp_path / "SN001/A9_TrailNo_1/000.jpg", 0)
    data = get_dataset("disfaplus", tmp_path)
    assert len(list(data.samples())) == 3 and data.left_out == {"image without labels": 1}


# one's own


def make_own(root: Path, *lines: str, images: int = 3) -> Path:
    for i in range(images):
        make_image(root / f"images/{i}.png", i)
    return text(root / "labels.csv", *lines)


def test_images_of_ones_own(tmp_path: Path) -> None:
    table = make_own(
        tmp_path,
        "image,AU1,au 12,valence,arousal,subject",
        "images/0.png,1,0,0.5,-1,anna",
        "images/1.png,,999,,0.25,",
        "images/2.png,0,1,,,anna",
    )
    for root in (tmp_path, table):
        found = samples("own", root)
        assert [grey(sample) for sample in found] == [0, 1, 2]
        assert [known(sample) for sample in found] == [{1: 1, 12: 0}, {}, {1: 0, 12: 1}]
        assert [sample.group for sample in found] == ["anna", "images/1.png", "anna"]
        assert (found[0].valence, found[0].arousal) == (0.5, -1)
        assert math.isnan(found[1].valence) and found[1].arousal == 0.25


@pytest.mark.parametrize(
    "name, written",
    [
        ("faces/AF01.jpg", "faces\\AF01.jpg"),
        ("faces/AF01.jpg", ".\\Faces\\af01.JPG"),
        (unicodedata.normalize("NFD", "José.jpg"), unicodedata.normalize("NFC", "José.jpg")),
        (unicodedata.normalize("NFC", "José.jpg"), unicodedata.normalize("NFD", "JOSÉ.jpg")),
    ],
)
def test_names_as_other_systems_write_them(tmp_path: Path, name: str, written: str) -> None:
    make_image(tmp_path / name, 1)
    make_own(tmp_path, "image,AU1", f"{written},1", images=0)
    assert [grey(sample) for sample in samples("own", tmp_path)] == [1]


def test_a_name_that_two_files_match_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_image(tmp_path / "a.png", 1)
    make_image(tmp_path / "A.png", 2)
    make_own(tmp_path, "image,AU1", "a.png,1", "A.PNG,1", "images/7.png,1", images=3)
    data = get_dataset("own", tmp_path)
    assert len(list(data.samples())) == 1 and data.left_out == {"label without an image": 2}
    assert f"{tmp_path} has no file 'A.PNG'; the most similar name there is" in caplog.text


def test_labels_as_pandas_writes_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An index column, floating-point labels, NaN, and columns of another use."""
    make_own(
        tmp_path,
        ",image,AU1,AU12,valence,notes,subject",
        "0,images/0.png,1.0,NaN,0.5,,anna",
        '1,images/1.png,0.0,1.0,nan,"seen, ""twice""\nby me",NaN',
        "2,images/2.png,,999.0,NA,,",
    )
    found = samples("own", tmp_path)
    assert [known(sample) for sample in found] == [{1: 1}, {1: 0, 12: 1}]
    assert [sample.subject for sample in found] == ["anna", ""]
    assert "labels.csv has columns that are not used: notes" in caplog.text


def test_labels_as_excel_writes_them_where_commas_are_decimal(tmp_path: Path) -> None:
    make_own(tmp_path, images=1)
    table = "My labels\r\nimage;AU 1;Valence\r\nimages/0.png;1;-0,25\r\n"
    (tmp_path / "labels.csv").write_bytes(table.encode("utf-16"))
    (found,) = samples("own", tmp_path)
    assert known(found) == {1: 1} and found.valence == -0.25


def test_what_of_ones_own_is_left_out_is_counted(tmp_path: Path) -> None:
    rows = ["images/0.png,1", "images/9.png,1", "images/1.png,", "labels.csv,1", f"{'x' * 300},1", "a\0b,1"]
    make_own(tmp_path, "image,AU1", *rows, "images,0")
    data = get_dataset("own", tmp_path)
    assert len(list(data.samples())) == 1
    assert data.left_out == {
        "label without an image": 4,
        "image without labels": 1,
        "image that cannot be decoded": 1,
    }


def test_persons_of_ones_own_stay_on_one_side(tmp_path: Path) -> None:
    rows = (f"images/{i}.png,1,person {i // 3}" for i in range(60))
    make_own(tmp_path, "image,AU1,subject", *rows, images=0)
    train, test = (set(get_dataset("own", tmp_path, side).groups()) for side in ("train", "test"))
    assert not train & test and len(train | test) == 20 and len(train) > len(test) > 0


@pytest.mark.parametrize(
    "lines, named",
    [
        (["image,AU1", "a.png,2"], r"line 2: AU1 is '2'"),
        (["image,valence", "a.png,1.5"], r"line 2: valence is '1.5'"),
        (["image,arousal", "a.png,x"], r"line 2: arousal is 'x'"),
        (["image,AU1", "a.png,1", "a.png,0"], r"line 3: 'a.png' already has a row"),
        (["image,AU1", "a.png,1", "./a.png,0"], r"line 3: 'a.png' already has a row"),
        (["image,AU1", "s/a.png,1", "s\\a.png,0"], r"line 3: .* already has a row"),
        (["image,AU1,,AU2,", "a.png,1,0,1,0"], "has a column without a name behind AU1"),
        (["image,AU1", ",1"], r"line 2: no image"),
        (["image,AU1", "a.png"], r"line 2, has 1 cells, but the header has 2"),
        (["image,AU1", "a.png,1,1"], r"line 2, has 3 cells, but the header has 2"),
        (["image,AU1", '"a.png,1', "b.png,0"], r"line 2, is not CSV"),
        (["image,AU1,AU 01", "a.png,1,1"], "has the column AU1 twice, as AU1 and AU 01"),
        (["image,AU61", "a.png,1"], "has no column with labels; its columns are image, AU61"),
        (["image,AU L12", "a.png,1"], "has no column with labels"),
        (["photo,AU1", "a.png,1"], "has no column image; its columns are photo, AU1"),
        (["AU1", "1"], "has no column image"),
        (["image,AU1"], "no image"),
    ],
)
def test_mistakes_in_ones_own_table_are_named(tmp_path: Path, lines: list[str], named: str) -> None:
    make_own(tmp_path, *lines)
    with pytest.raises(UserError, match=rf"labels\.csv.*{named}"):
        samples("own", tmp_path)


# BP4D


def make_bp4d(
    root: Path,
    part: str,
    *lines: str,
    header: str = "0,1,2,4,12",
    images: str = "BP4D-training",
    names: tuple[str, ...] = ("10", "11", "12"),
    tables: str = "AUCoding/AU_OCC",
) -> Path:
    text(root / tables / f"{part}.csv", header, *lines)
    for name in names:
        make_image(root / images / part.replace("_", "/") / f"{name}.jpg", int(name) % 8)
    return root


@pytest.mark.parametrize("tables", ["AUCoding/AU_OCC", "AUCoding", "AUCoding/AUCoding"])
@pytest.mark.parametrize("images", ["BP4D-training", "Sequences(2D+3D)", "2D+3D", "."])
def test_bp4d(tmp_path: Path, tables: str, images: str) -> None:
    lines = ("10,1,0,9,1", "11,0,0,0,0", "13,1,1,1,1", "12,9,9,9,9")
    make_bp4d(tmp_path, "F001_T1", *lines, images=images, tables=tables, names=("0010", "11", "012", "99"))
    data = get_dataset("bp4d", tmp_path)
    found = [(s.source, s.frame, s.subject, s.video, grey(s), known(s)) for s in data.samples()]
    assert found == [
        ("F001_T1/0010.jpg", 10, "F001", "F001_T1", 2, {1: 1, 2: 0, 12: 1}),
        ("F001_T1/11.jpg", 11, "F001", "F001_T1", 3, {1: 0, 2: 0, 4: 0, 12: 0}),
    ]
    assert data.left_out == {
        "image that is not coded": 1,
        "label without an image": 1,
        "image of which no AU is coded": 1,
    }
    assert datasets.recognize(tmp_path) == "bp4d"


def test_bp4ds_frames_from_0(tmp_path: Path) -> None:
    make_bp4d(tmp_path, "F001_T1", "0,1,0,0,1", "1,0,0,0,0", names=("0000", "0001"))
    assert [(s.source, s.frame) for s in samples("bp4d", tmp_path)] == [
        ("F001_T1/0000.jpg", 1),
        ("F001_T1/0001.jpg", 2),
    ]


def test_bp4ds_folds_are_those_of_the_literature(tmp_path: Path) -> None:
    parts = {1: "F001", 2: "M011", 3: "F007"}
    for subject in parts.values():
        make_bp4d(tmp_path, f"{subject}_T1", "10,1,0,0,1")
    for fold, tested in parts.items():
        assert get_dataset("bp4d", tmp_path, f"fold{fold}-test").groups() == [tested]
        assert get_dataset("bp4d", tmp_path, f"fold{fold}-train").groups() == sorted({*parts.values()} - {tested})
    everyone = [info("bp4d").subjects_of(f"fold{fold}-test") or () for fold in parts]
    assert [len(subjects) for subjects in everyone] == [14, 14, 13] and len(set().union(*everyone)) == 41


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ("0,1,2", "10,1", r"line 2: expected a frame and 2 values"),
        ("0,1,AU1", "10,1,0", r"line 1: AU1 has two columns"),
        ("0,1,2", "10,1,2", r"line 2: AU2 is '2', not 0, 1 or 9"),
        ("0,1,2", "x,1,1", r"line 2: expected a frame"),
        ("1,2", "1,1", r"line 1: the header is not 0 for the frame"),
        ("", "", r"line 1: the header is not 0 for the frame"),
    ],
)
def test_bp4ds_bad_tables_are_named(tmp_path: Path, header: str, line: str, said: str) -> None:
    make_bp4d(tmp_path, "F001_T1", line, header=header)
    with pytest.raises(UserError, match=rf"F001_T1\.csv, {said}"):
        samples("bp4d", tmp_path)


def test_a_frame_of_bp4d_twice_is_named(tmp_path: Path) -> None:
    make_bp4d(tmp_path, "F001_T1", "10,1,0,0,1", "10,1,0,0,1")
    with pytest.raises(UserError, match="line 3: frame 10 occurs twice"):
        samples("bp4d", tmp_path)
    make_bp4d(tmp_path, "F001_T1", "10,1,0,0,1", names=("10", "010"))
    with pytest.raises(UserError, match="belong to the same frame"):
        samples("bp4d", tmp_path)
