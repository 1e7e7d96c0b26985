"""Facts of FACS."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from affectflow import facs
from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.facs.emotions import Part, emotions, intensity
from affectflow.facs.expression import name_emotions, predicted_levels, recorded_levels, shares
from affectflow.facs.units import UNITS, Kind


def test_every_column_is_something_or_said_to_be_nothing() -> None:
    assert list(UNITS) == list(range(1, facs.COUNT + 1))
    assert [n for n, unit in UNITS.items() if unit.kind is Kind.UNDEFINED] == [3, 47, 48, 49]
    assert [n for n, unit in UNITS.items() if unit.kind is Kind.HEAD] == list(range(51, 61))
    for unit in UNITS.values():
        assert bool(unit.name or unit.name_1978) == (unit.kind is not Kind.UNDEFINED)
        assert bool(unit.muscles) == (unit.kind is Kind.ACTION_UNIT)


def test_the_editions_differ_in_three_codes() -> None:
    assert [n for n, unit in UNITS.items() if unit.name != unit.name_1978] == [13, 41, 42]
    assert (UNITS[13].name, UNITS[13].name_1978) == ("sharp lip puller", "cheek puffer")
    assert (UNITS[41].name, UNITS[41].name_1978) == ("", "lid droop")


def test_challenges_grew() -> None:
    sets = [set(facs.SUBSETS[f"emotionet{year}"]) for year in (2017, 2018, 2020)]
    assert [len(one) for one in sets] == [11, 12, 23]
    assert sets[1] - sets[0] == {43} and sets[2] - sets[1] == {10, 15, 18, 24, 28, *range(51, 57)}


def test_letters_are_disfas_numbers() -> None:
    assert [intensity(letter) for letter in "ABCDe"] == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError):
        intensity("F")


def test_sadness_is_the_reports_or_the_usual() -> None:
    report, usual = emotions("report2017"), emotions("emfacs")
    assert [name for name in report if report[name] != usual[name]] == ["Sadness"]
    assert emotions("report2017", sadness=15) == usual and emotions("emfacs", sadness=14) == report
    assert emotions("du2014", sadness=14)["Sadness"].parts == (Part(4), Part(14))
    assert len(report) == len(emotions("du2014")) == 7
    assert emotions("du2014compound", sadness=14)["Sadness or sadly angry"].parts == (Part(4), Part(14))
    for bad in (lambda: emotions("ekman"), lambda: emotions("emfacs", sadness=13)):
        with pytest.raises(UserError):
            bad()


def test_a_letter_is_a_least_intensity() -> None:
    surprise = emotions("emfacs")["Surprise"]
    assert " ".join(map(str, surprise.parts)) == "1 2 5B 26"
    face = {"AU1": 1.0, "AU2": 1.0, "AU26": 1.0}
    assert shares({"Surprise": surprise}, levels(**face, AU5=2.0))["Surprise"] == 1
    assert shares({"Surprise": surprise}, levels(**face, AU5=1.0))["Surprise"] == 0.75


def levels(**present: float) -> NDArray[np.float64]:
    """Of one image: all AUs known and absent but those that are named."""
    found = np.zeros((1, facs.COUNT))
    for name, strength in present.items():
        found[0, int(name[2:]) - 1] = strength
    return found


@pytest.mark.parametrize(
    "present, emotion",
    [
        ({}, "Neutral"),
        ({"AU6": 5, "AU12": 5}, "Happiness"),
        ({"AU12": 5}, "Neutral"),  # a half is not enough
        ({"AU1": 5, "AU4": 5}, "Sadness"),  # two thirds of it; four sevenths of fear are less
        ({"AU1": 3, "AU2": 3, "AU5": 2, "AU26": 3}, "Surprise"),
        ({"AU1": 3, "AU2": 3, "AU5": 1, "AU26": 3}, "Surprise"),  # three quarters without AU5, which is too weak
        ({"AU1": 5, "AU2": 5, "AU4": 5, "AU5": 5, "AU7": 5, "AU20": 5, "AU26": 5}, "Fear"),  # whole, as surprise is
    ],
)
def test_an_image_shows_the_emotion_of_most_of_its_units(present: dict[str, float], emotion: str) -> None:
    assert name_emotions(emotions("emfacs"), levels(**present)) == [emotion]


def test_emotions_follow_what_is_known() -> None:
    unknown = np.full((1, facs.COUNT), np.nan)
    assert name_emotions(emotions("emfacs"), unknown) == [""]
    some = unknown.copy()
    some[0, [3, 4]] = 5, 0  # of anger's 4 5 7 23, of fear's 1 2 4 5 7 20 26
    found = shares(emotions("emfacs"), some)
    assert found["Anger"] == 0.5 and found["Fear"] == 0.5 and found["Sadness"] == 1
    assert np.isnan(found["Disgust"]) and "Neutral" not in found


def test_levels_are_intensities_where_these_are_known() -> None:
    units, strengths = np.full((1, 60), -1, np.int8), np.full((1, 60), np.nan, np.float32)
    units[0, :3], strengths[0, 1:2] = (1, 1, 0), 2
    assert recorded_levels(units, strengths)[0, :3].tolist() == [5, 2, 0]
    assert np.isnan(recorded_levels(units, strengths)[0, 3])
    probabilities = np.full((1, 60), np.nan, np.float32)
    probabilities[0, :3] = 0.5, 0.9, 0.49
    strengths[0, 3] = 1.5
    assert predicted_levels(probabilities, strengths, {})[0, :4].tolist() == [5, 2, 0, 1.5]
    assert predicted_levels(probabilities, strengths, {"AU1": 0.95, "AU3": 0.05})[0, 0] == 0


def test_the_facts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["facs"])
    lines = capsys.readouterr().out.splitlines()
    assert any("AU13" in line and "sharp lip puller" in line and "cheek puffer" in line for line in lines)
    assert any("AU47" in line and "undefined" in line for line in lines)
    main(["facs", "--emotions", "emfacs", "--sadness", "14"])
    assert "Sadness    1 4 14" in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_error() -> None:
    words = [sys.executable, "-m", "affectflow.cli", "facs"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize(
    ("present", "emotion"),
    [
        ({1, 2, 12, 25}, "Happily surprised"),
        ({1, 2, 25, 26}, "Surprise"),
        ({12, 25}, "Happiness"),
        ({4, 10}, "Sadly disgusted, appalled or hatred"),
        ({4, 10, 17}, "Angrily disgusted"),
        (set(), "Neutral"),
    ],
)
def test_compound_emotions(present: set[int], emotion: str) -> None:
    table = emotions("du2014compound")
    levels = np.zeros((1, 60))
    levels[0, [unit - 1 for unit in present]] = 5
    assert name_emotions(table, levels) == [emotion]
    assert len({one.parts for one in table.values()}) == len(table) == 18  # no two have the same AUs
    basic = emotions("du2014")
    assert all(basic[name].parts == table[name].parts for name in basic.keys() & table.keys())


@pytest.mark.parametrize("name", ["AU1_2", "AU 1 2", "AU1 (2)", "AU2_5", "AU", "xAU1"])
def test_a_column_of_an_au_and_more_is_no_other_au(name: str) -> None:
    assert facs.parse_label(name) is None


@pytest.mark.parametrize("name", ["AU 1", "'AU 1'", " au_01", "AU'1'", "AU01 "])
def test_spellings_of_an_au(name: str) -> None:
    assert facs.parse_label(name) == 1
