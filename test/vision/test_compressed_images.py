# SPDX-License-Identifier: Apache-2.0
"""Compressed pictures as camera drivers publish them: formats, colour orders, damage."""

import array
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import compress, compressobj, crc32

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ImageError
from vera_ros.vision.compressed_images import decode


@dataclass
class CompressedImage:
    format: str
    data: Any


def smooth(height: int = 24, width: int = 32) -> npt.NDArray[np.uint8]:
    """Make a picture whose three channels differ and that JPEG keeps nearly as it is."""
    rows, columns = np.mgrid[0:height, 0:width]
    stack = np.stack([4 * rows + 60, 3 * columns + 20, np.full_like(rows, 200)], axis=2)
    return stack.astype(np.uint8)


def encode(pixels: npt.NDArray[Any], extension: str) -> Any:
    """Compress an array as image_transport does: OpenCV takes colours for BGR."""
    _, data = cv2.imencode(extension, np.ascontiguousarray(pixels))
    return array.array("B", data.tobytes())


def compressed(extension: str, label: str) -> CompressedImage:
    return CompressedImage(label, encode(smooth()[:, :, ::-1], extension))


def assert_close(rgb: npt.NDArray[np.uint8], expected: npt.NDArray[np.uint8]) -> None:
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).max() <= 12


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tiff", ".webp"])
@pytest.mark.parametrize(
    "label",
    [
        *("jpeg", "png", "jpg", "", "rgb8; jpeg compressed bgr8", "bgr8; png compressed bgr8"),
        *(
            "rgba8;jpeg compressed bgr8",
            "bgra8; tiff compressed bgr8",
            "rgb16; png compressed bgr16",
        ),
    ],
)
def test_a_file_gives_its_colours(extension: str, label: str) -> None:
    rgb = decode(compressed(extension, label))
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert_close(rgb, smooth())


@pytest.mark.parametrize(
    "label",
    ["rgb8; jpeg compressed ", "rgb8; jpeg compressed rgb8", "bgr8; png compressed", "rgba8; png"],
)
def test_colours_that_were_not_compressed_from_bgr_come_back(label: str) -> None:
    """The file then has red and blue swapped, as its reader in image_transport assumes."""
    extension = ".png" if "png" in label else ".jpg"
    assert_close(decode(CompressedImage(label, encode(smooth(), extension))), smooth())


@given(st.sampled_from(["rggb", "bggr", "gbrg", "grbg"]), st.tuples(*[st.integers(0, 255)] * 3))
def test_a_bayer_mosaic_in_a_grey_file_gives_its_colour(
    pattern: str, colour: tuple[int, int, int]
) -> None:
    tile = np.array([colour["rgb".index(c)] for c in pattern], np.uint8).reshape(2, 2)
    data = encode(np.tile(tile, (4, 4)), ".png")
    rgb = decode(CompressedImage(f"bayer_{pattern}8; png compressed ", data))
    assert (rgb[2:-2, 2:-2] == colour).all()


@pytest.mark.parametrize(
    "label", ["mono8; jpeg compressed ", "jpeg", "8UC1; jpeg compressed mono8"]
)
def test_a_grey_picture_has_three_equal_channels(label: str) -> None:
    grey = smooth()[:, :, 1]
    rgb = decode(CompressedImage(label, encode(grey, ".jpg")))
    assert_close(rgb, np.repeat(grey[:, :, None], 3, axis=2))


def test_sixteen_bits_keep_the_upper_eight() -> None:
    grey = smooth()[:, :, 1]
    wide = grey.astype(np.uint16) * 256 + 7
    rgb = decode(CompressedImage("mono16; png compressed ", encode(wide, ".png")))
    np.testing.assert_array_equal(rgb[:, :, 0], grey)


@pytest.mark.parametrize(
    "label", ["yuv422; jpeg compressed ", "rgb8; jpeg compressed ", "bayer_rggb16; png compressed "]
)
def test_lost_colours_are_refused_by_name(label: str) -> None:
    """A grey file of a colour camera: a policy would act on it in silence."""
    with pytest.raises(ImageError, match="colours are lost"):
        decode(CompressedImage(label, encode(smooth()[:, :, 1], ".jpg")))


@pytest.mark.parametrize(
    "label", ["16UC1; compressedDepth png", "32FC1; compressedDepth", "16UC1; png compressed "]
)
def test_a_depth_image_is_refused_by_name(label: str) -> None:
    wide = np.full((24, 32), 700, np.uint16)
    with pytest.raises(ImageError, match="depth image; set view_topics"):
        decode(CompressedImage(label, encode(wide, ".png")))


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tiff", ".webp"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9])
def test_a_cut_picture_is_refused(extension: str, kept: float) -> None:
    """Decoders like to fill what is missing with grey, without an error."""
    message = compressed(extension, extension[1:])
    message.data = message.data[: int(len(message.data) * kept)]
    with pytest.raises(ImageError, match=r"cut|begins with"):
        decode(message)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
