# SPDX-License-Identifier: Apache-2.0
"""The gate: the only way to a controller. A trajectory that it refuses is never published."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.tip import Tip
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import RATES, GripperLimits, Limits
from vera_ros.motion.planning.joint_path import Obstacles
from vera_ros.motion.safety.trajectory_checks import (
    check_form,
    check_gripper,
    check_measured,
    invalid,
    over_limit,
    refuse_above,
    refuse_below,
    refuse_if,
)
from vera_ros.motion.setpoint.played_spline import QuinticPieces
from vera_ros.motion.setpoint.setpoint import PAST_S, START_SLACK_RAD, Setpoint, State
from vera_ros.motion.trajectory import ArmState, ArmTrajectory, GripperTrajectory, Points

_TOLERANCE = 1e-3  # relative, on rates: what rounding may add
_SAMPLES_PER_PIECE = 13  # a quintic's rates hardly exceed those at the samples
_SAMPLES_S = 1.25e-3  # largest spacing of the samples
_OBSTACLE_STRIDE = 4  # every so many samples, obstacles are checked: up to 5 ms apart
# Largest difference of a start from what it continues [rad, rad/s, rad/s^2], before it is made
# equal: splines through the same points differ by so much.
_CONTINUITY = (1e-4, 5e-3, 0.4)
# Shortest duration of the way from an unknown set-point, and share of the rates that it uses.
_GENTLE_S, _GENTLE_SHARE = 0.3, 0.7
_MOVES_RAD_S = 0.05  # a faster joint is being driven by its controller


class Gate:
    """Checks a trajectory and publishes it only if nothing is wrong with it.

    It remembers what it has published, since a new trajectory must continue that.
    """

    def __init__(
        self,
        arm: ArmModel,
        limits: Limits,
        gripper_limits: GripperLimits,
        publish_arm: Callable[[ArmTrajectory, float], None],
        publish_gripper: Callable[[GripperTrajectory, float], None],
        obstacles: Obstacles | None = None,
    ) -> None:
        """Publish through the two functions, which receive a trajectory and its time 0 [s]."""
        self._arm = arm
        self._limits = limits
        self._gripper_limits = gripper_limits
        self._publish_arm = publish_arm
        self._publish_gripper = publish_gripper
        self._obstacles = obstacles
        self.setpoint = Setpoint()

    def send_arm(
        self,
        trajectory: ArmTrajectory,
        measured: ArmState,
        start_s: float,
        *,
        ahead_s: float = 0.0,
        joins_s: float = 0.0,
        past_s: float = PAST_S,
        begin: Callable[[], float] | None = None,
    ) -> float:
        """Publish an arm trajectory, with what is commanded before it; return its time 0 [s].

        Args:
            trajectory: what is to be played.
            measured: where the arm is.
            start_s: the trajectory's time 0, by the controller's clock.
            ahead_s: time before that, in which the controller finds its own way to the start, since
                its set-point is unknown or does not lead there; 0: it does.
            joins_s: how long after time 0 the trajectory equals what plays, for a controller that
                takes it up by then.
            past_s: how much is sent of what is commanded before time 0.
            begin: returns time 0 once all is checked, other than `start_s` only if the set-point
                rests. If it raises, the trajectory is not published.

        Raises:
            MotionRefusedError: a check failed; nothing was published.
        """
        trajectory = self.check_arm(trajectory, measured, start_s, ahead_s=ahead_s, joins_s=joins_s)
        begins_s = start_s if begin is None else begin()
        rests = np.abs(trajectory.start_dq).max() < _CONTINUITY[1]
        if begins_s != start_s and not (rests and not self.setpoint.moves(start_s)):
            raise invalid("a motion that goes on from another one and is shifted in time")
        if not ahead_s:
            trajectory = replace(trajectory, past=self.setpoint.past(begins_s, past_s))
        self._publish_arm(trajectory, begins_s)
        self.setpoint = self.setpoint.sent(trajectory, begins_s)
        return begins_s

    def gentle_s(self, q: Vector, *, moves: bool = False) -> float:
        """Return the time that a controller with an unknown set-point needs to get to `q` [s].

        It may command any position near the measured one, or, if the arm rests, the end of what was
        sent last; the way there is a quintic from rest to rest.

        Args:
            q: measured position, or where the arm comes to rest. Shape (n,), [rad].
            moves: the arm moves, so its set-point cannot be far.
        """
        rates = self._limits.rates.joints
        off = np.full(len(q), self._limits.start_rad)
        if self.setpoint.last_q is not None and not moves:
            off = np.maximum(off, np.abs(self.setpoint.last_q - q))
        # Largest rates of q(s) = 10 s^3 - 15 s^4 + 6 s^5.
        needed = np.stack((1.875 * off / rates[0], (5.7736 * off / rates[1]) ** 0.5))
        jerk_s = (60.0 * off / rates[2]) ** (1 / 3)
        return float(max(_GENTLE_S, needed.max() / _GENTLE_SHARE, jerk_s.max() / _GENTLE_SHARE))

    def send_gripper(self, trajectory: GripperTrajectory, now_s: float) -> None:
        """Publish a gripper trajectory with time 0 at `now_s`.

        Raises:
            MotionRefusedError: a check failed; nothing was published.
        """
        self.check_gripper(trajectory)
        self._publish_gripper(trajectory, now_s)

    def check_arm(
        self,
        trajectory: ArmTrajectory,
        measured: ArmState,
        start_s: float,
        *,
        ahead_s: float = 0.0,
        joins_s: float = 0.0,
    ) -> ArmTrajectory:
        """Raise MotionRefusedError unless the trajectory keeps every limit (see `send_arm`).

        Return it with its beginning made exactly equal to the set-point.
        """
        check_form(trajectory, self._arm.n, self._limits.duration_s)
        check_measured(measured, self._arm.n)
        self._check_distance(trajectory.start_q, measured, start_s, ahead_s)
        if ahead_s:
            self._check_way_to_start(trajectory, measured, start_s - ahead_s, ahead_s)
        else:
            self._check_continuity(trajectory, start_s)
            trajectory = self.setpoint.continued(trajectory, start_s, joins_s)
        limits = self._limits
        with np.errstate(all="ignore"):  # an overflow yields NaN, which is refused
            pieces = QuinticPieces(trajectory.points)
            motion = np.stack(pieces.at(*pieces.even(_SAMPLES_PER_PIECE, _SAMPLES_S)))
        refuse_below("position", motion[0].min(axis=0), limits.lower - 1e-9)
        refuse_above("position", motion[0].max(axis=0), limits.upper + 1e-9)
        for name, values, bound in zip(RATES, motion[1:], limits.rates.joints, strict=True):
            refuse_above(name, np.abs(values).max(axis=0) / (1 + _TOLERANCE), bound)
        for tip in self._arm.tips:
            self._check_tip(tip, motion, "the TCP" if len(self._arm.tips) == 1 else tip.frame)
        if self._obstacles is not None:
            found = self._obstacles.first_too_close(motion[0][::_OBSTACLE_STRIDE])
            if found is not None:
                raise MotionRefusedError(
                    Cause.COLLISION,
                    f"the arm would come too near: {found[1]}; nothing is published",
                )
        return trajectory

    def check_gripper(self, trajectory: GripperTrajectory) -> None:
        """Raise MotionRefusedError unless the fingers keep their travel and speed."""
        check_gripper(trajectory, self._gripper_limits, _TOLERANCE)

    def _check_continuity(self, trajectory: ArmTrajectory, start_s: float) -> None:
        """Refuse a trajectory that does not begin at the set-point of its start time."""
        due = self.setpoint.state(start_s)
        if due is None:
            raise MotionRefusedError(
                Cause.SETPOINT_UNKNOWN,
                "the gate refuses: what the controller commands now is not known, so no motion can "
                "continue from there; nothing is published",
            )
        self._refuse_jump((trajectory.start_q, trajectory.start_dq, trajectory.start_ddq), due)

    def _refuse_jump(self, state: State, due: State) -> None:
        for name, value, expected, most in zip(
            ("position", *RATES), state, due, _CONTINUITY, strict=False
        ):
            refuse_if(
                np.abs(value - expected) - most,
                lambda j, name=name, value=value, expected=expected: (  # type: ignore[misc]
                    f"the {name} of joint {j + 1} would jump from {expected[j]:.5f} to "
                    f"{value[j]:.5f}, which is no continuation of what is being played"
                ),
            )

    def _check_way_to_start(
        self, trajectory: ArmTrajectory, measured: ArmState, now_s: float, ahead_s: float
    ) -> None:
        """Refuse a start to which the controller's own quintic way may exceed the rate limits."""
        still = np.zeros(self._arm.n)
        start = trajectory.start_q, trajectory.start_dq, trajectory.start_ddq
        self._refuse_jump(start, (trajectory.start_q, still, still))
        known = self.setpoint.state(now_s)
        dq = still if measured.dq is None else measured.dq
        gentle_s = self.gentle_s(trajectory.start_q, moves=bool(np.abs(dq).max() > _MOVES_RAD_S))
        if known is None and ahead_s < gentle_s - 1e-9:
            raise MotionRefusedError(
                Cause.SETPOINT_UNKNOWN,
                f"the gate refuses a start {ahead_s:.3f} s ahead: what the controller commands is "
                f"not known, and the way to the start takes {gentle_s:.3f} s; nothing is published",
            )
        seen = (measured.q, dq, still)
        for q, velocity, acceleration in (known or seen, seen):
            way = Points(
                np.array([0.0, ahead_s]),
                np.stack((q, start[0])),
                np.stack((velocity, still)),
                np.stack((acceleration, still)),
            )
            pieces = QuinticPieces(way)
            rates = pieces.at(*pieces.even(_SAMPLES_PER_PIECE, _SAMPLES_S))[1:]
            for name, values, bound in zip(RATES, rates, self._limits.rates.joints, strict=True):
                most = np.abs(values).max(axis=0) / (1 + _TOLERANCE)
                refuse_above(f"{name} on the way to the start", most, bound)

    def _check_distance(
        self, start_q: Vector, measured: ArmState, start_s: float, ahead_s: float
    ) -> None:
        """Refuse a start that is far from the arm, or from where it was when last measured."""
        most_rad, distances = self._limits.start_rad, np.abs(start_q - measured.q)
        farthest = int(np.argmax(distances))
        goes_on = 0.0 if measured.dq is None else np.abs(measured.dq) * ahead_s
        if (distances - goes_on <= most_rad + START_SLACK_RAD).all():
            return
        age_s = 0.0 if measured.stamp_s is None else max(0.0, start_s - measured.stamp_s)
        speeds = 0.0 if measured.dq is None else np.abs(measured.dq)
        moved = speeds * age_s + 0.5 * self._limits.rates.joints[1] * age_s**2  # since, at most
        unit = self._arm.unit
        refuse_if(
            distances - moved - most_rad,
            lambda j: (
                f"the trajectory starts {distances[j]:.3f} {unit(j)} from where joint {j + 1} is; "
                f"valid is up to {most_rad} {unit(j)}"
            ),
        )
        raise MotionRefusedError(
            Cause.NO_JOINT_STATES,
            f"the trajectory starts {distances[farthest]:.3f} {unit(farthest)} from where joint "
            f"{farthest + 1} was {age_s:.2f} s ago, when it was last measured; valid is up to "
            f"{most_rad} {unit(farthest)}; nothing is published",
        )

    def _check_tip(self, tip: Tip, motion: Vector, name: str) -> None:
        limits = self._limits
        positions, rotations, rates = tip.motion(motion)
        depth = limits.depth_outside(positions, rotations)
        if not (depth <= 1e-9).all():
            worst = int(np.argmax(depth))
            where = limits.leaves(positions[worst], rotations[worst], name)
            raise MotionRefusedError(Cause.OUTSIDE_WORKSPACE, where)
        for part, bounds, unit in (
            (rates[:, :, :3], limits.rates.linear, "m"),
            (rates[:, :, 3:], limits.rates.angular, "rad"),
        ):
            largest = np.linalg.norm(part, axis=2).max(axis=1)
            for rate, value, bound, power in zip(
                RATES, largest, bounds, ("", "^2", "^3"), strict=True
            ):
                if not value <= bound * (1 + _TOLERANCE):
                    raise over_limit(
                        f"the {rate} of {name} would be {value:.3f} {unit}/s{power}; the limit is "
                        f"{bound} {unit}/s{power}"
                    )
