"""Find faces and five landmarks with YuNet in OpenCV.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.datasets.face import Face, overlap
from affectflow.faces.warp import warp
from affectflow.media.process_settings import ProcessSetting

_LONGER_SIDES = (320, 160, 640)  # pixels that the longer side is scaled to
_MARGIN = 0.25  # of the longer side, added at the smallest size: without it, a face that fills the image is not found
_ENLARGED = 1.6  # a face that is found only in an image that is enlarged further is a few pixels high
_QUICK_SIDES = (320, 160)  # of images in another turn
# YuNet finds turned faces too, with a lower score and the landmarks in wrong places. Of 102 photographs, the faces
# scored 0.928 to 0.956 upright, and up to 0.903 in another turn.
_SURELY_UPRIGHT = 0.92
_MIN_TURNED = 0.85  # score of a face in another turn that is looked at,
_TURN_DOUBT = 0.05  # which may be below that of the upright image by so much,
_MIN_TURNED_GAIN = 0.015  # and must be above it by so much in a close-up where the face is not tilted
_SAME_FACE = 0.5  # intersection over the smaller box, from which two sizes show the same face
# Landmarks are the mean over close-ups: side of the close-up in sides of the face, and in pixels. Two of them reduce
# the landmarks' error from 7.5 to 3.8 % of the distance of the eyes (102 frontal photographs).
_CLOSE_UPS = ((1.3, 224), (2.0, 192))
# Of tilted faces, YuNet places landmarks of small faces as if these were nearly upright: of 20 degrees, these close-ups
# show 7. A larger one shows 16 to 19, so that after one to three turns by what it shows the face is upright. The error
# of the eyes is then 3.3 to 4.8 % at any angle, and was 8.5 % at 10 degrees and 23 % at 30.
_TILT_CLOSE_UP = (1.3, 320)
_TILT_STEPS = 3
_SMALL_STEP = 10.0  # degrees, after which the rest is seen by the other close-ups
_MOST_TILT = 60.0  # degrees; a face is found upright in a turned image before
_MIN_OVERLAP = 0.1  # intersection over union with the box of the wanted face
_ONLY_ERRORS = 2  # OpenCV's log level; its warnings are about its own graph engine
_one_thread = ProcessSetting(cv2.getNumThreads, cv2.setNumThreads, 1)  # images are processed in parallel already
_quiet = ProcessSetting(cv2.utils.logging.getLogLevel, cv2.utils.logging.setLogLevel, _ONLY_ERRORS)


class Detector:
    """A face detector.

    An instance must not be used by several threads at once.
    """

    def __init__(self, model: Path, sha256: str, min_score: float) -> None:
        """Load the network.

        Args:
            model: YuNet in ONNX format.
            sha256: Expected digest of the file in hex.
            min_score: Least confidence of a face, 0 to 1.

        Raises:
            UserError: Where the file is missing, has another digest, or cannot be read by OpenCV.
        """
        try:
            data = model.read_bytes()
        except OSError as error:
            raise UserError(f"{model} cannot be read ({error.strerror}); correct the path of the detector.") from None
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise UserError(f"{model} has the SHA-256 {found}, not faces.model.sha256 {sha256}; fetch it again.")
        try:
            with _quiet.changed():
                self._net = cv2.FaceDetectorYN.create(
                    "onnx", np.frombuffer(data, np.uint8), np.empty(0, np.uint8), (320, 320), score_threshold=min_score
                )
        except cv2.error as error:
            raise UserError(
                f"{model} is not a YuNet model for OpenCV {cv2.__version__} ({error.err}); fetch the file that "
                "config/README.md names."
            ) from None

    def find(self, pixels: NDArray[np.uint8], wanted: Face | None = None) -> Face | None:
        """Return the largest and most central face of an image, or None.

        Args:
            pixels: The image, uint8 [height, width, 3], in any of four turns.
            wanted: A known face of the upright image, to find the one that overlaps it most instead.
        """
        with _one_thread.changed(), _quiet.changed():
            if wanted is not None:
                near = [face for face in self._upright(pixels) if overlap(face, wanted) >= _MIN_OVERLAP]
                face = max(near, key=lambda face: overlap(face, wanted), default=None)
                return None if face is None else self._refined(pixels, face)
            turn, turned, faces = self._search(pixels)
            return turned_back(self._refined(turned, faces[0]), turn, pixels.shape) if faces else None

    def find_all(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """Return all faces of an image, uint8 [height, width, 3], beginning with the one that :meth:`find` returns."""
        with _one_thread.changed(), _quiet.changed():
            turn, turned, faces = self._search(pixels)
            return [turned_back(self._refined(turned, face), turn, pixels.shape) for face in faces]

    def _search(self, pixels: NDArray[np.uint8]) -> tuple[int, NDArray[np.uint8], list[Face]]:
        """Return the number of quarter turns, the image turned so, and its faces, the most prominent first.

        An image is turned where its best face, seen from near and made upright, scores clearly higher in another turn.
        """
        turn, seen = 0, {0: (np.ascontiguousarray(pixels), self._upright(pixels))}
        best = max((face.score for face in seen[0][1]), default=0.0)
        if best < _SURELY_UPRIGHT:
            least = max(_MIN_TURNED, best - _TURN_DOUBT)
            for k in (1, 2, 3):
                turned = np.ascontiguousarray(np.rot90(pixels, k))
                if self._best_score(turned) >= least:
                    seen[k] = (turned, self._upright(turned))
        if len(seen) > 1:
            scores = {k: self._close_up_score(*one) for k, one in seen.items()}
            other = max((k for k in seen if k), key=lambda k: scores[k])
            if scores[other] >= scores[0] + _MIN_TURNED_GAIN:
                turn = other
        turned, faces = seen[turn]
        return turn, turned, sorted(faces, key=lambda face: -_prominence(face, turned.shape))

    def _best_score(self, pixels: NDArray[np.uint8]) -> float:
        for side in _QUICK_SIDES:
            if scores := [face.score for face in self._at_size(pixels, side)]:
                return max(scores)
        return 0.0

    def _close_up_score(self, pixels: NDArray[np.uint8], faces: list[Face]) -> float:
        """Return the score of the surest face of an image in a close-up in which it is not tilted."""
        face = max(faces, key=lambda face: face.score, default=None)
        if face is None:
            return 0.0
        seen = self._close_up(pixels, face, _CLOSE_UPS[0], self._tilt(pixels, face))
        return 0.0 if seen is None else seen.score

    def _refined(self, pixels: NDArray[np.uint8], face: Face) -> Face:
        """Return the face with landmarks that are measured in close-ups."""
        tilt = self._tilt(pixels, face)
        seen = (self._close_up(pixels, face, close_up, tilt) for close_up in _CLOSE_UPS)
        measured = [one.points for one in seen if one is not None]
        points = np.mean(measured, axis=0) if measured else np.array(face.points)
        return replace(face, points=tuple(map(float, points)))

    def _tilt(self, pixels: NDArray[np.uint8], face: Face) -> float:
        """Return by how many degrees a face is tilted clockwise; 0 where no angle makes sense."""
        tilt = 0.0
        for _ in range(_TILT_STEPS):
            seen = self._close_up(pixels, face, _TILT_CLOSE_UP, tilt)
            if seen is None:
                return tilt
            eyes = np.array(seen.points[2:4]) - seen.points[:2]
            before, tilt = tilt, math.degrees(math.atan2(eyes[1], eyes[0]))
            if abs(tilt) > _MOST_TILT:
                return 0.0
            if abs(tilt - before) < _SMALL_STEP:
                break
        return tilt

    def _upright(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of an image at all sizes; of those that are the same face, the one with the best score."""
        found: list[Face] = []
        for side in _LONGER_SIDES:
            if side < _ENLARGED * max(pixels.shape[:2]) or not found:
                found += self._at_size(pixels, side)
        faces: list[Face] = []
        for face in sorted(found, key=lambda face: -face.score):
            if all(_shared(face, other) < _SAME_FACE for other in faces):
                faces.append(face)
        return faces

    def _at_size(self, pixels: NDArray[np.uint8], side: int) -> list[Face]:
        """Return the faces of an image whose longer side is scaled to ``side`` pixels."""
        scale = side / max(pixels.shape[:2])
        shape = [max(1, round(scale * length)) for length in pixels.shape[1::-1]]
        scaled = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        margin = round(_MARGIN * side) if side == min(_LONGER_SIDES) else 0
        found = self._detect(cv2.copyMakeBorder(scaled, margin, margin, margin, margin, cv2.BORDER_REPLICATE))
        found[:, [0, 1, *range(4, 14)]] -= margin
        found[:, :14] /= scale
        return [Face(tuple(row[:4]), tuple(row[4:14]), row[14]) for row in found.tolist()]

    def _close_up(self, pixels: NDArray[np.uint8], face: Face, close_up: tuple[float, int], tilt: float) -> Face | None:
        """Return a face with the landmarks and score that it has in a close-up; None where no face is found there.

        Args:
            pixels: The image, uint8 [height, width, 3].
            face: The face.
            close_up: Its side in longer sides of the face's box, and in pixels.
            tilt: By how many degrees the close-up is turned clockwise, with the face in it.
        """
        relative, side = close_up
        left, top, width, height = face.box
        scale = side / (relative * max(width, height))
        cosine, sine = scale * math.cos(math.radians(tilt)), scale * math.sin(math.radians(tilt))
        turn = np.array([[cosine, sine], [-sine, cosine]])
        offset = side / 2 - turn @ (left + width / 2, top + height / 2)
        found = self._detect(warp(pixels, np.column_stack([turn, offset]), side))
        if not len(found):
            return None
        middle = found[:, :2] + found[:, 2:4] / 2
        nearest = found[np.argmin(np.hypot(*(middle - side / 2).T))]
        points = (nearest[4:14].reshape(5, 2) - offset) @ np.linalg.inv(turn).T
        return replace(face, points=tuple(points.ravel().tolist()), score=float(nearest[14]))

    def _detect(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return YuNet's rows [n, 15]: box, five points, score."""
        height, width = pixels.shape[:2]
        self._net.setInputSize((width, height))
        _, found = self._net.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
        return np.empty((0, 15)) if found is None else found.astype(float)


def turned_back(face: Face, turn: int, shape: tuple[int, ...]) -> Face:
    """Return a face of a turned image with its places in the image itself.

    Args:
        face: The face in the turned image.
        turn: How often the image was turned counterclockwise by a quarter.
        shape: Height and width of the image itself.
    """
    if not turn:
        return face
    height, width = shape[:2]

    def back(x: float, y: float, last: float) -> tuple[float, float]:
        """Return a place, of pixels (``last`` is 1: they are counted from 0) or of edges between them (0)."""
        match turn:
            case 1:
                return width - last - y, x
            case 2:
                return width - last - x, height - last - y
            case _:
                return y, height - last - x

    left, top, across, down = face.box
    (x1, y1), (x2, y2) = back(left, top, 0), back(left + across, top + down, 0)
    points = (back(x, y, 1) for x, y in zip(face.points[::2], face.points[1::2], strict=True))
    return Face(
        box=(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1)),
        points=tuple(part for point in points for part in point),
        score=face.score,
        turn=90 * turn,
    )


def _shared(face: Face, other: Face) -> float:
    """Return the area that two boxes share, as a share of the smaller one."""
    smaller = min(face.box[2] * face.box[3], other.box[2] * other.box[3])
    width, height = (
        min(face.box[i] + face.box[i + 2], other.box[i] + other.box[i + 2]) - max(face.box[i], other.box[i])
        for i in (0, 1)
    )
    return max(0.0, width) * max(0.0, height) / smaller if smaller > 0 else 1.0


def _prominence(face: Face, shape: tuple[int, ...]) -> float:
    """Return the area of a face, weighted less the further the face is from the center of the image."""
    height, width = shape[:2]
    left, top, across, down = face.box
    offset = math.hypot(left + across / 2 - width / 2, top + down / 2 - height / 2) / math.hypot(width / 2, height / 2)
    return across * down * max(0.0, 1 - offset)
