# SPDX-License-Identifier: Apache-2.0
"""Limits of the joint by which a gripper is commanded, compared with its description."""

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.urdf_joints import find_joint
from vera_ros.motion.limits import GripperLimits

# Farthest from zero, and fastest, of a joint that slides [m, m/s] and of one that turns.
_MOST = {"m": (0.2, 0.5), "rad": (3.2, 10.0)}
_BEYOND = 0.05  # share of the range by which a position may be outside: makers round differently
_TURNING = ("revolute", "continuous")


def gripper_limits(
    urdf: str, joint: str, *, opened: float, closed: float, speed: float, duration_s: float
) -> GripperLimits:
    """Return the limits of a gripper's commanded joint, in the unit that its description implies.

    A joint that the URDF does not have is taken to slide, unless its positions are too large for
    that.

    Args:
        urdf: a valid URDF.
        joint: the joint's name.
        opened: position when open, above or below `closed` [m or rad].
        closed: position when closed.
        speed: largest speed [m/s or rad/s].
        duration_s: longest trajectory.

    Raises:
        ConfigurationError: the positions are the same, or not possible for this joint.
    """
    given = f"gripper_open_m is {opened}, gripper_closed_m {closed}"
    if opened == closed:
        raise ConfigurationError(
            f"{given}; valid are two positions of '{joint}', as joint_states has them with the "
            "gripper open and closed"
        )
    kind, low, high = _find(urdf, joint)
    farthest = max(abs(opened), abs(closed))
    turns = kind in _TURNING if kind else farthest > _MOST["m"][0]
    unit = "rad" if turns else "m"
    most, fastest = _MOST[unit]
    slack = _BEYOND * (high - low) if np.isfinite(high) else 0.0
    if not (min(opened, closed) >= low - slack and max(opened, closed) <= high + slack):
        raise ConfigurationError(
            f"{given}; valid is {low:g} to {high:g} {unit}, the range of '{joint}' in "
            "robot_description"
        )
    if farthest > most or speed > fastest:
        raise ConfigurationError(
            f"{given}, gripper_speed {speed}; '{joint}' {'turns' if turns else 'slides'}: valid is "
            f"-{most:g} to {most:g} {unit}, and up to {fastest:g} {unit}/s"
        )
    lower, upper = sorted((opened, closed))
    return GripperLimits(lower, upper, speed, duration_s, closes_up=closed > opened, unit=unit)


def _find(urdf: str, name: str) -> tuple[str, float, float]:
    """Return type and range of a joint; without it, an empty type."""
    joint = find_joint(urdf, name)
    if joint is None:
        return "", -np.inf, np.inf
    limit, kind = joint.find("limit"), str(joint.get("type"))
    if limit is None or kind == "continuous":
        return kind, -np.inf, np.inf
    return kind, float(limit.get("lower", 0)), float(limit.get("upper", 0))
