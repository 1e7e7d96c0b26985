"""Labels, ledger and images -> samples and TFRecords."""

from __future__ import annotations

import hashlib
import io
import math
import random
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from affectflow import facs
from affectflow.annotation.columns import AFFECT_COLUMNS
from affectflow.core.errors import UserError
from affectflow.datasets.conditions import Conditions
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, face_cells
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.sample import SPLITS, Sample
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.download.snapshot import Entry, Snapshot, write_snapshot
from affectflow.media import file_names as names
from affectflow.media.images import decode_rgb
from affectflow.media.near_duplicates import group_near_duplicates, join_near_faces
from affectflow.media.pixels import Encoded
from affectflow.records.access import Records
from affectflow.records.assemble import AssemblyInputs, AssemblyOptions, assemble
from affectflow.records.dataset import validation_groups
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import decode_example, encode_example
from affectflow.records.index import INDEX_COLUMNS, collect_index
from affectflow.records.tfrecord import read_records, write_record
from affectflow.records.write import write_shard
from affectflow.spreadsheet.ingest import LABEL_COLUMNS
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import read_parquet, write_parquet
from tests.miniature import stored

Units = Mapping[int, int]
SIZE = 24


def sha(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


class Assembly:
    """A label table and a ledger as lists, and what assembling makes of them."""

    def __init__(
        self, folder: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]
    ) -> None:
        self.folder = folder
        self.labels: list[tuple[str, str, Units]] = []
        self.ledger: dict[str, dict[str, object]] = {}
        self.affect: list[tuple[str, str, str]] = []
        self.snapshot: Path | None = None
        self.faces: list[Path] = []
        self.kept: Path | None = None
        self.on_missing_face = "drop"
        self._save_csv = save_csv
        self._rows_of = rows_of

    def add(
        self, url: str, units: Units | None = None, content: object = None, table: str = "t.xlsx", **entry: object
    ) -> None:
        """A row of labels, and its URL's line in the ledger: ``content`` says which image it is."""
        self.labels.append((table, url, units or {}))
        digest = sha(url if content is None else content)
        fetched = {"outcome": OK, "sha256": digest, "dhash": digest, "file_name": names.file_name(url)}
        self.ledger.setdefault(url, {"url": url, **fetched, **entry})

    def fill(self, count: int = 200) -> None:
        """Enough images that no split stays empty."""
        for i in range(count):
            self.add(f"http://fill/{i}", {1: i % 2})

    def run(self, **options: object) -> dict[str, dict[str, object]]:
        """Samples by URL."""
        folder = self.folder
        rows = [
            (table, "s", i, url, "", *(units.get(unit, 999) for unit in range(1, 61)))
            for i, (table, url, units) in enumerate(self.labels, start=2)
        ]
        self._save_csv(folder / "labels.csv", LABEL_COLUMNS, rows)
        write_parquet(folder / "ledger.parquet", LEDGER_SCHEMA, self.ledger.values())
        affect = None
        if self.affect:
            lines = [("", "", digest, 1, 1, v, a, "", "", 1, 1) for digest, v, a in self.affect]
            affect = self._save_csv(folder / "affect.csv", AFFECT_COLUMNS, lines)
        settings = {
            "shards": 4,
            "validation_fraction": 0.2,
            "test_fraction": 0.2,
            "near_duplicate_bits": 6,
            "near_duplicate_face_bits": 20,
            **options,
        }
        self.counts = assemble(
            AssemblyInputs(
                folder / "labels.csv", folder / "ledger.parquet", affect, self.snapshot, self.faces, self.kept
            ),
            AssemblyOptions(self.on_missing_face, **settings),  # type: ignore[arg-type]
            samples=folder / "samples.parquet",
            left_out=folder / "left_out.csv",
        )
        self.left_out = {row["url"]: row["reason"] for row in self._rows_of(folder / "left_out.csv")}
        table = read_parquet(folder / "samples.parquet", SAMPLES_SCHEMA).to_pylist()
        return {row["url"]: row for row in table}

    def reasons(self) -> dict[str, str]:
        """All reasons for which rows of a URL, or labels of them, were left out, by URL."""
        found: dict[str, str] = {}
        for row in self._rows_of(self.folder / "left_out.csv"):
            found[row["url"]] = f"{found.get(row['url'], '')} {row['reason']}"
        return found


