# SPDX-License-Identifier: Apache-2.0
"""Converts raw camera messages (sensor_msgs/Image) to RGB."""

from functools import cache
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from vera_ros.errors import ImageError, MissingDependencyError
from vera_ros.printable import printable

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""Shape (H, W, 3), uint8, RGB."""

MAX_SIDE_PX = 16384
MAX_PIXELS = 2**24  # twice 4K; takes some 150 MB while it is decoded

# Encoding -> bytes per pixel, OpenCV conversion to RGB (None: already RGB). The names of the 8UC
# family carry no colour order: they are read in OpenCV's own, grey, BGR and BGRA, as cv_bridge
# shows them. OpenCV names a Bayer pattern by its second row, from the second column on.
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),
    "8UC4": (4, cv2.COLOR_BGRA2RGB),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUY2),
}
_DEPTH = ("16UC1", "32FC1")


class ImageMessage(Protocol):
    """Anything shaped like sensor_msgs/Image."""

    height: int
    width: int
    encoding: str
    step: int
    data: Any


def to_rgb(message: ImageMessage) -> RgbImage:
    """Return the picture that a sensor_msgs/Image carries. Shape (H, W, 3), uint8, RGB.

    `message.data` is anything with a buffer of bytes (array.array, bytes, NumPy). An rgb8 picture
    is a read-only view of it, without a copy; its rows keep the message's padding as a stride.
    Every other picture is a new C-contiguous array.

    Raises:
        ImageError: the message is inconsistent, or its data is not a picture.
        MissingDependencyError: the encoding needs cv_bridge, which is not installed.
    """
    check_size(message.height, message.width)
    if message.encoding in _ENCODINGS:
        return _convert(message)
    return _convert_by_cv_bridge(message)


def _convert(message: ImageMessage) -> RgbImage:
    channels, code = _ENCODINGS[message.encoding]
    height, width, step = message.height, message.width, message.step
    row = width * channels
    data = bytes_of(message.data)
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
    if is_bayer(message.encoding):
        return demosaic(np.ascontiguousarray(pixels[:, :, 0]), message.encoding)
    if channels == 2 and width % 2:
        raise ImageError(f"width is {width} px; '{message.encoding}' needs an even width")
    rgb: RgbImage = cv2.cvtColor(pixels, code)
    return rgb


def demosaic(mosaic: npt.NDArray[np.uint8], encoding: str) -> RgbImage:
    """Return the colours of a Bayer mosaic. `mosaic`: Shape (H, W); `encoding`: a bayer_*8."""
    code = _ENCODINGS[encoding][1]
    assert code is not None
    if min(mosaic.shape) < 2:
        raise ImageError(
            f"image is {mosaic.shape[0]} x {mosaic.shape[1]} px (height x width); '{encoding}' "
            "needs 2 x 2 px or more"
        )
    rgb: RgbImage = cv2.cvtColor(mosaic, code)
    return rgb


def is_bayer(encoding: str) -> bool:
    """Return whether an encoding is a Bayer mosaic that `demosaic` can convert."""
    return encoding.startswith("bayer_") and encoding in _ENCODINGS


def refuse_depth(encoding: str) -> None:
    """Refuse the encoding of a depth image.

    Raises:
        ImageError: it is one.
    """
    if encoding in _DEPTH:
        raise ImageError(
            f"encoding '{encoding}' is that of a depth image; set view_topics to the camera's "
            "colour image"
        )


def _convert_by_cv_bridge(message: ImageMessage) -> RgbImage:
    bytes_of(message.data)
    refuse_depth(message.encoding)
    bridge, fault = _cv_bridge()
    if bridge is None:
        raise MissingDependencyError(
            f"encoding '{printable(message.encoding)}' needs cv_bridge, which cannot be imported "
            f"({fault}); without it {', '.join(_ENCODINGS)}, JPEG and PNG work; set one of them in "
            "the camera driver, or install ros-<distro>-cv-bridge (for example "
            "ros-jazzy-cv-bridge) with the NumPy that it was built for"
        )
    try:
        # CvBridgeError is a TypeError; the converters below it raise the other two.
        rgb: RgbImage = bridge.imgmsg_to_cv2(message, "rgb8")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ImageError(
            f"cv_bridge cannot turn encoding '{printable(message.encoding)}' into rgb8: "
            f"{printable(str(error))}; "
            f"set one of {', '.join(_ENCODINGS)} in the camera driver"
        ) from error
    return rgb


@cache
def _cv_bridge() -> tuple[Any, str]:
    """Return a cv_bridge.CvBridge and "", or None and why there is none; imported only once.

    One that was built for another major version of NumPy raises errors other than ImportError,
    and prints a page at each attempt.
    """
    try:
        import cv_bridge

        return cv_bridge.CvBridge(), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def bytes_of(data: Any) -> npt.NDArray[np.uint8]:
    """Return a read-only view of a message's data. Shape (N,), N > 0.

    Raises:
        ImageError: it is empty, or no buffer of bytes.
    """
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


def check_size(height: int, width: int) -> None:
    """Refuse a picture without pixels, or with too many for memory.

    Raises:
        ImageError: a side is not from 1 to MAX_SIDE_PX, or there are more than MAX_PIXELS.
    """
    sides = 0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX
    if not sides or height * width > MAX_PIXELS:
        raise ImageError(
            f"image is {height} x {width} px (height x width); each side must be from 1 to "
            f"{MAX_SIDE_PX}, and both together at most {MAX_PIXELS} px; set a lower resolution in "
            "the camera driver"
        )
