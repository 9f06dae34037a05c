# SPDX-License-Identifier: Apache-2.0
"""Checks that need the trajectory alone, and the gate's refusals."""

from collections.abc import Callable

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.trajectory import ArmState, ArmTrajectory, GripperTrajectory


def check_form(trajectory: ArmTrajectory, n: int, longest_s: float) -> None:
    """Refuse anything but a trajectory of n joints that ends at rest.

    Raises:
        MotionRefusedError: shapes, values or times are invalid, or it is too long.
    """
    count = np.size(trajectory.times_s)
    if trajectory.times_s.shape != (count,):
        raise invalid(f"a trajectory with times of shape {trajectory.times_s.shape}; valid is (N,)")
    for name in ("q", "dq", "ddq"):
        shape = getattr(trajectory, name).shape
        if shape != (count, n) or count == 0:
            raise invalid(f"a trajectory with {name} of shape {shape}; valid is ({count}, {n})")
    for name in ("start_q", "start_dq", "start_ddq"):
        shape = getattr(trajectory, name).shape
        if shape != (n,):
            raise invalid(f"a trajectory with {name} of shape {shape}; valid is ({n},)")
    for name in ("q", "dq", "ddq", "start_q", "start_dq", "start_ddq"):
        if not np.isfinite(getattr(trajectory, name)).all():
            raise invalid(f"a trajectory with {name} values that are not finite")
    _check_times(trajectory.times_s, longest_s)
    if np.abs(trajectory.dq[-1]).max() > 1e-6 or np.abs(trajectory.ddq[-1]).max() > 1e-3:
        raise over_limit("a trajectory that does not end at rest")


def check_measured(measured: ArmState, n: int) -> None:
    """Refuse a measurement that is not n finite values.

    Raises:
        MotionRefusedError: a value is missing or not finite.
    """
    for name, values in (("positions", measured.q), ("velocities", measured.dq)):
        if values is not None and (values.shape != (n,) or not np.isfinite(values).all()):
            raise MotionRefusedError(
                Cause.NO_JOINT_STATES,
                f"the gate refuses to start from measured joint {name} {values.tolist()}; "
                f"valid are {n} finite numbers; nothing is published",
            )


def check_gripper(trajectory: GripperTrajectory, limits: GripperLimits, tolerance: float) -> None:
    """Refuse a gripper trajectory that leaves the fingers' travel or is too fast.

    Args:
        trajectory: of the fingers.
        limits: limits of the fingers.
        tolerance: relative, on their speed.

    Raises:
        MotionRefusedError: it is, or its shapes, values or times are invalid.
    """
    times, positions = trajectory.times_s, trajectory.positions_m
    if times.shape != positions.shape or times.ndim != 1 or len(times) == 0:
        raise invalid(
            f"a gripper trajectory of shapes {times.shape}, {positions.shape}; valid are (N,), (N,)"
        )
    _check_times(times, limits.duration_s)
    knots = np.concatenate(([trajectory.start_m], positions))
    if not np.isfinite(knots).all():
        raise invalid("a gripper trajectory with values that are not finite")
    if positions.min() < limits.lower_m - 1e-9 or positions.max() > limits.upper_m + 1e-9:
        raise over_limit(
            f"finger positions from {positions.min():.4f} to {positions.max():.4f} {limits.unit}; "
            f"valid is {limits.lower_m} to {limits.upper_m} {limits.unit}"
        )
    speed = np.abs(np.diff(knots) / np.diff(times, prepend=0.0)).max()
    if speed > limits.speed_m_s * (1 + tolerance):
        raise over_limit(
            f"finger speed {speed:.3f} {limits.unit}/s is above {limits.speed_m_s} {limits.unit}/s"
        )


def _check_times(times_s: Vector, longest_s: float) -> None:
    if not np.isfinite(times_s).all() or times_s[0] <= 0 or (np.diff(times_s) <= 0).any():
        raise invalid("a trajectory whose times do not strictly increase from above zero")
    if times_s[-1] > longest_s:
        raise over_limit(
            f"a trajectory of {times_s[-1]:.2f} s; the longest allowed is {longest_s} s"
        )


def refuse_above(name: str, highest: Vector, bound: Vector) -> None:
    """Refuse when any joint's highest value is above its bound."""
    refuse_if(
        highest - bound,
        lambda j: (
            f"the {name} of joint {j + 1} would be {highest[j]:.4f}, above its limit {bound[j]}"
        ),
    )


def refuse_below(name: str, lowest: Vector, bound: Vector) -> None:
    """Refuse when any joint's lowest value is below its bound."""
    refuse_if(
        bound - lowest,
        lambda j: (
            f"the {name} of joint {j + 1} would be {lowest[j]:.4f}, below its limit {bound[j]}"
        ),
    )


def refuse_if(excess: Vector, describe: Callable[[int], str]) -> None:
    """Refuse when any joint's excess is above zero (or not a number)."""
    bad = ~(excess <= 0)
    if bad.any():
        raise over_limit(describe(int(np.argmax(np.where(bad, excess, -np.inf)))))


def invalid(what: str) -> MotionRefusedError:
    """Return the refusal of an invalid trajectory."""
    return MotionRefusedError(Cause.INVALID_CHUNK, f"the gate refuses {what}; nothing is published")


def over_limit(what: str) -> MotionRefusedError:
    """Return the refusal of a trajectory that exceeds a limit."""
    return MotionRefusedError(
        Cause.LIMIT_EXCEEDED, f"the gate refuses: {what}; nothing is published"
    )