@pytest.fixture
def assembly(
    tmp_path: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]
) -> Assembly:
    made = Assembly(tmp_path, save_csv, rows_of)
    made.fill()
    return made


def known(row: Mapping[str, object]) -> dict[int, int]:
    units = row["units"]
    assert isinstance(units, list) and len(units) == 60 and set(units) <= {0, 1, -1}
    return {unit: value for unit, value in enumerate(units, start=1) if value != facs.UNKNOWN}


def with_faces(assembly: Assembly, faceless: set[str]) -> None:
    """A table of faces in which those URLs show none."""
    face = face_cells("found", Face((1.0, 2.0, 3.0, 4.0), score=0.5))
    lost = {assembly.ledger[url]["sha256"] for url in faceless}
    rows = [
        {"source": "", "sha256": sha256, **(face_cells("no_face") if sha256 in lost else face)}
        for sha256 in dict.fromkeys(entry["sha256"] for entry in assembly.ledger.values())
    ]
    assembly.faces = [assembly.folder / "faces0", assembly.folder / "faces1"]
    for number, path in enumerate(assembly.faces):
        write_parquet(path, FACES_SCHEMA, rows[number::2])


def test_images_without_a_face_are_left_out_but_for_the_test_split(assembly: Assembly) -> None:
    assembly.add("http://again/0", {2: 1}, content="http://fill/0")  # the same image in another row
    before = assembly.run()
    faceless = {f"http://fill/{i}" for i in range(0, 200, 2)}
    with_faces(assembly, faceless)
    rows = assembly.run()
    tested = {url for url in faceless if before[url]["split"] == "test"}
    assert tested and rows.keys() == before.keys() - (faceless - tested)
    assert {url for url, reason in assembly.left_out.items() if reason == "no_face"} >= faceless - tested
    assert (assembly.left_out["http://again/0"] == "no_face") == ("http://fill/0" not in tested)
    assert {rows[url]["face"] for url in tested} == {"no_face"}
    assert all((rows[url]["split"], rows[url]["group"]) == (before[url]["split"], before[url]["group"]) for url in rows)
    found = rows["http://fill/1"]
    assert (found["face"], found["face_box"], found["face_score"]) == ("found", [1, 2, 3, 4], 0.5)
    assembly.on_missing_face = "center_crop"
    assert assembly.run().keys() == before.keys()


def test_an_image_that_nobody_looked_at_is_an_error(assembly: Assembly) -> None:
    with_faces(assembly, set())
    assembly.faces.pop()
    with pytest.raises(UserError, match="run the search for faces again"):
        assembly.run()


def test_splits_and_groups_are_the_snapshots(assembly: Assembly) -> None:
    first = assembly.run()
    assembly.snapshot = assembly.folder / "snapshot"
    sides = dict(zip(first, ["train", "validation", "test", "train"] * len(first), strict=False))
    entries = {url: Entry("", str(row["sha256"]), sides[url], sha(f"group {url}")) for url, row in first.items()}
    write_snapshot(Snapshot(entries), assembly.snapshot)
    assembly.add("http://new/", {1: 1})
    del assembly.ledger["http://new/"]
    assembly.ledger["http://fill/3"]["sha256"] = sha("something else")
    rows = assembly.run()
    assert rows.keys() == first.keys() - {"http://fill/3"}
    assert {url: (row["split"], row["group"]) for url, row in rows.items()} == {
        url: (sides[url], sha(f"group {url}")) for url in rows
    }
    assert assembly.left_out == {
        "http://new/": "not in the snapshot",
        "http://fill/3": "another image than in the snapshot",
    }
    write_snapshot(Snapshot({url: Entry("", e.sha256, "", "") for url, e in entries.items()}), assembly.snapshot)
    rows = assembly.run()
    assert {url: (row["split"], row["group"]) for url, row in rows.items()} == {
        url: (first[url]["split"], first[url]["group"]) for url in rows
    }


def test_unknown_stays_unknown(assembly: Assembly) -> None:
    assembly.add("http://a/", {1: 0, 12: 1, 60: 999})
    assembly.affect = [(sha("http://a/"), "-0.5", ""), (sha("nobody"), "1", "1")]
    row = assembly.run()["http://a/"]
    assert known(row) == {1: 0, 12: 1}
    assert row["valence"] == -0.5 and math.isnan(float(str(row["arousal"])))


