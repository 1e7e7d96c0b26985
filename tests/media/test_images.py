"""Images of any type become upright RGB, or an error with its reason."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from affectflow.media import jpeg as jpeg_codec
from affectflow.media.images import ImageError, decode_rgb, difference_hash, examine, fits, square

Pixels = NDArray[np.uint8]
SIZE = (24, 16)  # width, height
COLOURS = ((200, 40, 30), (30, 180, 40), (40, 60, 210), (230, 220, 60))  # of the four quarters, row by row
ORIENTATION = 0x0112
READERS = pytest.mark.parametrize("read", [decode_rgb, examine])


def quarters() -> Image.Image:
    image = Image.new("RGB", (2, 2))
    image.putdata(COLOURS)
    return image.resize(SIZE, Image.Resampling.NEAREST)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def centers(pixels: Pixels) -> Pixels:
    """The colors in the middle of the four quarters."""
    height, width = pixels.shape[:2]
    return pixels[np.ix_([height // 4, 3 * height // 4], [width // 4, 3 * width // 4])].reshape(4, 3)


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def animated() -> bytes:
    frames = [quarters(), Image.new("RGB", SIZE, "black")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)


def rotated_storage(orientation: int) -> Image.Image:
    """The image as a camera stores it under this orientation: the inverse of what a viewer does."""
    undo = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]
    image = quarters()
    for step in undo:
        image = image.transpose(step)
    return image


RGBA = quarters().convert("RGBA")
FULL = {"subsampling": 0, "quality": 95}


@pytest.mark.parametrize(
    "data, kind",
    [
        (encoded(quarters(), "JPEG", **FULL), "JPEG"),
        (encoded(quarters(), "JPEG", **FULL) + b"trailing rubbish", "JPEG"),
        (encoded(quarters(), "JPEG", **FULL, progressive=True), "JPEG"),
        (encoded(quarters(), "JPEG", **FULL, exif=exif(1)), "JPEG"),
        (encoded(quarters().convert("CMYK"), "JPEG", **FULL), "JPEG"),
        (encoded(quarters(), "PNG"), "PNG"),
        (encoded(quarters().convert("P", palette=Image.Palette.ADAPTIVE), "PNG"), "PNG"),
        (encoded(RGBA, "PNG"), "PNG"),
        (encoded(quarters(), "GIF"), "GIF"),
        (animated(), "GIF"),
        (encoded(quarters(), "WEBP", lossless=True), "WEBP"),
        (encoded(RGBA, "WEBP", lossless=True), "WEBP"),
        (encoded(quarters(), "BMP"), "BMP"),
        (encoded(quarters(), "TIFF"), "TIFF"),
    ],
)
def test_every_type_becomes_rgb(data: bytes, kind: str) -> None:
    decoded = decode_rgb(data)
    assert decoded.format == kind
    assert decoded.pixels.dtype == np.uint8 and decoded.pixels.shape == (16, 24, 3)
    assert np.abs(centers(decoded.pixels).astype(int) - COLOURS).max() <= 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind, options", [("JPEG", FULL), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_exif_rotation_is_undone(orientation: int, kind: str, options: dict[str, Any]) -> None:
    decoded = decode_rgb(encoded(rotated_storage(orientation), kind, exif=exif(orientation), **options))
    assert decoded.pixels.shape == (16, 24, 3)
    assert np.abs(centers(decoded.pixels).astype(int) - COLOURS).max() <= 12


@pytest.mark.parametrize("tags", [b"Exif\0\0" + bytes(20), b"Exif\0\0II*\0" + b"\xff" * 20, b"Exif\0\0"])
def test_a_broken_exif_block_does_not_cost_the_image(tags: bytes) -> None:
    assert np.abs(centers(decode_rgb(encoded(quarters(), "JPEG", **FULL, exif=tags)).pixels) - COLOURS).max() <= 12


def test_two_images_in_one_jpeg() -> None:
    data = encoded(quarters(), "MPO", save_all=True, append_images=[quarters()], **FULL)
    assert np.abs(centers(decode_rgb(data).pixels).astype(int) - COLOURS).max() <= 12


@pytest.mark.parametrize("value, grey", [(0, 0), (256 * 100, 100), (65535, 255)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(value: int, grey: int, kind: str) -> None:
    image = Image.fromarray(np.full((16, 24), value, np.uint16))
    assert np.all(decode_rgb(encoded(image, kind)).pixels == grey)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.linspace(0, 1, 64, dtype=np.float32), 255),
        (np.linspace(0, 255, 64, dtype=np.float32), 255),
        (np.linspace(0, 65535, 64, dtype=np.float32), 255),
        (np.linspace(0, 200, 64).astype(np.int32), 200),
        (np.linspace(0, 65535, 64).astype(np.uint16), 255),
    ],
)
def test_wide_grey_is_not_black(values: NDArray[Any], expected: int) -> None:
    decoded = decode_rgb(encoded(Image.fromarray(np.tile(values, (64, 1))), "TIFF"))
    assert decoded.pixels.max() == expected and abs(int(decoded.pixels[:, 32].mean()) - expected / 2) < 5


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey(mode: str) -> None:
    decoded = decode_rgb(encoded(Image.new("L", SIZE, 255).convert(mode), "PNG"))
    assert decoded.pixels.shape == (16, 24, 3) and np.all(decoded.pixels == 255)


def png(depth: int, color: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A 4 x 4 PNG with chunks that Pillow would not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, depth, color, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress((b"\0" + row) * 4))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*c) for c in chunks) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("RGBA", SIZE, (10, 20, 30, 0)), "PNG"),
        encoded(Image.new("LA", SIZE, (10, 0)), "PNG"),
        encoded(Image.new("RGBA", SIZE, (10, 20, 30, 0)), "WEBP", lossless=True),
        encoded(Image.new("P", SIZE, 0), "GIF", transparency=0),
        encoded(Image.new("P", SIZE, 0), "PNG", transparency=b"\0"),
        encoded(Image.new("L", SIZE, 7), "PNG", transparency=7),
        pytest.param(png(8, 2, bytes((10, 20, 30)) * 4, (b"tRNS", bytes((0, 10, 0, 20, 0, 30)))), id="rgb-key"),
        pytest.param(png(16, 0, bytes((1, 2)) * 4, (b"tRNS", bytes((1, 2)))), id="grey16-key"),
    ],
)
def test_transparency_lies_over_white(data: bytes) -> None:
    assert np.all(decode_rgb(data).pixels == 255)


def bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + header + checksum + b"\0\0\xff\xffIDAT" + bytes(99)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not_an_image"),
        (b"<html><body>gone</body></html>", "not_an_image"),
        (b"\xff\xd8\xff", "not_an_image"),
        (b"GIF89a", "not_an_image"),
        (bytes(5000), "not_an_image"),
        (b"%PDF-1.4", "not_an_image"),
        (bomb(), "too_many_pixels"),
    ],
)
@READERS
def test_what_is_no_image(read: Callable[..., object], data: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        read(data)
    assert caught.value.reason == reason and str(caught.value)


@pytest.mark.parametrize("kind, options", [("JPEG", FULL), ("PNG", {}), ("GIF", {}), ("WEBP", {}), ("BMP", {})])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@READERS
def test_truncated_images(read: Callable[..., object], kind: str, options: dict[str, Any], share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind, **options)
    with pytest.raises(ImageError) as caught:
        read(data[: int(share * len(data))])
    assert caught.value.reason in ("corrupt_image", "not_an_image")


@READERS
def test_half_a_jpeg_is_corrupt(read: Callable[..., object]) -> None:
    data = encoded(quarters().resize((200, 200)), "JPEG", **FULL)
    with pytest.raises(ImageError) as caught:
        read(data[: len(data) // 2 + 400])
    assert caught.value.reason == "corrupt_image"


@READERS
def test_limit_on_pixels(read: Callable[..., object]) -> None:
    data = encoded(quarters(), "PNG")
    read(data, max_pixels=24 * 16)
    with pytest.raises(ImageError) as caught:
        read(data, max_pixels=24 * 16 - 1)
    assert caught.value.reason == "too_many_pixels"


def squared(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    return encoded(quarters().resize((32, 32)).convert(mode), kind, **options)


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "data, fit",
    [
        (squared("JPEG"), True),
        (squared("JPEG") + b"trailing rubbish", True),
        (squared("JPEG", icc_profile=PROFILE), True),
        (squared("JPEG", exif=exif(1)), True),
        (squared("JPEG", exif=exif(3)), False),
        (squared("JPEG", progressive=True), False),
        (squared("JPEG", "L"), False),
        (squared("JPEG", "CMYK"), False),
        (squared("PNG"), False),
        (encoded(quarters().resize((32, 31)), "JPEG"), False),
        (encoded(quarters().resize((40, 40)), "JPEG"), False),
    ],
)
def test_what_may_be_stored_as_it_is(data: bytes, fit: bool) -> None:
    assert fits(data, 32) is fit


def test_a_damaged_jpeg_does_not_fit(smooth: Any) -> None:
    data = encoded(Image.fromarray(smooth(3, 320)), "JPEG", quality=90)
    with pytest.raises(ImageError, match="Corrupt JPEG data"):
        fits(data[: len(data) // 2] + bytes(300) + data[len(data) // 2 + 300 :], 320)


def test_a_huge_text_chunk_is_no_crash() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 3_000_000, zip=True)
    try:
        assert decode_rgb(encoded(quarters(), "PNG", pnginfo=info)).pixels.shape == (16, 24, 3)
    except ImageError as error:
        assert error.reason in ("not_an_image", "corrupt_image")


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (30, 20), (20, 30), (64, 64), (200, 201)])
@pytest.mark.parametrize("size", [1, 16, 64])
def test_square(shape: tuple[int, int], size: int) -> None:
    pixels = np.full((*shape, 3), 77, np.uint8)
    assert square(pixels, size).shape == (size, size, 3)
    assert np.all(square(pixels, size) == 77)


def test_square_keeps_the_center() -> None:
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 200
    assert np.all(square(pixels, 10) == 200)
    assert np.all(square(pixels.transpose(1, 0, 2), 10) == 200)
    same = square(pixels[:, :10], 10)
    assert np.array_equal(same, pixels[:, :10])


def test_encoding_is_repeatable() -> None:
    pixels = np.asarray(quarters().resize((32, 32)))
    data = jpeg_codec.encode(pixels, 95, "4:4:4")
    assert data == jpeg_codec.encode(pixels, 95, "4:4:4") and fits(data, 32)
    sizes = [len(jpeg_codec.encode(pixels, 95, chroma)) for chroma in ("4:4:4", "4:2:2", "4:2:0")]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3
    decoded = decode_rgb(data)
    assert np.abs(centers(decoded.pixels).astype(int) - COLOURS).max() <= 12


def test_difference_hash_tells_images_apart(smooth: Any, jpeg: Any) -> None:
    hashes = [int.from_bytes(difference_hash(Image.fromarray(smooth(seed, 64)))) for seed in range(10)]
    assert len(difference_hash(Image.fromarray(smooth(0, 64)))) == 32
    for size in (64, 100, 300):
        again = int.from_bytes(examine(jpeg(0, size)).dhash)
        assert (hashes[0] ^ again).bit_count() <= 6
    assert min((a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]) > 15


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind, options", [("JPEG", FULL), ("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_examine_sees_the_upright_image(kind: str, options: dict[str, Any], orientation: int) -> None:
    large = rotated_storage(orientation).resize(d * 20 for d in rotated_storage(orientation).size)
    seen = examine(encoded(large, kind, exif=exif(orientation), **options))
    assert (seen.format, seen.width, seen.height) == (kind, 480, 320)
    upright = int.from_bytes(examine(encoded(quarters().resize((480, 320)), kind, **options)).dhash)
    assert (upright ^ int.from_bytes(seen.dhash)).bit_count() <= 6


@pytest.mark.parametrize("size", [(240, 160), (2400, 1600)])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_width_and_height_are_those_of_the_upright_image(kind: str, orientation: int, size: tuple[int, int]) -> None:
    stored = rotated_storage(orientation)
    stored = stored.resize(length * size[0] // 24 for length in stored.size)
    data = encoded(stored, kind, exif=exif(orientation))
    facts, pixels = examine(data), decode_rgb(data).pixels
    assert (facts.width, facts.height) == pixels.shape[1::-1] == size
    upright = int.from_bytes(difference_hash(Image.fromarray(pixels)))
    assert (upright ^ int.from_bytes(facts.dhash)).bit_count() <= 6


def test_pillows_limit_of_pixels_is_left_to_others(smooth: Any) -> None:
    before = Image.MAX_IMAGE_PIXELS
    assert before is not None
    decode_rgb(encoded(Image.fromarray(smooth(3, 32)), "PNG"))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_examine_reads_every_kind_of_jpeg(mode: str) -> None:
    seen = examine(encoded(quarters().resize((240, 160)).convert(mode), "JPEG"))
    assert (seen.format, seen.width, seen.height) == ("JPEG", 240, 160)


def test_bytes_damaged_in_mid_scan_are_no_whole_image(smooth: Any) -> None:
    data = encoded(Image.fromarray(smooth(3, 320)), "JPEG", quality=90)
    rng = random.Random(0)
    seen = 0
    for _ in range(40):
        damaged = bytearray(data)
        start = rng.randrange(len(data) // 2, len(data) - 300)
        damaged[start : start + 200] = bytes(rng.randrange(255) for _ in range(200))
        Image.open(io.BytesIO(damaged)).load()  # which says nothing
        for read in (decode_rgb, examine):
            try:
                read(bytes(damaged))
            except ImageError as error:
                assert error.reason == "corrupt_image"
                seen += 1
    assert seen >= 76  # random bytes are valid codes now and then


@READERS
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_without_its_second_half_is_no_whole_image(
    read: Callable[..., object], smooth: Any, mode: str, options: dict[str, Any]
) -> None:
    data = encoded(Image.fromarray(smooth(3, 400)).convert(mode), "JPEG", **options)
    read(data)
    for cut in (data[: len(data) // 2], data[:-2]):
        with pytest.raises(ImageError) as caught:
            read(cut)
        assert caught.value.reason == "corrupt_image"


def odd(data: bytes, where: str) -> bytes:
    """With a JFIF revision or a scan header that libjpeg warns of."""
    at = data.index(b"JFIF\0") + 5 if where == "revision" else data.index(b"\xff\xda") + 2 + 12 - 3
    return data[:at] + b"\x07\x07" + data[at + 2 :]


@READERS
@pytest.mark.parametrize("where", ["revision", "scan"])
def test_oddities_of_a_header_cost_no_image_and_hide_no_damage(
    read: Callable[..., object], smooth: Any, where: str
) -> None:
    data = odd(encoded(Image.fromarray(smooth(3, 320)), "JPEG", quality=90), where)
    read(data)
    read(data + b"trailing bytes")
    middle = len(data) // 2
    with pytest.raises(ImageError, match="Corrupt JPEG data"):
        read(data[:middle] + bytes(200) + data[middle + 200 :])


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    return data[:2] + bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content + data[2:]


def test_a_jpeg_that_lies_about_its_size_does_not_fit() -> None:
    data = encoded(quarters().resize((40, 40)), "JPEG")
    frame = b"\xff\xc0\x00\x11\x08\x00\x20\x00\x20\x03" + bytes(9) + b"\xff\xda\x00\x0c" + bytes(10)
    for liar in (
        with_segment(data, 0xFE, frame),
        data[:2] + b"\xff" + with_segment(data, 0xFE, b"\x00" + frame)[2:],
        data[:2] + b"\xff\x01" + with_segment(data, 0xFE, frame)[2:],
    ):
        assert not fits(liar, 32)
    whole = encoded(quarters().resize((32, 32)), "JPEG")
    assert fits(whole[:2] + b"\xff\xff" + whole[2:], 32)  # fill bytes are legal


def test_what_is_turned_in_xmp_alone_is_not_stored_as_it_is() -> None:
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    assert not fits(with_segment(encoded(quarters().resize((32, 32)), "JPEG"), 0xE1, xmp), 32)


def test_jpegs_have_the_pixels_that_pillow_gives(smooth: Any) -> None:
    for options in ({}, {"subsampling": 0}, {"progressive": True}):
        data = encoded(Image.fromarray(smooth(5, 90)), "JPEG", **options)
        assert np.array_equal(decode_rgb(data).pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("name", ["AVIF", "HEIF", "JPEG2000"])
def test_formats_that_browsers_and_telephones_write(name: str, smooth: Callable[..., NDArray[np.uint8]]) -> None:
    pillow_heif.register_heif_opener()
    pixels, stream = smooth(1, 64), io.BytesIO()
    Image.fromarray(pixels).save(stream, name, quality=90)
    decoded = decode_rgb(stream.getvalue())
    assert decoded.format == name and np.abs(decoded.pixels.astype(int) - pixels).mean() < 8
    info = examine(stream.getvalue())
    assert (info.format, info.width, info.height) == (name, 64, 64)
    with pytest.raises(ImageError) as caught:
        decode_rgb(stream.getvalue()[: len(stream.getvalue()) // 2])
    assert caught.value.reason in ("corrupt_image", "not_an_image")


def test_a_jpeg_of_many_scans_is_refused_at_once(smooth: Callable[..., NDArray[np.uint8]]) -> None:
    """One megabyte with 30,000 scans would take a decoder half an hour."""
    stream = io.BytesIO()
    Image.fromarray(smooth(1, 64)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    assert decode_rgb(data).pixels.shape == (64, 64, 3)
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 300 + data[-2:]
    for read in (decode_rgb, examine):
        with pytest.raises(ImageError, match=r"a JPEG with 3\d\d scans, more than 100") as caught:
            read(bomb)
        assert caught.value.reason == "too_many_scans"


def test_scans_of_a_large_jpeg_count_more() -> None:
    stream = io.BytesIO()
    Image.new("L", (7000, 7000)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    assert examine(data).width == 7000
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match=r"a JPEG with 4\d scans of 7000 x 7000 pixels"):
        examine(data[:last] + data[last:-2] * 40 + data[-2:])


def test_a_jpeg_of_twelve_bits_is_named(smooth: Callable[..., NDArray[np.uint8]]) -> None:
    stream = io.BytesIO()
    Image.fromarray(smooth(1, 64)).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(ImageError, match=r"12|precision|known format"):
        decode_rgb(bytes(data))
