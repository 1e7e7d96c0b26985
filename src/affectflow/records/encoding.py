"""Encode the images of samples for records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from affectflow.datasets.conditions import Conditions
from affectflow.datasets.face import HELD, MISSING
from affectflow.datasets.sample import Sample
from affectflow.faces.conditions import conditions_of
from affectflow.faces.crop import crop
from affectflow.media import jpeg
from affectflow.media.pixels import Encoded
from affectflow.records.example import encode_example


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """How images are stored.

    Attributes:
        size: Side in pixels.
        quality: JPEG quality.
        chroma: Chroma subsampling: ``4:4:4``, ``4:2:2`` or ``4:2:0``.
    """

    size: int
    quality: int
    chroma: str

    @classmethod
    def of(cls, records: Mapping[str, Any]) -> ImageEncoding:
        """Return the encoding in the section ``records`` of a configuration."""
        return cls(records["image_size"], records["jpeg_quality"], records["jpeg_chroma"])

    def example(self, sample: Sample, kind: str = "") -> bytes:
        """Return a sample with its crop as a serialized example.

        A baseline RGB JPEG of the right size, without a face to crop, is stored unchanged after it was decoded to its
        end. Other images are encoded once.

        Args:
            sample: The sample; its image is cropped around its face, else at the center.
            kind: Kind of the crop; by default ``face`` or ``center``, as the sample has a face or not.
        """
        pixels = crop(sample.image.rgb(), sample.face, self.size)
        if sample.face is None and isinstance(sample.image, Encoded) and sample.image.fits(self.size):
            data = sample.image.data
        else:
            data = jpeg.encode(pixels, self.quality, self.chroma)
        # Where a face was lost, it is not known how large it is and how far it is turned.
        face = None if kind == HELD else sample.face
        conditions = Conditions() if kind == MISSING else conditions_of(face, pixels)
        return encode_example(sample, data, self.size, conditions, kind)