def test_every_row_is_a_sample_or_left_out_with_its_reason(assembly: Assembly) -> None:
    for outcome in ("not_found", "timeout", "bad_url"):
        assembly.add(f"http://{outcome}/", {1: 1}, outcome=outcome, sha256="", dhash="")
    rows = assembly.run()
    assert assembly.left_out.keys() == {"http://not_found/", "http://timeout/", "http://bad_url/"}
    assert all(outcome.split("/")[2] in reason for outcome, reason in assembly.left_out.items())
    assert len(rows) == 200 == sum(assembly.counts.values())
    assert {row["split"] for row in rows.values()} == set(SPLITS)


def test_duplicates_are_merged(assembly: Assembly) -> None:
    assembly.add("http://one/", {1: 1, 2: 0}, "same")
    assembly.add("http://two/", {2: 0, 3: 1}, "same")
    assembly.add("http://one/", {4: 0}, "same")
    rows = assembly.run()
    assert known(rows["http://one/"]) == {1: 1, 2: 0, 3: 1, 4: 0}
    assert "http://two/" not in rows and "http://one/" in assembly.left_out["http://two/"]


@pytest.mark.parametrize(
    "labels",
    [
        (1, 0),
        (0, 1),
        (1, 1, 0),
        (0, 999, 1),
        (1, 0, 1),
    ],
)
def test_contradictions_become_unknown(assembly: Assembly, labels: Sequence[int]) -> None:
    for i, label in enumerate(labels):
        assembly.add(f"http://{i}/", {5: label, 6: 1}, "same")
    assert known(assembly.run()["http://0/"]) == {6: 1}
    assert any("AU5" in reason and "AU6" not in reason for reason in assembly.left_out.values())


def near(digest: str, bits: int, since: int = 0) -> str:
    return f"{int(digest, 16) ^ sum(1 << 17 * i + since for i in range(bits)):064x}"


def test_near_duplicates_stay_on_one_side(assembly: Assembly) -> None:
    for i in range(60):
        for bits in (3, 6, 9):  # each within 6 bits of its neighbour, the last only through the others
            assembly.add(f"http://near/{i}/{bits}", dhash=near(sha(f"http://fill/{i}"), bits))
    rows = assembly.run()
    for i in range(60):
        alike = [rows[f"http://fill/{i}"], *(rows[f"http://near/{i}/{bits}"] for bits in (3, 6, 9))]
        assert len({(row["split"], row["group"]) for row in alike}) == 1
    assert len({row["group"] for row in rows.values()}) == 200


def test_adding_rows_keeps_every_side(assembly: Assembly) -> None:
    before = assembly.run()
    for i in range(50):
        assembly.labels.insert(i, ("t.xlsx", f"http://new/{i}", {}))
        assembly.ledger[f"http://new/{i}"] = {
            **{"url": f"http://new/{i}", "outcome": OK, "sha256": sha(i), "dhash": sha(i), "file_name": str(i)}
        }
    after = assembly.run()
    keys = ("split", "shard", "group", "units")
    assert all([after[url][k] for k in keys] == [row[k] for k in keys] for url, row in before.items())


def test_adding_near_duplicates_keeps_every_side(assembly: Assembly) -> None:
    before = assembly.run()
    for i in range(100):
        assembly.add(f"http://near/{i}", dhash=near(sha(f"http://fill/{i}"), 3))
    after = assembly.run()
    assert {url: after[url]["split"] for url in before} == {url: row["split"] for url, row in before.items()}


