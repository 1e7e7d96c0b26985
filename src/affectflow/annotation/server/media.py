"""The images to rate and the videos to trace, as the server shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from affectflow.annotation.columns import MANIFEST_COLUMNS, read_annotation_video_table
from affectflow.annotation.trace_log import content_digest
from affectflow.annotation.videos import video_name
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Image:
    """An image: a frame (from 1) of an annotation video."""

    annotation_video: int
    frame: int
    file_name: str
    image_sha256: str

    @property
    def address(self) -> str:
        """The path of its URL."""
        return f"/image/{self.annotation_video}/{self.frame}/{self.image_sha256}"


ImagesByVideo = Mapping[int, Sequence[Image]]
"""Images in the order of their frames, by number of the annotation video."""


def read_images(manifest: Path) -> dict[int, list[Image]]:
    """Read the images of a manifest by annotation video.

    Raises:
        UserError: The manifest does not exist.
    """
    if not manifest.is_file():
        raise UserError(f"{manifest} does not exist; run snakemake {manifest} first.")
    images: dict[int, list[Image]] = {}
    for row in read_annotation_video_table(manifest, MANIFEST_COLUMNS):
        image = Image(int(row["annotation_video"]), int(row["frame"]), row["file_name"], row["image_sha256"])
        images.setdefault(image.annotation_video, []).append(image)
    return images


def images_of(images: ImagesByVideo, annotation_video: int) -> Sequence[Image]:
    """Return the images of an annotation video.

    Args:
        images: The images of all annotation videos.
        annotation_video: Number of the annotation video.

    Raises:
        UserError: There is no video of this number.
    """
    if annotation_video not in images:
        raise UserError(f"There is no annotation video {annotation_video}; there are {len(images)}.")
    return images[annotation_video]


@dataclass(frozen=True, slots=True)
class PlayableVideo:
    """A video as a browser plays it.

    Attributes:
        path: The file.
        times: [frames] in seconds.
        digest: See :func:`affectflow.annotation.trace_log.content_digest`.
    """

    path: Path
    times: Sequence[float]
    digest: str


@dataclass(frozen=True)
class Video:
    """A video to trace; it is read, and converted if necessary, when it is first requested.

    Attributes:
        name: Its name in traces.
        title: Its name on the page.
    """

    name: str
    title: str
    _load: Callable[[], PlayableVideo] = field(repr=False)

    @cached_property
    def playable(self) -> PlayableVideo:
        """The playable file; raises :class:`UserError` for a video that cannot be read or converted."""
        try:
            return self._load()
        except OSError as error:
            raise UserError(f"{self.name} cannot be read or converted ({error.strerror or error}).") from None


def annotation_videos(images: ImagesByVideo, folder: Path, frame_rate: float) -> list[Video]:
    """Return the annotation videos.

    Args:
        images: Their images.
        folder: The folder of their files.
        frame_rate: Frames per second.
    """

    def load(number: int, frames: Sequence[Image]) -> PlayableVideo:
        times = [frame / frame_rate for frame in range(len(frames))]
        digest = content_digest([image.image_sha256 for image in frames])
        return PlayableVideo(folder / video_name(number), times, digest)

    return [
        Video(video_name(number), f"video {number}", partial(load, number, frames)) for number, frames in images.items()
    ]


def own_videos(paths: Mapping[str, Path], store: Path) -> list[Video]:
    """Return the user's own videos.

    Args:
        paths: See :func:`affectflow.annotation.own_videos.find_videos`.
        store: Folder for conversions of videos that browsers do not play.
    """

    def load(path: Path) -> PlayableVideo:
        from affectflow.annotation.own_videos import conversion_key, playable  # imports the video decoder

        digest = file_sha256(path)
        shown, times = playable(path, store / f"{digest[:32]}-{conversion_key()}.mp4")
        return PlayableVideo(shown, times, content_digest([digest]))

    return [Video(name, name, partial(load, path)) for name, path in paths.items()]
