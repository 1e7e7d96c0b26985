"""Find faces and five landmarks with YuNet in OpenCV.

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
from affectflow.media.process_settings import ProcessSetting

_LONGER_SIDES = (320, 640, 160)  # pixels that the longer side is scaled to, one after the other until a face is found
_MARGIN = 0.25  # of the longer side, added at the last size: without it, a face that fills the image is not found
# Landmarks are the mean over close-ups: side of the close-up in sides of the face, and in pixels. Two of them reduce
# the landmarks' error from 7.5 to 3.8 % of the distance of the eyes (102 frontal photographs).
_CLOSE_UPS = ((1.3, 224), (2.0, 192))
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
            pixels: The image, uint8 [height, width, 3].
            wanted: A known face, to find the one that overlaps it most instead.
        """
        with _one_thread.changed(), _quiet.changed():
            faces = self._all(pixels, wanted)
            if not faces:
                return None
            face = max(faces, key=lambda face: overlap(face, wanted) if wanted else _prominence(face, pixels.shape))
            return self._refined(pixels, face)

    def find_all(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """Return all faces of an image, uint8 [height, width, 3], beginning with the one that :meth:`find` returns."""
        with _one_thread.changed(), _quiet.changed():
            faces = sorted(self._all(pixels, None), key=lambda face: -_prominence(face, pixels.shape))
            return [self._refined(pixels, face) for face in faces]

    def _refined(self, pixels: NDArray[np.uint8], face: Face) -> Face:
        """Return the face with landmarks that are measured in close-ups."""
        found = (self._landmarks(pixels, face, relative, side) for relative, side in _CLOSE_UPS)
        measured = [points for points in found if points is not None]
        points = np.mean(measured, axis=0) if measured else np.array(face.points)
        return Face(face.box, tuple(map(float, points)), face.score)

    def _all(self, pixels: NDArray[np.uint8], wanted: Face | None) -> list[Face]:
        """Return all faces, or those that overlap the wanted one, at the first size at which any are found."""
        longer = max(pixels.shape[:2])
        for side in _LONGER_SIDES:
            scale = side / longer
            shape = [max(1, round(scale * length)) for length in pixels.shape[1::-1]]
            scaled = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            margin = round(_MARGIN * side) if side == _LONGER_SIDES[-1] else 0
            found = self._detect(cv2.copyMakeBorder(scaled, margin, margin, margin, margin, cv2.BORDER_REPLICATE))
            found[:, [0, 1, *range(4, 14)]] -= margin
            found[:, :14] /= scale
            faces = [Face(tuple(row[:4]), tuple(row[4:14]), row[14]) for row in found.tolist()]
            if wanted is not None:
                faces = [face for face in faces if overlap(face, wanted) >= _MIN_OVERLAP]
            if faces:
                return faces
        return []

    def _landmarks(
        self, pixels: NDArray[np.uint8], face: Face, relative: float, side: int
    ) -> NDArray[np.float64] | None:
        """Return the landmarks [10] in a close-up of a face, in pixels of the image; None where no face is found there.

        Args:
            pixels: The image, uint8 [height, width, 3].
            face: The face.
            relative: Side of the close-up in longer sides of the face's box.
            side: Side of the close-up in pixels.
        """
        left, top, width, height = face.box
        scale = side / (relative * max(width, height))
        center = np.array([left + width / 2, top + height / 2])
        offset = side / 2 - scale * center
        transform = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
        found = self._detect(warp(pixels, transform, side))
        if not len(found):
            return None
        middle = found[:, :2] + found[:, 2:4] / 2
        nearest = found[np.argmin(np.hypot(*(middle - side / 2).T)), 4:14]
        return np.asarray((nearest.reshape(5, 2) - offset) / scale, float).ravel()

    def _detect(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return YuNet's rows [n, 15]: box, five points, score."""
        height, width = pixels.shape[:2]
        self._net.setInputSize((width, height))
        _, found = self._net.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
        return np.empty((0, 15)) if found is None else found.astype(float)


def _prominence(face: Face, shape: tuple[int, ...]) -> float:
    """Return the area of a face, weighted less the further the face is from the center of the image."""
    height, width = shape[:2]
    left, top, across, down = face.box
    offset = math.hypot(left + across / 2 - width / 2, top + down / 2 - height / 2) / math.hypot(width / 2, height / 2)
    return across * down * max(0.0, 1 - offset)
