# SPDX-License-Identifier: Apache-2.0
"""Every encoding against a pixel-by-pixel reference, paddings, and every way to be refused."""

import array
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ImageError, MissingDependencyError
from vera_ros.vision.images import to_rgb

# Which of a pixel's bytes are red, green and blue.
ORDER = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
    "8UC1": (1, (0, 0, 0)),
    "8UC3": (3, (2, 1, 0)),
    "8UC4": (4, (2, 1, 0)),
}
CARRIERS: list[Callable[[bytes], Any]] = [
    bytes,
    bytearray,
    lambda raw: array.array("B", raw),
    lambda raw: np.frombuffer(raw, np.uint8),
]


@dataclass
class Image:
    height: int
    width: int
    encoding: str
    step: int
    data: Any


@dataclass
class CompressedImage:
    format: str
    data: Any


def rgb8(height: int = 2, width: int = 3) -> Image:
    raw = bytes(i % 256 for i in range(height * width * 3))
    return Image(height, width, "rgb8", width * 3, array.array("B", raw))


def smooth(height: int = 24, width: int = 32) -> npt.NDArray[np.uint8]:
    """Make a picture whose three channels differ and that JPEG keeps nearly as it is."""
    rows, columns = np.mgrid[0:height, 0:width]
    stack = np.stack([4 * rows + 60, 3 * columns + 20, np.full_like(rows, 200)], axis=2)
    return stack.astype(np.uint8)


def compressed(extension: str, label: str) -> CompressedImage:
    _, data = cv2.imencode(extension, np.ascontiguousarray(smooth()[:, :, ::-1]))
    return CompressedImage(label, array.array("B", data.tobytes()))


@st.composite
def messages(draw: st.DrawFn) -> Image:
    encoding = draw(st.sampled_from(sorted(ORDER)))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    step = width * ORDER[encoding][0] + draw(st.integers(0, 5))
    raw = draw(st.binary(min_size=height * step, max_size=height * step))
    return Image(height, width, encoding, step, draw(st.sampled_from(CARRIERS))(raw))


@given(messages())
def test_every_pixel_is_where_and_what_the_encoding_says(message: Image) -> None:
    rgb = to_rgb(message)
    channels, order = ORDER[message.encoding]
    raw = bytes(message.data)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (message.height, message.width, 3)
    for row in range(message.height):
        for column in range(message.width):
            pixel = row * message.step + column * channels
            assert rgb[row, column].tolist() == [raw[pixel + c] for c in order]


@given(st.sampled_from(CARRIERS), st.integers(0, 4))
def test_rgb8_is_a_read_only_view_of_the_message(
    carry: Callable[[bytes], Any], padding: int
) -> None:
    message = Image(2, 3, "rgb8", 9 + padding, carry(bytes(2 * (9 + padding))))
    rgb = to_rgb(message)
    assert np.shares_memory(rgb, np.frombuffer(message.data, np.uint8))
    assert not rgb.flags.writeable
    assert rgb.flags.c_contiguous == (padding == 0)


def test_other_encodings_are_contiguous_copies() -> None:
    message = Image(2, 3, "bgr8", 10, bytes(20))
    assert to_rgb(message).flags.c_contiguous


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"height": 0}, "0 x 3 px"),
        ({"width": -3}, "2 x -3 px"),
        ({"width": 10**6}, "2 x 1000000 px"),
        ({"step": 8}, "step is 8 bytes.*takes 9"),
        ({"step": 0}, "step is 0 bytes"),
        ({"step": 10}, "18 bytes.*makes 20"),
        ({"height": 3}, "18 bytes.*makes 27"),
        ({"data": b""}, "empty"),
        ({"data": [0] * 18}, "list"),
        ({"data": None}, "NoneType"),
        ({"data": np.zeros(18, np.float32)}, "ndarray"),
        ({"data": np.zeros(36, np.uint8)[::2]}, "contiguous"),
    ],
)
def test_an_inconsistent_message_is_refused_with_its_values(
    change: dict[str, Any], says: str
) -> None:
    message = rgb8()
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError, match=says):
        to_rgb(message)


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "mono16", "yuv422", "16UC1", "", "nonsense"])
def test_without_cv_bridge_the_error_says_what_to_install(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    message = Image(2, 4, encoding, 8, bytes(16))
    with pytest.raises(MissingDependencyError, match="cv-bridge") as caught:
        to_rgb(message)
    for word in (f"'{encoding}'", "bgr8", "JPEG", "ros-<distro>-cv-bridge"):
        assert word in str(caught.value)


class StandInBridge:
    """Stands in for cv_bridge.CvBridge: yellow for what it knows, its own error otherwise."""

    def imgmsg_to_cv2(self, message: Image, encoding: str) -> npt.NDArray[np.uint8]:
        assert encoding == "rgb8"
        if message.encoding != "bayer_rggb8":
            raise TypeError(f"unrecognized image encoding [{message.encoding}]")
        return np.full((message.height, message.width, 3), (255, 255, 0), np.uint8)


def test_other_encodings_go_through_cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", SimpleNamespace(CvBridge=StandInBridge))
    rgb = to_rgb(Image(2, 4, "bayer_rggb8", 4, bytes(8)))
    assert (rgb == (255, 255, 0)).all()
    with pytest.raises(ImageError, match=r"nonsense.*unrecognized"):
        to_rgb(Image(2, 4, "nonsense", 4, bytes(8)))
    with pytest.raises(ImageError, match="empty"):
        to_rgb(Image(2, 4, "bayer_rggb8", 4, b""))


@pytest.mark.parametrize("label", ["jpeg", "png", "rgb8; jpeg compressed bgr8"])
def test_compressed_pictures_come_back_in_rgb(label: str) -> None:
    message = compressed(".png" if label == "png" else ".jpg", label)
    rgb = to_rgb(message)
    assert rgb.flags.c_contiguous
    tolerance = 0 if label == "png" else 12
    assert np.abs(rgb.astype(int) - smooth()).max() <= tolerance


@pytest.mark.parametrize("extension", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9])
def test_a_cut_picture_is_refused(extension: str, kept: float) -> None:
    """OpenCV decodes half a JPEG and fills the rest with grey, without an error."""
    message = compressed(extension, extension[1:])
    message.data = message.data[: int(len(message.data) * kept)]
    with pytest.raises(ImageError, match="cut"):
        to_rgb(message)


def test_padding_behind_a_picture_is_harmless() -> None:
    message = compressed(".jpg", "jpeg")
    message.data.frombytes(bytes(100))
    assert to_rgb(message).shape == (24, 32, 3)


@pytest.mark.parametrize(
    "data", [b"\xff\xd8\xff\xda\xff\xd9", b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IEND" + bytes(4)]
)
def test_a_broken_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="broken"):
        to_rgb(CompressedImage("jpeg", data))


@given(st.binary(max_size=64))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        to_rgb(CompressedImage("16UC1; compressedDepth png", data))
