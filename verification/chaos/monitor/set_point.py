# SPDX-License-Identifier: Apache-2.0
"""What the arm's controller commands, worked out from the trajectories that it was told.

The rules are those of ros2_control's joint_trajectory_controller that goes on from what it
commanded (`open_loop_control` or `interpolate_from_desired_state`): in every cycle it commands what
is due one period later. A trajectory replaces what plays outright; one whose first point is due is
joined in its midst, with a step where it does not pass through the command. Otherwise the way to
the first point begins with the last command, at the cycle before: one period too early.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from verification.chaos.monitor.recording import JointSample, Motion, Playing, Published, Trajectory
from verification.judge.bounds import TrajectoryBounds, Vector

CONTROL_S = 0.002  # period of the simulated controller
VELOCITY_SHARE, ACCELERATION_SHARE = 1.05, 1.2  # of the limits, that a set-point may reach

_KEPT = 8
_ROUNDING_RAD = 1e-8  # of stamps in ns, and of times in double precision


class Before(Protocol):
    """What is commanded, or done, until a trajectory is taken up."""

    def at(self, ros_s: float) -> Motion:
        """The motion at a moment."""

    def positions(self, ros_s: Vector) -> Vector:
        """Where the joints are at moments. Shapes (M,) and (M, n), [s, rad]."""


class SetPoint:
    """What is commanded, at any moment of late; `take` comes before all else."""

    def __init__(self) -> None:
        self._plays: deque[Playing] = deque(maxlen=_KEPT)

    def take(self, playing: Playing) -> None:
        """The controller has taken up a trajectory."""
        self._plays.append(playing)

    def without_newest(self) -> "SetPoint | None":
        """What is commanded if the newest was not taken up yet; None: that is not known."""
        if len(self._plays) < 2:
            return None
        before = SetPoint()
        for playing in list(self._plays)[:-1]:
            before.take(playing)
        return before

    @property
    def newest(self) -> Playing | None:
        """What was taken up last; None: nothing was."""
        return self._plays[-1] if self._plays else None

    def at(self, ros_s: float) -> Motion:
        """See Before."""
        playing = self._plays[0]
        for later in self._plays:
            if later.from_s < ros_s:
                playing = later
        return playing.at(ros_s)

    def positions(self, ros_s: Vector) -> Vector:
        """See Before."""
        values = self._plays[0].positions(ros_s)
        for later in list(self._plays)[1:]:
            since = ros_s > later.from_s
            if since.any():
                values[since] = later.positions(ros_s[since])
        return values


@dataclass(frozen=True)
class Seen:
    """An arm that goes on as it was seen.

    Attributes:
        sample: as which.
        moves: whether it goes on with its velocity; otherwise it stands.
    """

    sample: JointSample
    moves: bool

    def at(self, ros_s: float) -> Motion:
        """See Before."""
        still = np.zeros_like(self.sample.q)
        dq = self.sample.dq if self.moves else still
        return Motion(self.positions(np.array([ros_s]))[0], dq, still)

    def positions(self, ros_s: Vector) -> Vector:
        """See Before."""
        passed_s = np.maximum(0.0, ros_s - self.sample.stamp_s)[:, None] * self.moves
        return np.asarray(self.sample.q + self.sample.dq * passed_s)


class Entry:
    """How a controller takes up a trajectory, depending on when it gets it.

    Args:
        published: the trajectory.
        bounds: that the set-point must keep.
    """

    def __init__(self, published: Published, bounds: TrajectoryBounds) -> None:
        self._published = published
        self._bounds = bounds
        self._first_s = published.begins_s + float(published.times_s[0])
        self._joined: Playing | None = None

    def is_due(self, at_s: float) -> bool:
        """Whether the first point is due for a controller that gets it then."""
        return self._first_s <= at_s + CONTROL_S

    def playing(self, at_s: float, before: Motion) -> Playing:
        """What plays of it.

        Args:
            at_s: when the controller gets it.
            before: its last command, or where it finds the arm.
        """
        if not self.is_due(at_s):
            return self._approach(at_s, before)
        if self._joined is None:
            self._joined = self._join()
        return Playing(self._joined.trajectory, self._joined.begins_s, at_s)

    def demand(self, at_s: float, before: Before, doubt_s: float = 0.0) -> tuple[float, float]:
        """What the set-point needs from the last cycle before it to the first point.

        Args:
            at_s: when the controller gets it.
            before: what is commanded until then.
            doubt_s: so much earlier or later it may come, and its sender is not to blame.

        Returns:
            Velocity and acceleration by differences of the commands, as shares of what they may
            reach; of the joint that needs most.
        """
        last = before.at(at_s)
        playing = self.playing(at_s, last)
        until_s = max(self._first_s, at_s) + 2.0 * CONTROL_S
        after_s = np.arange(at_s + CONTROL_S, until_s + CONTROL_S, CONTROL_S)
        before_s = at_s - np.array([CONTROL_S, 0.0])
        q = np.concatenate((before.positions(before_s), playing.positions(after_s)))
        free = _ROUNDING_RAD + doubt_s * np.maximum(np.abs(last.dq), np.abs(playing.at(at_s).dq))
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
