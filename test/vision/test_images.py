# SPDX-License-Identifier: Apache-2.0
"""Every encoding against a pixel-by-pixel reference, paddings, and every way to be refused."""

import array
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ImageError, MissingDependencyError
from vera_ros.vision import images
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


def rgb8(height: int = 2, width: int = 3) -> Image:
    raw = bytes(i % 256 for i in range(height * width * 3))
    return Image(height, width, "rgb8", width * 3, array.array("B", raw))


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


@pytest.fixture
def import_anew() -> Iterator[None]:
    """cv_bridge is imported once per process."""
    images._cv_bridge.cache_clear()
    yield
    images._cv_bridge.cache_clear()


@pytest.mark.usefixtures("import_anew")
@pytest.mark.parametrize("encoding", ["bayer_rggb16", "mono16", "nv12", "", "nonsense"])
def test_without_cv_bridge_the_error_says_what_to_install(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    message = Image(2, 4, encoding, 8, bytes(16))
    with pytest.raises(MissingDependencyError, match="cv-bridge") as caught:
        to_rgb(message)
    for word in (f"'{encoding}'", "bgr8", "JPEG", "ros-<distro>-cv-bridge"):
        assert word in str(caught.value)


@pytest.mark.usefixtures("import_anew")
@pytest.mark.parametrize(
    "error", [AttributeError("_ARRAY_API not found"), SystemError("null"), RuntimeError("numpy")]
)
def test_a_cv_bridge_that_cannot_be_imported_is_one_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was built for another NumPy raises anything but ImportError."""
    attempts = []

    class Finder:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "cv_bridge":
                attempts.append(name)
                raise error

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    for _ in range(3):
        with pytest.raises(MissingDependencyError, match=str(error)):
            to_rgb(Image(2, 4, "mono16", 8, bytes(16)))
    assert len(attempts) == 1


class StandInBridge:
    """Stands in for cv_bridge.CvBridge: yellow for what it knows, its own error otherwise."""

    def imgmsg_to_cv2(self, message: Image, encoding: str) -> npt.NDArray[np.uint8]:
        assert encoding == "rgb8"
        if message.encoding != "mono16":
            raise TypeError(f"unrecognized image encoding [{message.encoding}]")
        return np.full((message.height, message.width, 3), (255, 255, 0), np.uint8)


@pytest.mark.usefixtures("import_anew")
def test_other_encodings_go_through_cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv_bridge", SimpleNamespace(CvBridge=StandInBridge))
    rgb = to_rgb(Image(2, 4, "mono16", 8, bytes(16)))
    assert (rgb == (255, 255, 0)).all()
    with pytest.raises(ImageError, match=r"nonsense.*unrecognized"):
        to_rgb(Image(2, 4, "nonsense", 4, bytes(8)))
    with pytest.raises(ImageError, match="empty"):
        to_rgb(Image(2, 4, "mono16", 4, b""))


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_a_depth_image_is_refused_by_name(encoding: str) -> None:
    with pytest.raises(ImageError, match=f"'{encoding}'.*depth.*view_topics"):
        to_rgb(Image(2, 4, encoding, 16, bytes(32)))


PATTERNS = ("rggb", "bggr", "gbrg", "grbg")  # of 2 x 2 px, row by row


def mosaic(pattern: str, colour: tuple[int, int, int], size: int = 8) -> npt.NDArray[np.uint8]:
    """Make what a camera with this Bayer pattern sees of one colour. Shape (size, size)."""
    tile = np.array([colour["rgb".index(c)] for c in pattern], np.uint8).reshape(2, 2)
    return np.tile(tile, (size // 2, size // 2))


@given(
    st.sampled_from(PATTERNS),
    st.tuples(*[st.integers(0, 255)] * 3),
    st.integers(0, 5),
)
def test_a_bayer_pattern_gives_its_colour(
    pattern: str, colour: tuple[int, int, int], padding: int
) -> None:
    raw = np.pad(mosaic(pattern, colour), ((0, 0), (0, padding)))
    rgb = to_rgb(Image(8, 8, f"bayer_{pattern}8", 8 + padding, raw.tobytes()))
    assert rgb.shape == (8, 8, 3)
    assert (rgb[2:-2, 2:-2] == colour).all()


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")],
)
@pytest.mark.parametrize("colour", [(250, 10, 10), (10, 240, 20), (20, 30, 250), (90, 90, 90)])
def test_a_yuv_picture_gives_its_colour(
    encoding: str, order: str, colour: tuple[int, int, int]
) -> None:
    r, g, b = colour
    y = 16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256  # ITU-R BT.601
    u = 128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256
    v = 128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256
    pair = bytes(round({"y": y, "u": u, "v": v}[c]) for c in order)
    rgb = to_rgb(Image(2, 4, encoding, 8, pair * 4))
    assert np.abs(rgb.astype(int) - colour).max() <= 3


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Image(2, 3, "yuyv", 6, bytes(12)), "width is 3 px.*even"),
        (Image(1, 4, "bayer_rggb8", 4, bytes(4)), "1 x 4 px.*2 x 2"),
        (Image(2, 4, "uyvy", 4, bytes(8)), "takes 8"),
    ],
)
def test_a_size_that_the_encoding_cannot_have_is_refused(message: Image, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        to_rgb(message)