def test_images_stay_where_they_were_divided(assembly: Assembly) -> None:
    """A row that looks like two groups moves neither, whatever place it has in the table."""
    assembly.kept = assembly.folder / "splits.parquet"
    before = assembly.run()
    sides = {split: [url for url in before if before[url]["split"] == split] for split in SPLITS}
    for number, (one, other) in enumerate(zip(sides["train"], sides["test"], strict=False)):
        step = near(sha(one), 4)
        assembly.add(f"http://tie/{number}", dhash=step)  # near the first of them
        assembly.ledger[other]["dhash"] = near(step, 1)  # the other one is near it, too
    likes = {f"http://like/{number}": url for number, url in enumerate(sides["train"][-20:] + sides["validation"])}
    for url, known_url in likes.items():
        assembly.add(url, dhash=near(sha(known_url), 2))
    assembly.labels.reverse()
    after = assembly.run()
    for url, row in before.items():
        assert (after[url]["split"], after[url]["group"]) == (row["split"], row["group"])
    ties = [url for url in assembly.ledger if url.startswith("http://tie/")]
    assert len(ties) > 20 and not any(url in after for url in ties)
    assert {assembly.left_out[url] for url in ties} == {"looks like images of several splits"}
    assert all(after[url]["split"] == before[known_url]["split"] for url, known_url in likes.items())
    again = assembly.run(test_fraction=0.3)  # divided anew
    assert {url: row["split"] for url, row in again.items()} != {url: row["split"] for url, row in after.items()}


def face_text(digest: str, mirror: str) -> str:
    return digest + mirror


def test_images_of_one_face_stay_on_one_side(assembly: Assembly) -> None:
    for i in range(60):
        assembly.add(f"http://face/{i}")
        assembly.add(f"http://mirror/{i}")
    with_faces(assembly, set())
    looks = {}
    for i in range(60):
        one, mirror = sha(f"face {i}"), sha(f"mirror {i}")
        looks[sha(f"http://fill/{i}")] = face_text(one, mirror)
        looks[sha(f"http://face/{i}")] = face_text(near(one, 14), near(mirror, 14))
        looks[sha(f"http://mirror/{i}")] = face_text(near(mirror, 14, 1), near(one, 14, 1))
    for path in assembly.faces:
        rows = read_parquet(path, FACES_SCHEMA).to_pylist()
        write_parquet(path, FACES_SCHEMA, [row | {"face_hash": looks.get(row["sha256"], "")} for row in rows])
    rows = assembly.run()
    for i in range(60):
        alike = [rows[f"http://{kind}/{i}"] for kind in ("fill", "face", "mirror")]
        assert len({(row["split"], row["group"]) for row in alike}) == 1
    apart = assembly.run(near_duplicate_face_bits=13)
    assert len({row["group"] for row in apart.values()}) == len(apart)


def test_faces_that_look_the_same_by_chance_do_not_chain() -> None:
    """A chain of 50 people each 20 bits apart, and nine images of one face."""
    chain, draw = [sha("one")], random.Random(0)
    for _ in range(49):
        chain.append(f"{int(chain[-1], 16) ^ sum(1 << bit for bit in draw.sample(range(256), 20)):064x}")
    same = [near(sha("another"), bits) for bits in range(9)]
    faces = [face_text(digest, sha(digest)) for digest in (*chain, *same)]
    found = join_near_faces(np.arange(len(faces)), faces, 20, 10)
    groups = np.bincount(found)
    assert groups.max() == 9 and len(set(found[50:].tolist())) == 1
    assert len(set(found[:50].tolist())) == 50


@pytest.mark.parametrize("copies", [9, 12, 60])
def test_many_copies_of_one_face_stay_together(copies: int) -> None:
    """Up to 8 bits apart is no chance, however many there are."""
    faces = [face_text(near(sha("one"), i % 4, i % 9), near(sha("two"), i % 4, i % 9)) for i in range(copies)]
    assert len(set(join_near_faces(np.arange(copies), faces, 20, 10).tolist())) == 1


def test_labels_by_hand_bring_images_into_the_test_split(assembly: Assembly) -> None:
    """Images that only a program labelled are trained on, until people label them; and the other way round."""
    assembly.kept = assembly.folder / "splits.parquet"
    for i in range(100):
        assembly.add(f"http://more/{i}", {1: 1}, table="dataFile_1.txt")
    before = assembly.run(**AUTOMATIC)
    assert {before[f"http://more/{i}"]["split"] for i in range(100)} == {"train"}
    assembly.labels += [("t.xlsx", f"http://more/{i}", {1: 0}) for i in range(100)]
    after = assembly.run(**AUTOMATIC)
    assert {after[f"http://more/{i}"]["split"] for i in range(100)} == set(SPLITS)
    assembly.labels = [row for row in assembly.labels if row[:2] != ("t.xlsx", row[1]) or "fill" in row[1]]
    assert {assembly.run(**AUTOMATIC)[f"http://more/{i}"]["split"] for i in range(100)} == {"train"}


