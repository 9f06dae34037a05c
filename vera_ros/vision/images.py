# SPDX-License-Identifier: Apache-2.0
"""Converts camera messages (sensor_msgs/Image, sensor_msgs/CompressedImage) to RGB."""

from typing import Any, Protocol, TypeAlias, runtime_checkable

import cv2
import numpy as np
import numpy.typing as npt

from vera_ros.errors import ImageError, MissingDependencyError

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""Shape (H, W, 3), uint8, RGB."""

MAX_SIDE_PX = 16384

# Encoding -> channels, OpenCV conversion to RGB (None: already RGB). The names of the 8UC family
# carry no colour order: they are read in OpenCV's own, grey, BGR and BGRA, as cv_bridge shows them.
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),
    "8UC4": (4, cv2.COLOR_BGRA2RGB),
}

_JPEG_MAGIC = b"\xff\xd8\xff"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


class ImageMessage(Protocol):
    """Anything shaped like sensor_msgs/Image."""

    height: int
    width: int
    encoding: str
    step: int
    data: Any


@runtime_checkable
class CompressedImageMessage(Protocol):
    """Anything shaped like sensor_msgs/CompressedImage."""

    format: str
    data: Any


def to_rgb(message: ImageMessage | CompressedImageMessage) -> RgbImage:
    """Return the picture that a camera message carries. Shape (H, W, 3), uint8, RGB.

    `message.data` is anything with a buffer of bytes (array.array, bytes, NumPy). An rgb8 picture
    is a read-only view of it, without a copy; its rows keep the message's padding as a stride.
    Every other picture is a new C-contiguous array.

    Raises:
        ImageError: the message is inconsistent, or its data is not a picture.
        MissingDependencyError: the encoding needs cv_bridge, which is not installed.
    """
    if isinstance(message, CompressedImageMessage):
        return _decode(message)
    _check_size(message.height, message.width)
    if message.encoding in _ENCODINGS:
        return _convert(message)
    return _convert_by_cv_bridge(message)


def _convert(message: ImageMessage) -> RgbImage:
    channels, code = _ENCODINGS[message.encoding]
    height, width, step = message.height, message.width, message.step
    row = width * channels
    data = _bytes_of(message.data)
    if step < row:
        raise ImageError(
            f"step is {step} bytes, but a row of {width} px in {message.encoding} takes {row}; "
            "the camera driver must send step >= width * channels"
        )
    if data.size != height * step:
        raise ImageError(
            f"image data is {data.size} bytes; height {height} * step {step} makes "
            f"{height * step}; the message was cut or wrongly filled by its sender"
        )
    pixels = data.reshape(height, step)[:, :row].reshape(height, width, channels)
    if code is None:
        return pixels
    rgb: RgbImage = cv2.cvtColor(pixels, code)
    return rgb


def _convert_by_cv_bridge(message: ImageMessage) -> RgbImage:
    _bytes_of(message.data)
    try:
        import cv_bridge

        bridge = cv_bridge.CvBridge()
        # CvBridgeError is a TypeError; the converters below it raise the other two.
        rgb: RgbImage = bridge.imgmsg_to_cv2(message, "rgb8")
    except ImportError as error:
        raise MissingDependencyError(
            f"encoding '{message.encoding}' needs cv_bridge, which cannot be imported ({error}); "
            f"without it {', '.join(_ENCODINGS)}, JPEG and PNG work; set one of them in the "
            "camera driver, or install ros-<distro>-cv-bridge (for example ros-jazzy-cv-bridge)"
        ) from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise ImageError(
            f"cv_bridge cannot turn encoding '{message.encoding}' into rgb8: {error}; "
            f"set one of {', '.join(_ENCODINGS)} in the camera driver"
        ) from error
    return rgb


def _decode(message: CompressedImageMessage) -> RgbImage:
    data = _bytes_of(message.data)
    _check_complete(data.tobytes(), message.format)
    try:
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"compressed image '{message.format}' is broken: {error}") from error
    if bgr is None:
        raise ImageError(
            f"compressed image '{message.format}' of {data.size} bytes cannot be decoded; "
            "the sender wrote a broken JPEG or PNG"
        )
    _check_size(*bgr.shape[:2])
    rgb: RgbImage = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb


def _check_complete(data: bytes, name: str) -> None:
    """Refuse other formats and cut files: decoders fill what is missing with grey, silently."""
    if data.startswith(_JPEG_MAGIC):
        # Neither marker can occur inside a scan, so the end must follow the last scan's start.
        complete = data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    elif data.startswith(_PNG_MAGIC):
        complete = _has_all_png_chunks(data)
    else:
        raise ImageError(
            f"compressed image '{name}' begins with {data[:8].hex(' ')}; only JPEG and PNG can be "
            "read; set one of them in the publisher's image transport"
        )
    if not complete:
        raise ImageError(
            f"compressed image '{name}' of {len(data)} bytes ends before the picture does; "
            "it was cut on its way or by the camera"
        )


def _has_all_png_chunks(data: bytes) -> bool:
    """Walk from chunk to chunk (length, name, content, checksum) to the last one."""
    at = len(_PNG_MAGIC)
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def _bytes_of(data: Any) -> npt.NDArray[np.uint8]:
    """Return a read-only view of a message's data. Shape (N,), N > 0."""
    try:
        view: memoryview | None = memoryview(data)
    except TypeError:
        view = None
    if view is None or view.itemsize != 1 or not view.c_contiguous:
        raise ImageError(
            f"image data is {type(data).__name__}; it must be one contiguous buffer of bytes "
            "(array.array('B'), bytes or a uint8 array)"
        )
    if not view.nbytes:
        raise ImageError("image data is empty; the camera sends messages without a picture")
    return np.frombuffer(view.toreadonly(), dtype=np.uint8)


def _check_size(height: int, width: int) -> None:
    if not (0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX):
        raise ImageError(
            f"image is {height} x {width} px (height x width); each side must be from 1 to "
            f"{MAX_SIDE_PX}"
        )
