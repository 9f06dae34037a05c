# SPDX-License-Identifier: Apache-2.0
"""Decodes compressed camera messages (sensor_msgs/CompressedImage) to RGB."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from vera_ros.errors import ImageError
from vera_ros.printable import printable
from vera_ros.vision.images import (
    RgbImage,
    bytes_of,
    check_size,
    demosaic,
    is_bayer,
    refuse_depth,
)

_TILE_WIDTH, _TILE_LENGTH = 322, 323  # tags of TIFF
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
    pixels = _read(message)
    if not separator:
        return _rgb(pixels)
    if pixels.ndim == 3:
        swapped = encoding in _COLOUR and "compressed bgr" not in rest
        return np.ascontiguousarray(pixels[:, :, ::-1]) if swapped else pixels
    if is_bayer(encoding):
        return demosaic(pixels, encoding)
    if encoding and encoding not in _GREY:
        raise ImageError(
            f"compressed image '{printable(message.format)}' is grey, although the camera's "
            f"encoding is '{printable(encoding)}': its colours are lost; have the driver publish "
            "rgb8 or bgr8"
        )
    return _rgb(pixels)


def _read(message: CompressedImageMessage) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the pixels in 8 bits. Shape (H, W) for a grey picture, else (H, W, 3) in RGB."""
    data = bytes_of(message.data)
    name = printable(message.format)
    try:
        picture = Image.open(BytesIO(data.tobytes()), formats=_FORMATS)
        check_size(picture.height, picture.width)  # by the header: nothing is decoded yet
        tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})  # of a TIFF, decoded by the tile
        check_size(tags.get(_TILE_LENGTH, 1), tags.get(_TILE_WIDTH, 1))
        return _pixels(picture)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"compressed image '{name}' begins with {data[:8].tobytes().hex(' ')}; only "
            f"{', '.join(_FORMATS)} can be read; set one of them in the publisher's image transport"
        ) from error
    except Exception as error:  # Pillow's readers raise whatever broken data bring about
        raise ImageError(
            f"compressed image '{name}' of {data.size} bytes is broken, or was cut on its way or "
            f"by the camera: {printable(str(error)) or type(error).__name__}"
        ) from error


def _pixels(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if picture.mode.startswith("I"):  # 16 bits
        wide = np.array(picture)
        np.clip(wide, 0, 65535, out=wide)
        wide >>= 8
        return wide.astype(np.uint8)
    if picture.mode == "F":
        refuse_depth("32FC1")
    return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))


def _rgb(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> RgbImage:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