def test_searching_for_faces_divides_anew(assembly: Assembly, caplog: pytest.LogCaptureFixture) -> None:
    assembly.kept = assembly.folder / "splits.parquet"
    assembly.run()
    with_faces(assembly, set())
    digest = sha("a face")
    for path in assembly.faces:
        rows = read_parquet(path, FACES_SCHEMA).to_pylist()
        write_parquet(path, FACES_SCHEMA, [row | {"face_hash": face_text(digest, sha("mirror"))} for row in rows])
    with pytest.raises(UserError, match="None of 200 images is in the"):  # all of one face, so in one split
        assembly.run()


AUTOMATIC = {"automatic": ["dataFile_*"]}


def test_labels_by_a_program_are_for_training_only(assembly: Assembly) -> None:
    for i in range(100):
        assembly.add(f"http://automatic/{i}", {1: 1}, table="dataFile_0001.txt")
        assembly.add(f"http://near/{i}", {1: 1}, dhash=near(sha(f"http://fill/{i}"), 3), table="datafile_0001.TXT")
        assembly.add(f"http://fill/{i}", {1: 1 - i % 2, 2: 1}, f"http://fill/{i}", table="dataFile_2.txt.gz")
    rows = assembly.run(**AUTOMATIC)
    reasons = assembly.reasons()
    assert all(rows[f"http://automatic/{i}"]["split"] == "train" for i in range(100))
    assert {row["split"] for row in rows.values()} == set(SPLITS)
    for i in range(100):
        split = rows[f"http://fill/{i}"]["split"]
        if split == "train":
            assert known(rows[f"http://fill/{i}"]) == {1: i % 2, 2: 1}
            assert "AU1: the label made by hand is used" in reasons[f"http://fill/{i}"]
            assert rows[f"http://near/{i}"]["split"] == "train"
        else:
            unused = f"automatic labels, not used in the {split} split"
            assert known(rows[f"http://fill/{i}"]) == {1: i % 2}
            assert unused in reasons[f"http://fill/{i}"] and unused in reasons[f"http://near/{i}"]
            assert f"http://near/{i}" not in rows


def test_what_people_contradict_is_not_filled_by_a_program(assembly: Assembly) -> None:
    for label in (0, 1):
        assembly.add("http://one/", {5: label})
    assembly.add("http://one/", {5: 1, 6: 1}, table="dataFile_0001.txt")
    for seed in range(20):  # some of them are in the training split
        assembly.add(f"http://two/{seed}", {5: 1}, table="dataFile_0001.txt")
        assembly.add(f"http://two/{seed}", {5: 0}, table="dataFile_0001.txt")
    rows = assembly.run(**AUTOMATIC)
    assert 5 not in known(rows["http://one/"])
    assert all(known(rows[f"http://two/{seed}"]) == {} for seed in range(20))


def test_automatic_tables_can_be_asked_for_everywhere(assembly: Assembly) -> None:
    assembly.labels = [("dataFile_0001.txt", url, units) for _, url, units in assembly.labels]
    with pytest.raises(UserError, match=r"data\.emotionet\.automatic.*for training only"):
        assembly.run(**AUTOMATIC)
    assert {row["split"] for row in assembly.run(automatic=[]).values()} == set(SPLITS)


def test_no_image_at_all_is_an_error(assembly: Assembly) -> None:
    for entry in assembly.ledger.values():
        entry["outcome"] = "not_found"
    with pytest.raises(UserError, match="None of 0 images is in the train split"):
        assembly.run(**AUTOMATIC)


def test_an_empty_split_is_an_error(tmp_path: Path, assembly: Assembly) -> None:
    with pytest.raises(UserError, match="test split"):
        assembly.run(test_fraction=1e-9)
    assert not (tmp_path / "samples.parquet").exists()


def test_a_label_unknown_to_the_ledger_is_an_error(assembly: Assembly) -> None:
    assembly.add("http://lost/")
    del assembly.ledger["http://lost/"]
    with pytest.raises(UserError, match="http://lost/"):
        assembly.run()


