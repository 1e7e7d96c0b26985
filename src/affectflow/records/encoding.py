"""What is stored of a sample's image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from affectflow.datasets.sample import Sample
from affectflow.faces.crop import crop
from affectflow.media import jpeg
from affectflow.media.pixels import Encoded


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """Side in pixels, JPEG quality, and chroma subsampling (``4:4:4``, ``4:2:2`` or ``4:2:0``) of stored images."""

    size: int
    quality: int
    chroma: str

    @classmethod
    def of(cls, records: Mapping[str, Any]) -> ImageEncoding:
        """As the section ``records`` of a configuration asks for."""
        return cls(records["image_size"], records["jpeg_quality"], records["jpeg_chroma"])

    def jpeg(self, sample: Sample) -> bytes:
        """The crop of a sample as a JPEG.

        An image that is a baseline RGB JPEG without a face to crop that has the right size passes through byte for byte,
        once it was decoded to its end; anything else is encoded once.
        """
        if sample.face is None and isinstance(sample.image, Encoded) and sample.image.fits(self.size):
            return sample.image.data
        return jpeg.encode(crop(sample.image.rgb(), sample.face, self.size), self.quality, self.chroma)
