# SPDX-License-Identifier: Apache-2.0
"""Decodes compressed camera messages (sensor_msgs/CompressedImage) to RGB."""

from io import BytesIO
from typing import Any, Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from vera_ros.errors import ImageError
from vera_ros.vision.images import (
    RgbImage,
    bytes_of,
    check_size,
    demosaic,
    is_bayer,
    refuse_depth,
)

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
_COLOUR = tuple(f"{order}{bits}" for order in ("rgb", "bgr", "rgba", "bgra") for bits in (8, 16))
_GREY = ("mono8", "mono16", "8UC1")


class CompressedImageMessage(Protocol):
    """Anything shaped like sensor_msgs/CompressedImage."""

    format: str
    data: Any


def decode(message: CompressedImageMessage) -> RgbImage:
    """Return the picture that a sensor_msgs/CompressedImage carries. Shape (H, W, 3), uint8, RGB.

    `message.format` is read as image_transport's `compressed` writes it: a file format alone, or
    "<camera's encoding>; <file format> compressed <colour order>". There, colours that were not
    compressed from BGR have red and blue swapped in the file, and a Bayer image is a grey file.

    Raises:
        ImageError: the data is not a complete picture, or its colours are lost.
    """
    encoding, separator, rest = (part.strip() for part in message.format.partition(";"))
    if "compressedDepth" in rest:
        encoding = "16UC1"
    refuse_depth(encoding)
    picture = _open(message)
    pixels = _pixels(picture, message.format)
    if not separator:
        return _rgb(pixels)
    if pixels.ndim == 3:
        swapped = encoding in _COLOUR and "compressed bgr" not in rest
        return np.ascontiguousarray(pixels[:, :, ::-1]) if swapped else pixels
    if is_bayer(encoding):
        return demosaic(pixels, encoding)
    if encoding and encoding not in _GREY:
        raise ImageError(
            f"compressed image '{message.format}' is grey, although the camera's encoding is "
            f"'{encoding}': its colours are lost; have the driver publish rgb8 or bgr8"
        )
    return _rgb(pixels)


def _open(message: CompressedImageMessage) -> Image.Image:
    data = bytes_of(message.data)
    try:
        picture = Image.open(BytesIO(data.tobytes()), formats=_FORMATS)
        check_size(picture.height, picture.width)
        picture.load()
    except UnidentifiedImageError as error:
        raise ImageError(
            f"compressed image '{message.format}' begins with {data[:8].tobytes().hex(' ')}; only "
            f"{', '.join(_FORMATS)} can be read; set one of them in the publisher's image transport"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ImageError(
            f"compressed image '{message.format}' of {data.size} bytes is broken, or was cut on "
            f"its way or by the camera: {error}"
        ) from error
    return picture


def _pixels(picture: Image.Image, name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the pixels in 8 bits. Shape (H, W) for a grey picture, else (H, W, 3) in RGB."""
    if picture.mode.startswith("I"):  # 16 bits
        wide = np.asarray(picture, np.int64)
        return np.asarray(np.clip(wide, 0, 65535) >> 8, np.uint8)
    if picture.mode == "F":
        refuse_depth("32FC1")
    return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))


def _rgb(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> RgbImage:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