@given(st.lists(st.integers(0, 2**256 - 1), min_size=1, max_size=6), st.integers(0, 31), st.randoms())
def test_near_duplicates_are_connected_components(seeds: list[int], limit: int, draw: object) -> None:
    values = list(seeds)
    for seed in seeds:  # neighbours at every distance around the limit
        flips = draw.sample(range(256), min(256, limit + 1))  # type: ignore[attr-defined]
        values += [seed ^ sum(1 << bit for bit in flips[:limit]), seed ^ sum(1 << bit for bit in flips)]
    expected = list(range(len(values)))
    for _ in values:
        for i, one in enumerate(values):
            for j, other in enumerate(values):
                if (one ^ other).bit_count() <= limit:
                    expected[i] = min(expected[i], expected[j])
    assert group_near_duplicates([f"{value:064x}" for value in values], limit) == expected


class Store:
    """Images of every kind in a store with their samples table, written to the files of one shard."""

    def __init__(self, folder: Path, images: Mapping[str, bytes]) -> None:
        self.folder = folder
        self.images = folder / "images"
        rows = []
        for i, (url, data) in enumerate(images.items()):
            name = names.file_name(url)
            path = stored(self.images, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            units = [(-1, 0, 1)[(i + unit) % 3] for unit in range(60)]
            digest = hashlib.sha256(data).hexdigest()
            split = SPLITS[i % 3]
            keys = {"url": url, "file_name": name, "sha256": digest, "group": url, "split": split, "shard": 1}
            rows.append({**keys, "units": units, "valence": 0.25, "arousal": math.nan, **face_cells("")})
        self.rows = rows
        write_parquet(folder / "samples.parquet", SAMPLES_SCHEMA, rows)

    def write(self, store: str = "store", size: int = SIZE, shard: int = 1, code: str = "") -> bool:
        self.files = {split: self.folder / f"{split}.tfrecord" for split in SPLITS}
        self.index = self.folder / "index.csv"
        return write_shard(
            *(self.folder / "samples.parquet", self.images, shard, self.files, self.index),
            *(self.folder / store, ImageEncoding(size, 90, "4:4:4"), code),
        )

    def bytes(self) -> list[bytes]:
        return [path.read_bytes() for path in (*self.files.values(), self.index)]

    def path(self, i: int) -> Path:
        return stored(self.images, str(self.rows[i]["file_name"]))


@pytest.fixture
def images(jpeg: Callable[..., bytes]) -> dict[str, bytes]:
    def encoded(mode: str, kind: str, size: int = SIZE) -> bytes:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(jpeg(9, size))).convert(mode).save(buffer, kind)
        return buffer.getvalue()

    return {
        "http://right-size": jpeg(1, SIZE),
        "http://larger": jpeg(2, 3 * SIZE),
        "http://png": encoded("RGB", "PNG"),
        "http://gif": encoded("P", "GIF"),
        "http://cmyk": encoded("CMYK", "JPEG"),
        "http://grey": encoded("L", "JPEG"),
    }


@pytest.fixture
def store(tmp_path: Path, images: dict[str, bytes]) -> Store:
    return Store(tmp_path, images)


def features(data: bytes) -> dict[str, list[object]]:
    decoded = decode_example(data).features.feature
    return {name: list(getattr(value, value.WhichOneof("kind")).value) for name, value in decoded.items()}


def test_records_say_what_the_samples_say(store: Store, images: dict[str, bytes]) -> None:
    assert store.write() is False
    found = {}
    for split, path in store.files.items():
        for record in read_records(path):
            fields = features(record)
            (name,) = fields["image/filename"]
            found[name] = (split, fields)
    assert len(found) == len(images)
    for row, data in zip(store.rows, images.values(), strict=True):
        split, fields = found[str(row["file_name"]).encode()]
        assert split == row["split"]
        assert fields["label/units"] == row["units"] and len(fields["label/units"]) == 60
        assert fields["label/valence"] == [0.25] and math.isnan(float(str(fields["label/arousal"][0])))
        assert len(fields["label/intensities"]) == 60 and all(
            math.isnan(float(str(v))) for v in fields["label/intensities"]
        )
        assert (fields["image/height"], fields["image/width"]) == ([SIZE], [SIZE])
        assert (fields["sample/dataset"], fields["sample/group"]) == ([b"emotionet"], [str(row["group"]).encode()])
        stored = fields["image/encoded"][0]
        assert isinstance(stored, bytes)
        image = Image.open(io.BytesIO(stored))
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (SIZE, SIZE))
        if row["url"] == "http://right-size":
            assert stored == data


