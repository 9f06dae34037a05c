# SPDX-License-Identifier: Apache-2.0
"""The set-point of the arm's controller, computed from the trajectories that it received.

The rules are those of ros2_control's joint_trajectory_controller with `open_loop_control` or
`interpolate_from_desired_state`. In every cycle it commands the state that is due one period later.
A new trajectory replaces the present one outright. If its first point is due, the controller joins
it at the present time, with a step unless it passes through the last command. Otherwise it moves to
the first point from the last command, as of the cycle before: one period too early.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from verification.chaos.monitor.recording import JointSample, Motion, Playing, Published, Trajectory
from verification.judge.bounds import TrajectoryBounds, Vector

CONTROL_S = 0.002  # period of the simulated controller
VELOCITY_SHARE, ACCELERATION_SHARE = 1.05, 1.2  # valid for a set-point, of the limits
CLOCK_STEP_S = 0.02  # between the clock errors that are tried

_KEPT = 8  # trajectories
_ROUNDING_RAD = 1e-8  # of stamps in ns, and of times in double precision


class Origin(Protocol):
    """The motion from which a trajectory continues: commanded, or measured."""

    def at(self, ros_s: float) -> Motion:
        """Return the motion at a time."""

    def positions(self, ros_s: Vector) -> Vector:
        """Return joint positions at times of shape (M,). Shape (M, n), [rad]."""


class SetPoint:
    """The commanded motion at recent times; call `take_up` before any other method."""

    def __init__(self) -> None:
        self._plays: deque[Playing] = deque(maxlen=_KEPT)

    def take_up(self, playing: Playing) -> None:
        """Add a trajectory that the controller has taken up."""
        self._plays.append(playing)

    def without_newest(self) -> "SetPoint | None":
        """Return the set-point without the newest trajectory; None: it is not known."""
        if len(self._plays) < 2:
            return None
        before = SetPoint()
        for playing in list(self._plays)[:-1]:
            before.take_up(playing)
        return before

    @property
    def newest(self) -> Playing | None:
        """The trajectory that was taken up last; None: there is none."""
        return self._plays[-1] if self._plays else None

    def at(self, ros_s: float) -> Motion:
        """See `Origin`."""
        playing = self._plays[0]
        for later in self._plays:
            if later.from_s < ros_s:
                playing = later
        return playing.at(ros_s)

    def positions(self, ros_s: Vector) -> Vector:
        """See `Origin`."""
        values = self._plays[0].positions(ros_s)
        for later in list(self._plays)[1:]:
            since = ros_s > later.from_s
            if since.any():
                values[since] = later.positions(ros_s[since])
        return values


@dataclass(frozen=True)
class MeasuredArm:
    """The motion of an arm extrapolated from a measurement.

    Attributes:
        sample: the measurement.
        moves: whether the arm continues with its velocity; otherwise it is at rest.
    """

    sample: JointSample
    moves: bool

    def at(self, ros_s: float) -> Motion:
        """See `Origin`."""
        still = np.zeros_like(self.sample.q)
        dq = self.sample.dq if self.moves else still
        return Motion(self.positions(np.array([ros_s]))[0], dq, still)

    def positions(self, ros_s: Vector) -> Vector:
        """See `Origin`."""
        passed_s = np.maximum(0.0, ros_s - self.sample.stamp_s)[:, None] * self.moves
        return np.asarray(self.sample.q + self.sample.dq * passed_s)


def clock_errors_s(uncertainty_s: float) -> Vector:
    """Return errors of a clock to try, the most likely first, `CLOCK_STEP_S` apart or less [s]."""
    if uncertainty_s <= CLOCK_STEP_S:
        return np.zeros(1)
    count = math.ceil(uncertainty_s / CLOCK_STEP_S)
    errors_s = np.linspace(-uncertainty_s, uncertainty_s, 2 * count + 1)
    return errors_s[np.argsort(np.abs(errors_s), kind="stable")]


class Splice:
    """How a controller joins a trajectory to its present motion, depending on its arrival.

    Args:
        published: the trajectory.
        bounds: the limits of the set-point.
    """

    def __init__(self, published: Published, bounds: TrajectoryBounds) -> None:
        self._published = published
        self._bounds = bounds
        self._first_s = published.begins_s + float(published.times_s[0])
        self._joined: Playing | None = None

    def is_due(self, at_s: float) -> bool:
        """Whether the first point is due for a controller that gets the trajectory then."""
        return self._first_s <= at_s + CONTROL_S

    def playing(self, at_s: float, before: Motion) -> Playing:
        """Return what the controller plays of the trajectory.

        Args:
            at_s: when the controller gets it.
            before: the last command, or the measured state of the arm.
        """
        if not self.is_due(at_s):
            return self._approach(at_s, before)
        if self._joined is None:
            self._joined = self._join()
        return Playing(self._joined.trajectory, self._joined.begins_s, at_s)

    def demand(
        self, at_s: float, before: Origin, uncertainty_s: float = 0.0
    ) -> tuple[float, float]:
        """Return what the set-point needs while it joins the trajectory, see `_demand`.

        Of all errors of the sender's estimate of the controller's clock, up to `uncertainty_s`, the
        most favourable one counts.
        """
        if uncertainty_s <= CLOCK_STEP_S:
            return self._demand(at_s, before, uncertainty_s)
        published = self._published
        splices = (
            Splice(replace(published, begins_s=published.begins_s + error_s), self._bounds)
            for error_s in clock_errors_s(uncertainty_s)
        )
        demands = (splice._demand(at_s, before, CLOCK_STEP_S) for splice in splices)
        best = next((demand for demand in demands if max(demand) <= 1.0), None)
        return best or self._demand(at_s, before, CLOCK_STEP_S)

    def _demand(self, at_s: float, before: Origin, uncertainty_s: float) -> tuple[float, float]:
        """Return the velocity and acceleration of the set-point while it joins the trajectory.

        Args:
            at_s: when the controller gets it.
            before: the motion until then.
            uncertainty_s: error in time that is not attributed to the sender.

        Returns:
            Largest velocity and acceleration of any joint, by differences of the commands from the
            last cycle before `at_s` to the first point, as shares of the valid values.
        """
        last = before.at(at_s)
        playing = self.playing(at_s, last)
        until_s = max(self._first_s, at_s) + 2.0 * CONTROL_S
        after_s = np.arange(at_s + CONTROL_S, until_s + CONTROL_S, CONTROL_S)
        before_s = at_s - np.array([CONTROL_S, 0.0])
        q = np.concatenate((before.positions(before_s), playing.positions(after_s)))
        free = _ROUNDING_RAD + uncertainty_s * np.maximum(
            np.abs(last.dq), np.abs(playing.at(at_s).dq)
        )
        velocity = (np.abs(np.diff(q, axis=0)) - free) / CONTROL_S
        acceleration = (np.abs(np.diff(q, 2, axis=0)) - 2.0 * free) / CONTROL_S**2
        return (
            float((velocity / self._bounds.velocity).max()) / VELOCITY_SHARE,
            float((acceleration / self._bounds.acceleration).max()) / ACCELERATION_SHARE,
        )

    def _approach(self, at_s: float, before: Motion) -> Playing:
        published, begins_s = self._published, at_s - CONTROL_S
        times_s = published.times_s + (published.begins_s - begins_s)
        points, start = (published.q, published.dq, published.ddq), vars(before).values()
        return Playing(Trajectory(times_s, *points, *start), begins_s, at_s)

    def _join(self) -> Playing:
        published = self._published
        if len(published.times_s) > 1:
            return Playing(published.played_from_first_point(), self._first_s, 0.0)
        points = (published.q, published.dq, published.ddq)
        there = Trajectory(np.array([CONTROL_S]), *points, *(values[0] for values in points))
        return Playing(there, self._first_s, 0.0)
