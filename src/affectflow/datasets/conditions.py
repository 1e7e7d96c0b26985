"""What was measured of a crop, by which scores are grouped."""

from __future__ import annotations

from dataclasses import dataclass

_UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions a face is shown.

    Attributes:
        face_size: Side of the crop in pixels of the image that it was cut from; NaN without a face.
        yaw: By how many degrees the head is turned to the right of the image, roughly, from the positions of eyes and
            nose; NaN where these are not known.
        brightness: Mean luma (ITU-R BT.601) of the crop, 0 to 255.
        sharpness: Variance of the Laplacian of the crop's luma (Pech-Pacheco et al., ICPR 2000); it depends on the
            crop's size, too.
    """

    face_size: float = _UNKNOWN
    yaw: float = _UNKNOWN
    brightness: float = _UNKNOWN
    sharpness: float = _UNKNOWN