def test_same_bytes_twice_and_nothing_done_when_nothing_changed(store: Store) -> None:
    store.write()
    before = store.bytes()
    for path in (*store.files.values(), store.index):
        path.unlink()
    assert store.write() is True and store.bytes() == before
    assert store.write("other store") is False and store.bytes() == before
    assert store.write(code="edited") is False and store.bytes() == before
    assert store.write(size=SIZE + 1) is False and store.bytes() != before


def test_records_are_written_again_with_another_version_of_a_library(
    tmp_path: Path, images: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, images)
    store.write()
    assert store.write() is True
    monkeypatch.setattr("affectflow.media.versions.version", lambda name: f"another {name}")
    assert store.write() is False


def test_index_leads_to_each_record(store: Store, rows_of: Callable[[Path], list[dict[str, str]]]) -> None:
    store.write()
    rows = rows_of(store.index)
    assert len(rows) == len(store.rows)
    for row in rows:
        content = (store.folder / row["file"]).read_bytes()
        record = content[int(row["offset"]) : int(row["offset"]) + int(row["bytes"])]
        assert features(record[12:-4])["image/filename"] == [row["source"].encode()]
    collect_index([store.index], store.folder / "all.csv", store.folder / "counts.json")
    assert rows_of(store.folder / "all.csv") == rows
    assert '"train.tfrecord": 2' in (store.folder / "counts.json").read_text()


def test_an_empty_shard_leaves_empty_files(store: Store) -> None:
    store.write(shard=0)
    assert [path.read_bytes() for path in store.files.values()] == [b""] * 3


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\0")])
def test_a_changed_image_is_named(store: Store, harm: Callable[[Path], object]) -> None:
    harm(store.path(3))
    with pytest.raises(UserError, match=store.path(3).name):
        store.write()
    assert not any(path.exists() for path in store.files.values())


def test_emotionet_is_a_data_set(store: Store, tmp_path: Path) -> None:
    samples = list(get_dataset("emotionet", tmp_path, "validation").samples())
    assert [sample.group for sample in samples] == ["http://larger", "http://cmyk"]
    assert samples[0].image.rgb().shape == (3 * SIZE, 3 * SIZE, 3)
    assert len(list(get_dataset("emotionet", tmp_path).samples())) == len(store.rows)
    with pytest.raises(UserError, match="dev"):
        get_dataset("emotionet", tmp_path, "dev")


