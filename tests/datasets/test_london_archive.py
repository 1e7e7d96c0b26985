"""The London set fetched from a server of the test's own."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from affectflow.core.errors import UserError
from affectflow.datasets.london_archive import SOURCE, fetch_london
from affectflow.datasets.opening import get_dataset
from tests.miniature import make_image
from tests.workflow.photographs import Quiet, served

NEUTRAL, SMILING, PEOPLE = "files/8541961", "files/8541964", "files/27397184"


def publish(web: Path, people: int = 2) -> Path:
    """Files as figshare has them: archives with a folder and what else is in it, and the table of people."""
    for file, folder, view, grey in ((NEUTRAL, "neutral_front", "03", 1), (SMILING, "smiling_front", "08", 5)):
        with zipfile.ZipFile(_path(web, file), "w") as archive:
            for number in range(1, people + 1):
                make_image(web / "one.jpg", grey)
                archive.write(web / "one.jpg", f"{folder}/{number:03d}_{view}.jpg")
                archive.writestr(f"{folder}/{number:03d}_{view}.tem", "189")
                archive.writestr(f"__MACOSX/{folder}/._{number:03d}_{view}.jpg", "nothing")
    rows = [
        f"X{number:03d},{20 + number},{'female' if number % 2 else 'male'},white" for number in range(1, people + 1)
    ]
    _path(web, PEOPLE).write_text("\n".join(["face_id,face_age,face_gender,face_eth", *rows]) + "\n")
    return web


def _path(web: Path, file: str) -> Path:
    (web / file).parent.mkdir(parents=True, exist_ok=True)
    return web / file


def test_photographs_people_and_source_are_written(tmp_path: Path) -> None:
    root = tmp_path / "london"
    with served(publish(tmp_path / "web")) as server:
        assert fetch_london(server, root, tmp_path / "pinned.json") == 4
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("[!.]*.*")) == [
        "SOURCE.txt",
        "neutral_front/001_03.jpg",
        "neutral_front/002_03.jpg",
        "smiling_front/001_08.jpg",
        "smiling_front/002_08.jpg",
        "subjects.csv",
    ]
    assert (root / "subjects.csv").read_text() == (
        "subject,age,gender,ethnicity\n001,21,female,white\n002,22,male,white\n"
    )
    assert "CC BY 4.0" in (root / SOURCE).read_text() and "DeBruine" in (root / SOURCE).read_text()
    assert get_dataset("london", root).groups() == ["001", "002"]


def test_another_file_than_at_the_first_fetch_is_refused(tmp_path: Path) -> None:
    root, web = tmp_path / "london", publish(tmp_path / "web")
    with served(web) as server:
        fetch_london(server, root, tmp_path / "pinned.json")
        fetch_london(server, root, tmp_path / "pinned.json")  # the same again is fine
        publish(web, people=3)
        with pytest.raises(UserError, match=r"8541961 has the SHA-256 \w+, not \w+; fetch .* elsewhere"):
            fetch_london(server, root, tmp_path / "pinned.json")
        (tmp_path / "pinned.json").write_text("")
        with pytest.raises(UserError, match=r"pinned\.json is damaged; delete it"):
            fetch_london(server, root, tmp_path / "pinned.json")
    with pytest.raises(UserError, match="cannot be fetched"):
        fetch_london(server, root, tmp_path / "none.json")  # the server is gone
    assert get_dataset("london", root).groups() == ["001", "002"]  # what was fetched before stays


def test_a_folder_of_the_users_is_not_touched(tmp_path: Path) -> None:
    make_image(tmp_path / "london/mine.jpg", 1)
    with pytest.raises(UserError, match="london holds files that were not fetched; move them"):
        fetch_london("http://127.0.0.1:9", tmp_path / "london", tmp_path / "pinned.json")
    assert [path.name for path in (tmp_path / "london").iterdir()] == ["mine.jpg"]


class _Short(Quiet):
    """Announces more than it sends, as a connection that breaks."""

    def send_header(self, keyword: str, value: str) -> None:
        super().send_header(keyword, str(int(value) + 9) if keyword == "Content-Length" else value)


def test_a_file_that_is_cut_is_not_taken(tmp_path: Path) -> None:
    web = publish(tmp_path / "web")
    with (
        served(web, _Short) as server,
        pytest.raises(UserError, match=r"cannot be fetched \([\d,]+ of [\d,]+ bytes came"),
    ):
        fetch_london(server, tmp_path / "london", tmp_path / "pinned.json")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            SMILING,
            b"<html>please wait",
            r"sent something else than an archive for smiling_front\.zip .* fetch the set in a",
        ),
        (NEUTRAL, b"", r"sent something else than an archive for neutral_front\.zip"),
        (PEOPLE, b"", r"london_faces_info\.csv is not a table of people"),
        (PEOPLE, b'{"message": "busy", "code": 1}', r"london_faces_info\.csv is not a table of people"),
        (PEOPLE, b"face_id,face_age\nX001,20\nX002\n", r"london_faces_info\.csv is not a table of people"),
        (PEOPLE, b"face_id\nX001\n", r"london_faces_info\.csv is not a table of people"),
    ],
)
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, file: str, content: bytes, message: str) -> None:
    web = publish(tmp_path / "web")
    (web / file).write_bytes(content)
    with served(web) as server, pytest.raises(UserError, match=message):
        fetch_london(server, tmp_path / "london", tmp_path / "pinned.json")
    assert not (tmp_path / "london" / SOURCE).exists() and not (tmp_path / "pinned.json").exists()


def test_an_archive_without_photographs_is_named(tmp_path: Path) -> None:
    web, empty = publish(tmp_path / "web"), io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("neutral_front/readme.txt", "moved")
    (web / NEUTRAL).write_bytes(empty.getvalue())
    with served(web) as server, pytest.raises(UserError, match=r"neutral_front\.zip of .* holds no photograph"):
        fetch_london(server, tmp_path / "london", tmp_path / "pinned.json")


def test_a_file_that_is_gone_says_where_it_was_and_what_to_do(tmp_path: Path) -> None:
    web = publish(tmp_path / "web")
    (web / SMILING).unlink()
    with served(web) as server, pytest.raises(UserError, match=r"8541964 cannot be fetched \(.*data\.london\.root"):
        fetch_london(server, tmp_path / "london", tmp_path / "pinned.json")
