# SPDX-License-Identifier: Apache-2.0
"""Reads the fields of an infer request that every reference policy needs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ProtocolError


def read_pictures(request: Mapping[str, Any]) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the newest picture of each view, by its key: Shape (H, W, 3), RGB.

    Raises:
        ProtocolError: a field is missing or does not fit; the message names it.
    """
    missing = [n for n in ("context_rgb", "view_keys", "view_widths") if request.get(n) is None]
    if missing:
        raise ProtocolError(
            f"the infer request has no {missing[0]}; the reference policy needs context_rgb, "
            "view_keys and view_widths"
        )
    rgb = np.asarray(request["context_rgb"])
    if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[3] != 3 or 0 in rgb.shape:
        raise ProtocolError(
            f"context_rgb has shape {rgb.shape} and type {rgb.dtype}; it must be uint8 of shape "
            "(T, H, sum of the views' widths, 3) with at least one frame"
        )
    keys = [str(key) for key in request["view_keys"]]
    widths = [int(width) for width in request["view_widths"]]
    if len(keys) != len(widths) or min(widths, default=0) < 1 or sum(widths) != rgb.shape[2]:
        raise ProtocolError(
            f"view_widths {widths} must hold one positive width for each of view_keys {keys}, "
            f"{rgb.shape[2]} px together (the width of context_rgb)"
        )
    parts = np.split(rgb[-1], np.cumsum(widths)[:-1], axis=1)
    return dict(zip(keys, parts, strict=True))


def read_horizon(request: Mapping[str, Any], default: int, most: int) -> int:
    """Return how many actions the request asks for (`execute_horizon`), `default` if it does not.

    Raises:
        ProtocolError: it is no whole number from 1 to `most`.
    """
    horizon = request.get("execute_horizon")
    if horizon is None:
        return default
    if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)):
        raise ProtocolError(f"execute_horizon is {horizon!r}; it must be a whole number")
    if not 1 <= horizon <= most:
        raise ProtocolError(f"execute_horizon is {horizon}; it must be within 1 to {most}")
    return int(horizon)


def read_pending(
    request: Mapping[str, Any], most: int, columns: int
) -> npt.NDArray[np.float64] | None:
    """Return the actions that will still be played (`pending_actions`), Shape (n, columns).

    None: the request has none, so the robot rests.

    Raises:
        ProtocolError: they are not `most` or fewer rows of so many finite floats.
    """
    if request.get("pending_actions") is None:
        return None
    pending = np.asarray(request["pending_actions"])
    if pending.dtype.kind != "f" or pending.ndim != 2 or pending.shape[1] != columns:
        raise ProtocolError(
            f"pending_actions has shape {pending.shape} and type {pending.dtype}; it must be float "
            f"of shape (n, {columns})"
        )
    if len(pending) > most or not np.isfinite(pending).all():
        raise ProtocolError(
            f"pending_actions has {len(pending)} rows; it must be at most {most}, of finite numbers"
        )
    return pending.astype(np.float64)


def read_numbers(request: Mapping[str, Any], name: str, count: int) -> npt.NDArray[np.float64]:
    """Return a vector of proprioception. Shape (count,).

    Raises:
        ProtocolError: it is missing, or does not have so many finite numbers.
    """
    if request.get(name) is None:
        raise ProtocolError(f"the infer request has no {name}, which the reference policy needs")
    try:
        numbers = np.asarray(request[name], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"{name} must hold {count} numbers: {error}") from error
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ProtocolError(f"{name} is {numbers.tolist()}; it must hold {count} finite numbers")
    return numbers
