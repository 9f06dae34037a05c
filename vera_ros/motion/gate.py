# SPDX-License-Identifier: Apache-2.0
"""The gate: the only way to a controller. What it does not let through is never published."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ConfigurationError
from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.limits import Limits
from vera_ros.motion.response import Vector

_TOLERANCE = 1e-3  # relative, on rates: what rounding may add
_SAMPLES_PER_PIECE = 9  # between which a quintic's rates hide next to nothing
_TCP_SPACING_S = 0.02  # at most, of the TCP's positions and speeds that are looked at


@dataclass(frozen=True)
class ArmTrajectory:
    """What a controller is sent: it plays quintic pieces through these points, starting now.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        q: Shape (N, n), [rad].
        dq: Shape (N, n), [rad/s].
        ddq: Shape (N, n), [rad/s^2].
        start_q: where it starts from at time 0. Shape (n,), [rad].
        start_dq: Shape (n,), [rad/s].
        start_ddq: Shape (n,), [rad/s^2].
    """

    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector
    start_q: Vector
    start_dq: Vector
    start_ddq: Vector


@dataclass(frozen=True)
class GripperTrajectory:
    """Finger positions in time, linear in between.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        positions_m: of one finger, 0 closed. Shape (N,), [m].
        start_m: the position commanded at time 0 [m].
    """

    times_s: Vector
    positions_m: Vector
    start_m: float


@dataclass(frozen=True)
class GripperLimits:
    """What the fingers may do: their travel [m], their speed [m/s] and how long it may take [s]."""

    lower_m: float
    upper_m: float
    speed_m_s: float
    duration_s: float

    def __post_init__(self) -> None:
        if not -np.inf < self.lower_m < self.upper_m < np.inf:
            raise ConfigurationError(
                f"the fingers' travel is {self.lower_m} to {self.upper_m} m; valid are finite "
                "numbers, the lower one first"
            )
        if not (0 < self.speed_m_s < np.inf and 0 < self.duration_s < np.inf):
            raise ConfigurationError(
                f"the fingers' speed is {self.speed_m_s} m/s for up to {self.duration_s} s; "
                "valid are finite numbers above zero"
            )


class Gate:
    """Checks a trajectory and, only if nothing is wrong with it, hands it to the publisher."""

    def __init__(
        self,
        arm: ArmModel,
        limits: Limits,
        gripper_limits: GripperLimits,
        publish_arm: Callable[[ArmTrajectory], None],
        publish_gripper: Callable[[GripperTrajectory], None],
    ) -> None:
        self._arm = arm
        self._limits = limits
        self._gripper_limits = gripper_limits
        self._publish_arm = publish_arm
        self._publish_gripper = publish_gripper

    def send_arm(self, trajectory: ArmTrajectory, measured_q: Vector) -> None:
        """Publish an arm trajectory. `measured_q`: where the arm is now. Shape (n,), [rad].

        Raises:
            MotionRefusedError: it must not be played; nothing was published.
        """
        self.check_arm(trajectory, measured_q)
        self._publish_arm(trajectory)

    def send_gripper(self, trajectory: GripperTrajectory) -> None:
        """Publish a gripper trajectory.

        Raises:
            MotionRefusedError: it must not be played; nothing was published.
        """
        self.check_gripper(trajectory)
        self._publish_gripper(trajectory)

    def check_arm(self, trajectory: ArmTrajectory, measured_q: Vector) -> None:
        """Raise MotionRefusedError unless the trajectory keeps every limit."""
        self._check_form(trajectory)
        limits = self._limits
        if measured_q.shape != (self._arm.n,) or not np.isfinite(measured_q).all():
            raise MotionRefusedError(
                Cause.NO_JOINT_STATES,
                f"the gate refuses to start from measured joint positions {measured_q.tolist()}; "
                f"valid are {self._arm.n} finite numbers; nothing is published",
            )
        _refuse_if(
            np.abs(trajectory.start_q - measured_q) - limits.start_rad,
            lambda j: (
                f"it starts {abs(trajectory.start_q[j] - measured_q[j]):.3f} rad from where "
                f"joint {j + 1} is; valid is up to {limits.start_rad} rad"
            ),
        )
        with np.errstate(all="ignore"):  # what overflows is not a number, and refused
            pieces = _QuinticPieces(trajectory)
            q, dq, ddq, jerk = pieces.at(*pieces.even(_SAMPLES_PER_PIECE))
        _refuse_below("position", q.min(axis=0), limits.lower - 1e-9)
        _refuse_above("position", q.max(axis=0), limits.upper + 1e-9)
        for name, values, bound in (
            ("velocity", dq, limits.velocity),
            ("acceleration", ddq, limits.acceleration),
            ("jerk", jerk, limits.jerk),
        ):
            _refuse_above(name, np.abs(values).max(axis=0) / (1 + _TOLERANCE), bound)
        self._check_tcp(pieces)

    def check_gripper(self, trajectory: GripperTrajectory) -> None:
        """Raise MotionRefusedError unless the fingers keep their travel and speed."""
        times, positions = trajectory.times_s, trajectory.positions_m
        limits = self._gripper_limits
        if times.shape != positions.shape or times.ndim != 1 or len(times) == 0:
            raise _invalid(f"a gripper trajectory of shapes {times.shape} and {positions.shape}")
        _check_times(times, limits.duration_s)
        knots = np.concatenate(([trajectory.start_m], positions))
        if not np.isfinite(knots).all():
            raise _invalid("a gripper trajectory with values that are not finite")
        if positions.min() < limits.lower_m - 1e-9 or positions.max() > limits.upper_m + 1e-9:
            raise _over_limit(
                f"finger positions from {positions.min():.4f} to {positions.max():.4f} m; valid is "
                f"{limits.lower_m} to {limits.upper_m} m"
            )
        speed = np.abs(np.diff(knots) / np.diff(times, prepend=0.0)).max()
        if speed > limits.speed_m_s * (1 + _TOLERANCE):
            raise _over_limit(f"finger speed {speed:.3f} m/s is above {limits.speed_m_s} m/s")

    def _check_form(self, trajectory: ArmTrajectory) -> None:
        n, count = self._arm.n, np.size(trajectory.times_s)
        if trajectory.times_s.shape != (count,):
            raise _invalid(f"a trajectory with times of shape {trajectory.times_s.shape}")
        for name in ("q", "dq", "ddq"):
            shape = getattr(trajectory, name).shape
            if shape != (count, n) or count == 0:
                raise _invalid(
                    f"a trajectory with {name} of shape {shape}; valid is ({count}, {n})"
                )
        for name in ("start_q", "start_dq", "start_ddq"):
            if getattr(trajectory, name).shape != (n,):
                raise _invalid(f"a trajectory with a {name} that is not of {n} joints")
        for name in ("q", "dq", "ddq", "start_q", "start_dq", "start_ddq"):
            if not np.isfinite(getattr(trajectory, name)).all():
                raise _invalid(f"a trajectory with {name} values that are not finite")
        _check_times(trajectory.times_s, self._limits.duration_s)
        if np.abs(trajectory.dq[-1]).max() > 1e-6 or np.abs(trajectory.ddq[-1]).max() > 1e-3:
            raise _over_limit("a trajectory that does not end at rest")

    def _check_tcp(self, pieces: "_QuinticPieces") -> None:
        limits = self._limits
        q, dq, _, _ = pieces.at(*pieces.spaced(_TCP_SPACING_S))
        positions, twists = self._arm.tcp_motion(q, dq)
        inside = (positions >= limits.workspace_lower) & (positions <= limits.workspace_upper)
        if not inside.all():
            position = positions[np.argmin(inside.all(axis=1))]
            raise MotionRefusedError(
                Cause.OUTSIDE_WORKSPACE,
                f"the TCP would go to {np.round(position, 3).tolist()} m, outside the workspace "
                f"{limits.workspace_lower.tolist()} to {limits.workspace_upper.tolist()} m",
            )
        speed = np.linalg.norm(twists[:, :3], axis=1).max()
        turn = np.linalg.norm(twists[:, 3:], axis=1).max()
        if not speed <= limits.tcp_speed_m_s * (1 + _TOLERANCE):
            raise _over_limit(
                f"the TCP would move at {speed:.3f} m/s; the limit is {limits.tcp_speed_m_s} m/s"
            )
        if not turn <= limits.tcp_turn_rad_s * (1 + _TOLERANCE):
            raise _over_limit(
                f"the TCP would turn at {turn:.3f} rad/s; the limit is {limits.tcp_turn_rad_s}"
            )


def _check_times(times_s: Vector, longest_s: float) -> None:
    if not np.isfinite(times_s).all() or times_s[0] <= 0 or (np.diff(times_s) <= 0).any():
        raise _invalid("a trajectory whose times do not strictly increase from above zero")
    if times_s[-1] > longest_s:
        raise _over_limit(
            f"a trajectory of {times_s[-1]:.2f} s; the longest allowed is {longest_s} s"
        )


class _QuinticPieces:
    """The quintic pieces that a controller plays, in s = t / h from 0 to 1 on each.

    Through (q, dq, ddq) at both ends of a piece of length h: c0 to c2 follow from its start, c3 to
    c5 from what is then left at its end.
    """

    def __init__(self, trajectory: ArmTrajectory) -> None:
        q = np.vstack((trajectory.start_q, trajectory.q))
        dq = np.vstack((trajectory.start_dq, trajectory.dq))
        ddq = np.vstack((trajectory.start_ddq, trajectory.ddq))
        h = np.diff(trajectory.times_s, prepend=0.0)[:, None]
        c0, c1, c2 = q[:-1], dq[:-1] * h, 0.5 * ddq[:-1] * h**2
        gap = q[1:] - c0 - c1 - c2
        slope_gap = dq[1:] * h - c1 - 2 * c2
        bend_gap = ddq[1:] * h**2 - 2 * c2
        c3 = 10 * gap - 4 * slope_gap + 0.5 * bend_gap
        c4 = -15 * gap + 7 * slope_gap - bend_gap
        c5 = 6 * gap - 3 * slope_gap + 0.5 * bend_gap
        self._h = h
        self._c = np.stack((c0, c1, c2, c3, c4, c5))

    def even(self, count: int) -> tuple[npt.NDArray[np.intp], Vector]:
        """Piece and s of `count` samples on each piece, both ends included."""
        pieces = len(self._h)
        return np.repeat(np.arange(pieces), count), np.tile(np.linspace(0.0, 1.0, count), pieces)

    def spaced(self, longest_s: float) -> tuple[npt.NDArray[np.intp], Vector]:
        """Piece and s of samples at most `longest_s` apart: every knot and what is between."""
        counts = np.ceil(self._h[:, 0] / longest_s).astype(int)
        piece = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return piece, (number + 1) / counts[piece]

    def at(self, piece: npt.NDArray[np.intp], s: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """Position, velocity, acceleration and jerk. Shape (M, n) each."""
        c0, c1, c2, c3, c4, c5 = self._c[:, piece]
        h, s = self._h[piece], s[:, None]
        return (
            c0 + s * (c1 + s * (c2 + s * (c3 + s * (c4 + s * c5)))),
            (c1 + s * (2 * c2 + s * (3 * c3 + s * (4 * c4 + s * 5 * c5)))) / h,
            (2 * c2 + s * (6 * c3 + s * (12 * c4 + s * 20 * c5))) / h**2,
            (6 * c3 + s * (24 * c4 + s * 60 * c5)) / h**3,
        )


def _refuse_above(name: str, highest: Vector, bound: Vector) -> None:
    _refuse_if(
        highest - bound,
        lambda j: (
            f"the {name} of joint {j + 1} would be {highest[j]:.4f}, above its limit {bound[j]}"
        ),
    )


def _refuse_below(name: str, lowest: Vector, bound: Vector) -> None:
    _refuse_if(
        bound - lowest,
        lambda j: (
            f"the {name} of joint {j + 1} would be {lowest[j]:.4f}, below its limit {bound[j]}"
        ),
    )


def _refuse_if(excess: Vector, describe: Callable[[int], str]) -> None:
    """Refuse when any joint's excess is above zero (or not a number)."""
    bad = ~(excess <= 0)
    if bad.any():
        raise _over_limit(describe(int(np.argmax(np.where(bad, excess, -np.inf)))))


def _invalid(what: str) -> MotionRefusedError:
    return MotionRefusedError(Cause.INVALID_CHUNK, f"the gate refuses {what}; nothing is published")


def _over_limit(what: str) -> MotionRefusedError:
    return MotionRefusedError(
        Cause.LIMIT_EXCEEDED, f"the gate refuses: {what}; nothing is published"
    )
