# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the fields of an infer request for the reference policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ProtocolError
from vera_ros.robots.pinhole import Pose
from vera_ros.robots.request import read_numbers, read_pictures


@dataclass(frozen=True)
class Observation:
    """The observation in a request.

    Attributes:
        pictures: the newest picture of each view, by its key: Shape (H, W, 3), RGB.
        eef: the end effector in the base frame.
        fingers_m: distance between the two values of gripper_qpos.
    """

    pictures: dict[str, npt.NDArray[np.uint8]]
    eef: Pose
    fingers_m: float


def read_observation(request: Mapping[str, Any]) -> Observation:
    """Read an infer request.

    Raises:
        ProtocolError: a field is missing or does not fit; the message names it.
    """
    fingers = read_numbers(request, "gripper_qpos", 2)
    quaternion = read_numbers(request, "eef_quat", 4)
    if abs(float(np.linalg.norm(quaternion)) - 1) > 1e-2:
        raise ProtocolError(
            f"eef_quat is {quaternion.tolist()}; it must have length 1 (x, y, z, w)"
        )
    return Observation(
        pictures=read_pictures(request),
        eef=Pose.from_quaternion(read_numbers(request, "eef_pos", 3), quaternion),
        fingers_m=float(abs(fingers[0] - fingers[1])),
    )
