# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the fields of an infer request for the reference policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ProtocolError
from vera_ros.robots.stacking.policy.cameras import Array, Pose


@dataclass(frozen=True)
class Observation:
    """The observation in a request.

    Attributes:
        pictures: the newest picture of each view, by its key: Shape (H, W, 3), RGB.
        eef: the end effector in the base frame.
        gap_m: distance between the finger pads.
    """

    pictures: dict[str, npt.NDArray[np.uint8]]
    eef: Pose
    gap_m: float


def read_observation(request: Mapping[str, Any]) -> Observation:
    """Read an infer request.

    Raises:
        ProtocolError: a field is missing or does not fit; the message names it.
    """
    fingers = _numbers(request, "gripper_qpos", 2)
    quaternion = _numbers(request, "eef_quat", 4)
    if abs(float(np.linalg.norm(quaternion)) - 1) > 1e-2:
        raise ProtocolError(
            f"eef_quat is {quaternion.tolist()}; it must have length 1 (x, y, z, w)"
        )
    return Observation(
        pictures=_pictures(request),
        eef=Pose.from_quaternion(_numbers(request, "eef_pos", 3), quaternion),
        gap_m=float(abs(fingers[0] - fingers[1])),
    )


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


def read_pending(request: Mapping[str, Any], most: int) -> Array | None:
    """Return the actions that will still be played (`pending_actions`), Shape (n, 7).

    None: the request has none, so the arm rests.

    Raises:
        ProtocolError: they are not `most` or fewer rows of seven finite floats.
    """
    if request.get("pending_actions") is None:
        return None
    pending = np.asarray(request["pending_actions"])
    if pending.dtype.kind != "f" or pending.ndim != 2 or pending.shape[1] != 7:
        raise ProtocolError(
            f"pending_actions has shape {pending.shape} and type {pending.dtype}; it must be float "
            "of shape (n, 7)"
        )
    if len(pending) > most or not np.isfinite(pending).all():
        raise ProtocolError(
            f"pending_actions has {len(pending)} rows; it must be at most {most}, of finite numbers"
        )
    return pending.astype(np.float64)


def _pictures(request: Mapping[str, Any]) -> dict[str, npt.NDArray[np.uint8]]:
    rgb = np.asarray(_field(request, "context_rgb"))
    if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[3] != 3 or 0 in rgb.shape:
        raise ProtocolError(
            f"context_rgb has shape {rgb.shape} and type {rgb.dtype}; it must be uint8 of shape "
            "(T, H, sum of the views' widths, 3) with at least one frame"
        )
    keys = [str(key) for key in _field(request, "view_keys")]
    widths = [int(width) for width in _field(request, "view_widths")]
    if len(keys) != len(widths) or min(widths, default=0) < 1 or sum(widths) != rgb.shape[2]:
        raise ProtocolError(
            f"view_widths {widths} must hold one positive width for each of view_keys {keys}, "
            f"{rgb.shape[2]} px together (the width of context_rgb)"
        )
    parts = np.split(rgb[-1], np.cumsum(widths)[:-1], axis=1)
    return dict(zip(keys, parts, strict=True))


def _numbers(request: Mapping[str, Any], name: str, count: int) -> Array:
    try:
        numbers = np.asarray(_field(request, name), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"{name} must hold {count} numbers: {error}") from error
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ProtocolError(f"{name} is {numbers.tolist()}; it must hold {count} finite numbers")
    return numbers


def _field(request: Mapping[str, Any], name: str) -> Any:
    if request.get(name) is None:
        raise ProtocolError(
            f"the infer request has no {name}; the reference policy needs context_rgb, view_keys, "
            "view_widths, eef_pos, eef_quat and gripper_qpos"
        )
    return request[name]