@pytest.mark.parametrize("padding", [1, 100, 5000])
def test_padding_behind_a_picture_is_harmless(extension: str, padding: int) -> None:
    message = compressed(extension, "jpeg")
    message.data.frombytes(bytes(padding))
    assert_close(decode(message), smooth())


def damaged(how: str) -> CompressedImage:
    """Damage the entropy-coded data of a JPEG, which decoders report on stderr."""
    data = bytearray(encode(smooth(96, 128)[:, :, ::-1], ".jpg"))
    if how == "stray bytes":
        data[-2:-2] = b"\x12\x34\x56" * 5
    elif how == "early end":
        data[-400:-2] = b""
    else:
        data[700:720] = bytes(20)
    return CompressedImage("jpeg", bytes(data))


@pytest.mark.parametrize("how", ["stray bytes", "early end", "zeroes"])
def test_damage_prints_nothing(how: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Forty lines a second on stderr hide everything else."""
    with suppress(ImageError):
        decode(damaged(how))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data", [b"\xff\xd8\xff\xda\xff\xd9", b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IEND" + bytes(4)]
)
def test_a_broken_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"broken|begins with"):
        decode(CompressedImage("jpeg", data))


@given(
    st.binary(max_size=64), st.sampled_from(["jpeg", "rgb8; jpeg compressed bgr8", ";", "x;y;z"])
)
def test_garbage_is_refused(data: bytes, label: str) -> None:
    with pytest.raises(ImageError):
        decode(CompressedImage(label, data))


def declared_png(side: int) -> bytes:
    """Return a complete picture of zeros in few bytes, black and white."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc32(name + data))

    rows = compressobj()
    row = bytes(1 + (side + 7) // 8)
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def declared_jpeg(side: int) -> bytes:
    """Return a picture whose header declares other sides."""
    data = bytearray(encode(smooth(), ".jpg"))
    sides = data.index(b"\xff\xc0") + 5
    data[sides : sides + 4] = struct.pack(">HH", side, side)
    return bytes(data)


def declared_webp(side: int) -> bytes:
    """Return a canvas of these sides, with a small frame on it."""
    frame = bytes(encode(smooth(), ".webp"))[12:]
    canvas = struct.pack("<I", 0) + struct.pack("<I", side - 1)[:3] * 2
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def declared_tiff(side: int, tile: int) -> bytes:
    """Return a grey TIFF of these sides, made of one tile."""
    data = compress(bytes(1000))
    tags = {256: side, 257: side, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile, 323: tile}
    tags |= {324: 8, 325: len(data)}
    data += bytes(len(data) % 2)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    begin = b"II*\0" + struct.pack("<I", 8 + len(data))
    return begin + data + struct.pack("<H", len(tags)) + entries + bytes(4)


BOMBS: dict[str, Callable[[], bytes]] = {
    "png 30000": lambda: declared_png(30_000),
    "png 16384": lambda: declared_png(16_384),
    "png 4097": lambda: declared_png(4097),
    "jpeg 30000": lambda: declared_jpeg(30_000),
    "jpeg 12000": lambda: declared_jpeg(12_000),
    "webp 30000": lambda: declared_webp(30_000),
    "webp 16383": lambda: declared_webp(16_383),
    "tiff 30000": lambda: declared_tiff(30_000, 16),
    "tiff with tiles of 30000": lambda: declared_tiff(16, 30_000),
    "tiff with tiles of 12000": lambda: declared_tiff(16, 12_000),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_picture_that_declares_too_much_costs_nothing(bomb: Callable[[], bytes]) -> None:
    picture = CompressedImage("png", bomb())
    assert len(picture.data) < 600_000
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = memory("VmRSS")
    with pytest.raises(ImageError):
        decode(picture)
    assert memory("VmHWM") - before < 20 * 2**20


def test_the_largest_picture_is_read() -> None:
    assert decode(CompressedImage("png", declared_png(4096))).shape == (4096, 4096, 3)


def memory(name: str) -> int:
    """Return this process's memory, [bytes], by its name in the kernel's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def test_a_forged_format_is_said_in_one_line() -> None:
    with pytest.raises(ImageError) as error:
        decode(CompressedImage("png\r\n[ERROR] all is well\x1b[2J" * 1000, b"no picture"))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000
