# SPDX-License-Identifier: Apache-2.0
"""Compressed pictures as camera drivers publish them: formats, colour orders, damage."""

import array
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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


def test_a_huge_picture_is_refused_before_it_costs_memory() -> None:
    header = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (60000).to_bytes(4, "big") * 2
    data = bytearray(encode(smooth(), ".png"))
    data[: len(header)] = header
    with pytest.raises(ImageError):
        decode(CompressedImage("png", bytes(data)))
