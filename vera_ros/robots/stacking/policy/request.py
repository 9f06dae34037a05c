# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the fields of an infer request for the reference policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ProtocolError
from vera_ros.robots.request import read_pictures
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
        pictures=read_pictures(request),
        eef=Pose.from_quaternion(_numbers(request, "eef_pos", 3), quaternion),
        gap_m=float(abs(fingers[0] - fingers[1])),
    )


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
            f"the infer request has no {name}; the reference policy needs eef_pos, eef_quat and "
            "gripper_qpos"
        )
    return request[name]
