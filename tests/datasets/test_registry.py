"""A new data set is one module and one line of the registry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from affectflow import datasets
from affectflow.config.data import data_section
from affectflow.core.errors import UserError
from affectflow.datasets import info
from affectflow.datasets.dataset_info import CONFIGURABLE_USES
from affectflow.datasets.opening import get_dataset
from affectflow.inspection.leakage import IMAGES_SCHEMA, Side, check_leakage, digest_images
from affectflow.inspection.recognize import recognize
from affectflow.tables.parquet import read_parquet
from tests.miniature import make_image

TOY = '''
"""Smiles: images whose file names are labels, such as ``anna-1.png`` for a person who smiles."""

from affectflow.datasets.base import Dataset, side_of, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, DatasetInfo, Option
from affectflow.datasets.sample import Sample, unknown_units


class Smiles(Dataset):
    name = "smiles"

    def __init__(self, root, split, media):
        super().__init__()
        self.variant = split.partition("@")[2]
        self._media = media
        self._files = [
            path
            for path in visible(root / "smiles", ".png")
            if split.startswith("all") or side_of(self.name, self._person(path)) == split
        ]

    def _person(self, path):
        return path.stem.partition("-")[0]

    def groups(self):
        return sorted({self._person(path) for path in self._files})

    def parts(self):
        return self.groups()

    def samples_of(self, part):
        for path in self._files:
            if self._person(path) == part and (image := self._media.image(path, self.left_out)) is not None:
                units = unknown_units()
                units[12 - 1] = int(path.stem.partition("-")[2])
                yield Sample(image, self.name, path.name, group=part, subject=part, units=units)


INFO = DatasetInfo(
    name="smiles",
    title="Smiles",
    heads=frozenset({ACTION_UNITS}),
    media="images",
    opens=Smiles,
    recognize=lambda path: (path / "smiles").is_dir(),
    splits=("all", "train", "test"),
    options={"light": Option(("day", "night"), "When the images were taken.")},
    split_by="person",
    shares_people_with="own",
    layout="smiles/PERSON-LABEL.png",
    terms="no terms",
    citation="",
)
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registered data set, and its folder."""
    (tmp_path / "toy_smiles.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(datasets._MODULES, "smiles", "toy_smiles")
    for number, name in enumerate(("anna-1", "anna-0", "bert-1")):
        make_image(tmp_path / "root" / "smiles" / f"{name}.png", number)
    return tmp_path / "root"


def test_it_is_opened_and_recognized(toy: Path) -> None:
    assert "smiles" in datasets.names() and recognize(toy) == "smiles"
    found = list(get_dataset("smiles", toy).samples())
    assert [(sample.source, sample.subject, int(sample.units[11])) for sample in found] == [
        ("anna-0.png", "anna", 0),
        ("anna-1.png", "anna", 1),
        ("bert-1.png", "bert", 1),
    ]
    with pytest.raises(UserError, match=r"Smiles has no split 'dev'; use one of all, train, test\."):
        get_dataset("smiles", toy, "dev")
    with pytest.raises(UserError, match=r"Smiles has no light 'dusk'; use one of day, night\."):
        get_dataset("smiles", toy, "all@dusk")
    with pytest.raises(UserError, match=r"not a folder; set data\.smiles\.root to the folder of Smiles"):
        get_dataset("smiles", toy / "nowhere")


def test_the_configuration_can_be_derived_from_it(toy: Path) -> None:
    assert "smiles" in datasets.benchmarks() and "smiles" in datasets.folder_sets()
    assert "smiles" in datasets.record_sets() and "amfed" not in datasets.record_sets()
    assert info("smiles").uses == CONFIGURABLE_USES and info("smiles").root_key == "data.smiles.root"
    assert info("smiles").variant({"light": "day"}) == "" and info("smiles").variant({"light": "night"}) == "@night"


def test_the_plan_knows_its_labels_and_splits(toy: Path) -> None:
    from affectflow.plan.data import Data, key_of

    def data_of(**keys: str) -> Data:
        smiles = {"root": str(toy), **keys}
        emotionet = {"tables": [], "automatic": [], "snapshot": None}
        return Data(data_section()(emotionet=emotionet, annotations=None, smiles=smiles))  # type: ignore[call-arg]

    data = data_of(use="split", light="night")
    assert (
        data.labels({"smiles"}) == data.heads("smiles") == {"action_units"} and key_of("smiles") == "data.smiles.root"
    )
    assert data.training_split("smiles") == "train@night" and data.benchmark_split("smiles", None) == "test@night"
    data = data_of(light="night")
    assert data.benchmark_split("smiles", None) == data.all_of("smiles") == "all@night"


def test_its_keys_are_checked(toy: Path) -> None:
    smiles = data_section().model_fields["smiles"].annotation
    assert smiles is not None and smiles().model_dump() == {
        **{"root": None, "subjects": None, "use": "benchmark", "light": "day"}
    }
    with pytest.raises(ValueError, match=r"light\n.*'day' or 'night'"):
        smiles(light="dusk")


def test_its_people_are_found_in_the_set_that_it_shares_them_with(toy: Path, tmp_path: Path) -> None:
    make_image(tmp_path / "own" / "portrait.png", 5)
    (tmp_path / "own" / "labels.csv").write_text("image,AU12,subject\nportrait.png,1,Bert\n")
    sides = []
    for name, root in (("smiles", toy), ("own", tmp_path / "own")):
        digest_images(name, root, "all", 1, tmp_path / f"{name}.parquet")
        sides.append(Side(name, root, "all", tmp_path / f"{name}.parquet"))
    counts = check_leakage(sides[0], sides[1:], 6, 20, tmp_path / "pairs.csv", tmp_path / "counts.json")
    assert counts.subjects == 1 and read_parquet(tmp_path / "smiles.parquet", IMAGES_SCHEMA).num_rows == 3


def test_every_set_is_registered_under_its_name_with_its_facts() -> None:
    for name in datasets.names():
        facts = info(name)
        assert facts.name == name and facts.title and facts.terms and facts.layout and facts.splits[0] == "all"
        assert facts.heads <= {"action_units", "intensities", "valence_arousal"} and facts.uses
        assert facts.shares_people_with is None or facts.shares_people_with in datasets.names()
    assert datasets.record_sets() == (
        *("disfa", "disfa-fold1", "disfa-fold2", "disfa-fold3"),
        *("bp4d", "bp4d-fold1", "bp4d-fold2", "bp4d-fold3"),
        *("affwild2", "affwild", "own", "disfaplus"),
        *("disfaplus-fold1", "disfaplus-fold2", "disfaplus-fold3"),
    )


def test_the_facts_are_light() -> None:
    """Every job reads them while it parses the workflow."""
    code = (
        "import sys; from affectflow import datasets; [datasets.info(name) for name in datasets.names()]; "
        "import affectflow.plan.data; "
        "heavy = {'numpy', 'pyarrow', 'cv2', 'av', 'PIL', 'simplejpeg', 'scipy'} & sys.modules.keys(); "
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
