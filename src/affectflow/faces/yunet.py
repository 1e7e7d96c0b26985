"""YuNet, a face detector with five landmarks, through OpenCV.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.datasets.face import Face, overlap
from affectflow.faces.warp import warp

_SIDES = (320, 640, 160)  # of the longer side that an image is scaled to, until a face shows
_MARGIN = 0.25  # of the longer side, around an image in the last try, or a face that fills it is not seen
# A second look at the face, by how much of the surroundings is in it and at how many pixels. The mean over two
# brings the landmarks' error from 7.5 to 3.8 % of the distance of the eyes (102 frontal photographs).
_LOOKS = ((1.3, 224), (2.0, 192))
_SAME = 0.1  # overlap with the box of the wanted face, at least


class Detector:
    """Finds the face in an image. Raises :class:`UserError` where the file is missing or not the wanted one."""

    def __init__(self, model: Path, sha256: str, min_score: float) -> None:
        try:
            data = model.read_bytes()
        except OSError as error:
            raise UserError(f"{model} cannot be read ({error.strerror}); correct the path of the detector.") from None
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise UserError(f"{model} has the SHA-256 {found}, not faces.model.sha256 {sha256}; fetch it again.")
        cv2.utils.logging.setLogLevel(2)  # errors; it warns of its own graph engine
        cv2.setNumThreads(1)  # processes share the work better than its threads do
        try:
            self._net = cv2.FaceDetectorYN.create(
                "onnx", np.frombuffer(data, np.uint8), np.empty(0, np.uint8), (320, 320), score_threshold=min_score
            )
        except cv2.error as error:
            raise UserError(f"{model} is no YuNet model that OpenCV {cv2.__version__} reads ({error.err}).") from None

    def find(self, pixels: NDArray[np.uint8], wanted: Face | None = None) -> Face | None:
        """The largest and most central face of an image, uint8 [height, width, 3]; None where there is none.

        With ``wanted``, the one in that box.
        """
        faces = self._all(pixels, wanted)
        if not faces:
            return None
        face = max(faces, key=lambda face: overlap(face, wanted) if wanted else _prominence(face, pixels.shape))
        return self._close_up(pixels, face)

    def find_all(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """All faces of an image, the one that :meth:`find` gives first."""
        faces = sorted(self._all(pixels, None), key=lambda face: -_prominence(face, pixels.shape))
        return [self._close_up(pixels, face) for face in faces]

    def _close_up(self, pixels: NDArray[np.uint8], face: Face) -> Face:
        """The face with landmarks that are more exact."""
        looks = [points for around, side in _LOOKS if (points := self._look(pixels, face, around, side)) is not None]
        points = np.mean(looks, axis=0) if looks else np.array(face.points)
        return Face(face.box, tuple(map(float, points)), face.score)

    def _all(self, pixels: NDArray[np.uint8], wanted: Face | None) -> list[Face]:
        """All faces, of those in the wanted box, at the first size that shows any."""
        longer = max(pixels.shape[:2])
        for side in _SIDES:
            scale = side / longer
            shape = [max(1, round(scale * length)) for length in pixels.shape[1::-1]]
            scaled = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            margin = round(_MARGIN * side) if side == _SIDES[-1] else 0
            found = self._detect(cv2.copyMakeBorder(scaled, margin, margin, margin, margin, cv2.BORDER_REPLICATE))
            found[:, [0, 1, *range(4, 14)]] -= margin
            found[:, :14] /= scale
            faces = [Face(tuple(row[:4]), tuple(row[4:14]), row[14]) for row in found.tolist()]
            if wanted is not None:
                faces = [face for face in faces if overlap(face, wanted) >= _SAME]
            if faces:
                return faces
        return []

    def _look(self, pixels: NDArray[np.uint8], face: Face, around: float, side: int) -> NDArray[np.float64] | None:
        """The landmarks [10] in a close-up of a face."""
        left, top, width, height = face.box
        scale = side / (around * max(width, height))
        center = np.array([left + width / 2, top + height / 2])
        offset = side / 2 - scale * center
        there = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
        found = self._detect(warp(pixels, there, side))
        if not len(found):
            return None
        middle = found[:, :2] + found[:, 2:4] / 2
        nearest = found[np.argmin(np.hypot(*(middle - side / 2).T)), 4:14]
        return np.asarray((nearest.reshape(5, 2) - offset) / scale, float).ravel()

    def _detect(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """YuNet's rows [n, 15]: box, five points, score."""
        height, width = pixels.shape[:2]
        self._net.setInputSize((width, height))
        _, found = self._net.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
        return np.empty((0, 15)) if found is None else found.astype(float)


def _prominence(face: Face, shape: tuple[int, ...]) -> float:
    """Area, worth less towards the rim."""
    height, width = shape[:2]
    left, top, across, down = face.box
    offset = math.hypot(left + across / 2 - width / 2, top + down / 2 - height / 2) / math.hypot(width / 2, height / 2)
    return across * down * max(0.0, 1 - offset)