def test_example_is_repeatable_and_keeps_intensities() -> None:
    intensities = np.full(60, np.nan, np.float32)
    intensities[11] = 4.5
    sample = Sample(
        Encoded(b"", "x"), dataset="disfa", source="SN001/1", group="SN001", subject="SN001", intensities=intensities
    )
    conditions = Conditions(face_size=80.0, brightness=120.5)
    data = encode_example(sample, b"jpeg", 5, conditions)
    assert data == encode_example(sample, b"jpeg", 5, conditions)
    fields = features(data)
    assert fields["label/intensities"][11] == 4.5 and fields["label/units"] == [-1] * 60
    assert (fields["image/height"], fields["image/width"], fields["sample/subject"]) == ([5], [5], [b"SN001"])
    assert (fields["image/face_size"], fields["image/brightness"]) == ([80.0], [120.5])
    assert math.isnan(float(str(fields["label/valence"][0])))


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_any_records_come_back(tmp_path_factory: pytest.TempPathFactory, records: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.tfrecord"
    with path.open("wb") as stream:
        assert sum(write_record(stream, record) for record in records) == stream.tell()
    assert list(read_records(path)) == records


def test_the_container_is_tensorflows(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    with path.open("wb") as stream:
        write_record(stream, b"123456789")
    content = path.read_bytes()
    # The CRC-32C of these nine digits is 0xE3069283 (RFC 3720), masked as record_writer.cc does.
    masked = (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert content[:8] == struct.pack("<Q", 9) and content[12:21] == b"123456789"
    assert content[21:] == struct.pack("<I", masked)


@pytest.fixture
def three_records(tmp_path: Path) -> Path:
    path = tmp_path / "three.tfrecord"
    with path.open("wb") as stream:
        for record in (b"first", b"", b"the third record"):
            write_record(stream, record)
    return path


def test_any_flipped_bit_is_noticed(three_records: Path) -> None:
    content = three_records.read_bytes()
    for position in range(len(content)):
        for bit in (0, 7):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            three_records.write_bytes(damaged)
            with pytest.raises(UserError, match=r"three\.tfrecord"):
                list(read_records(three_records))


def test_any_cut_is_noticed(three_records: Path) -> None:
    content = three_records.read_bytes()
    ends = {0, 21, 37, len(content)}
    for length in set(range(len(content))) - ends:
        three_records.write_bytes(content[:length])
        with pytest.raises(UserError, match="damaged"):
            list(read_records(three_records))


def test_a_cut_zero_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cut.tfrecord"
    for i in range(10_000):
        stream = io.BytesIO()
        write_record(stream, str(i).encode())
        if stream.getvalue()[-1] == 0:
            break
    path.write_bytes(stream.getvalue()[:-1])
    with pytest.raises(UserError, match="damaged"):
        list(read_records(path))


def test_stored_images_show_what_was_downloaded(store: Store, images: dict[str, bytes]) -> None:
    store.write()
    for path in store.files.values():
        for record in read_records(path):
            fields = features(record)
            stored, url = fields["image/encoded"][0], fields["sample/group"][0]
            assert isinstance(stored, bytes) and isinstance(url, bytes)
            original = Image.fromarray(decode_rgb(images[url.decode()]).pixels).resize((SIZE, SIZE))
            assert np.abs(np.asarray(original, int) - decode_rgb(stored).pixels).mean() < 8


@pytest.mark.parametrize("name", ["train-0-of-1.tfrecord", "disfa.tfrecord"])
@pytest.mark.parametrize("kept", [0, 2], ids=["emptied", "cut between two records"])
def test_records_that_are_gone_are_noticed_before_any_is_read(tmp_path: Path, name: str, kept: int) -> None:
    path, index = tmp_path / name, tmp_path / ("index.csv" if name.startswith("train") else "disfa_index.csv")
    with path.open("wb") as stream:
        lengths = [write_record(stream, bytes(20)) for _ in range(5)]
    rows = [(name, i, sum(lengths[:i]), length, f"{i}", "group") for i, length in enumerate(lengths)]
    write_csv(index, INDEX_COLUMNS, rows)
    assert len(Records([path])) == 5
    path.write_bytes(path.read_bytes()[: sum(lengths[:kept])])
    with pytest.raises(
        UserError, match=rf"{name} has {kept} records, but .*{index.name} lists 5; delete it and run again"
    ):
        Records([path])
    index.unlink()
    assert len(Records([path])) == kept  # of anyone's records without an index


def test_records_of_another_file_are_noticed(tmp_path: Path) -> None:
    """Two shards that were swapped hold as many records."""
    rows: list[tuple[object, ...]] = []
    for name, size in (("a.tfrecord", 20), ("b.tfrecord", 30)):
        with (tmp_path / name).open("wb") as stream:
            rows += [(name, i, 0, write_record(stream, bytes(size + i)), f"{i}", "group") for i in range(3)]
    write_csv(tmp_path / "index.csv", INDEX_COLUMNS, rows)
    assert len(Records([tmp_path / "a.tfrecord", tmp_path / "b.tfrecord"])) == 6
    (tmp_path / "a.tfrecord").write_bytes((tmp_path / "b.tfrecord").read_bytes())
    with pytest.raises(UserError, match=r"a\.tfrecord has other records than .*index\.csv lists for it"):
        Records([tmp_path / "a.tfrecord"])


@pytest.mark.parametrize(
    ("groups", "fraction", "validation"),
    [
        (2, 0.08, 1),
        (3, 0.08, 1),
        (6, 0.08, 2),
        (9, 0.08, 3),
        (12, 0.08, 4),
        (18, 0.08, 4),
        (100, 0.08, 8),
        (18, 0.5, 9),
    ],
)
def test_thresholds_are_not_those_of_one_person(groups: int, fraction: float, validation: int) -> None:
    assert validation_groups(groups, fraction) == validation
