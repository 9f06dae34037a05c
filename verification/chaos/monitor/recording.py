# SPDX-License-Identifier: Apache-2.0
"""Data that the monitor judges: published trajectories, and the arm's true joint states.

Times are ROS time, in seconds after an epoch that the monitor chooses.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import BPoly

from verification.judge.bounds import Vector
from verification.judge.played import played

GAP_S = 0.1  # largest period of joint states without a gap
_KEPT_S = 5.0


@dataclass(frozen=True)
class Motion:
    """Measured or commanded state of the arm's joints at one time.

    Attributes:
        q, dq, ddq: position, velocity, acceleration. Shape (n,), [rad, rad/s, rad/s^2].
    """

    q: Vector
    dq: Vector
    ddq: Vector


@dataclass(frozen=True)
class Trajectory:
    """Points as a controller plays them, from a start state at time 0.

    Attributes:
        times_s: times of the points after time 0. Shape (N,), [s].
        q, dq, ddq: states at the points. Shape (N, n), [rad, rad/s, rad/s^2].
        start_q, start_dq, start_ddq: state at time 0. Shape (n,), [rad, rad/s, rad/s^2].
    """

    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector
    start_q: Vector
    start_dq: Vector
    start_ddq: Vector

    @cached_property
    def curve(self) -> BPoly:
        """The quintic pieces through start state and points."""
        return played(self)

    def at(self, time_s: float) -> Motion:
        """Return the motion at a time after time 0 [s]; at rest after the end."""
        if time_s >= self.times_s[-1]:
            still = np.zeros_like(self.q[-1])
            return Motion(self.q[-1], still, still)
        return Motion(*(self.curve(max(time_s, 0.0), nu=order) for order in range(3)))


@dataclass(frozen=True)
class Sent:
    """When a trajectory was sent and plays. Times are ROS time [s].

    Attributes:
        number: counts the trajectories of arm and fingers from 0, in the order of arrival.
        begins_s: its time 0, by the controller's clock.
        published_s: when it was published.
        arrived_s: when the relay forwarded it to the controller.
        times_s: times of the points after time 0. Shape (N,), [s].
    """

    number: int
    begins_s: float
    published_s: float
    arrived_s: float
    times_s: Vector


@dataclass(frozen=True)
class Published(Sent):
    """A trajectory of the arm as it was published.

    Attributes:
        q, dq, ddq: states at the points. Shape (N, n), [rad, rad/s, rad/s^2].
        uncertainty_s: largest error of the sender's estimate of the controller's clock [s].
    """

    q: Vector
    dq: Vector
    ddq: Vector
    uncertainty_s: float = 0.0

    @property
    def ends_s(self) -> float:
        """Time of its last point, at which it is at rest."""
        return self.begins_s + float(self.times_s[-1])

    def played_from_first_point(self) -> Trajectory:
        """Return what a controller plays from the first point on, of two points or more."""
        return Trajectory(
            self.times_s[1:] - self.times_s[0],
            self.q[1:],
            self.dq[1:],
            self.ddq[1:],
            self.q[0],
            self.dq[0],
            self.ddq[0],
        )


@dataclass(frozen=True)
class Playing:
    """A trajectory that a controller has taken up.

    Attributes:
        trajectory: the part of it that plays.
        begins_s: its time 0.
        from_s: when the controller took it up.
        steps: whether the set-point makes a step then, which is not attributed to the arm.
    """

    trajectory: Trajectory
    begins_s: float
    from_s: float
    steps: bool = False

    @property
    def ends_s(self) -> float:
        """Time of its last point, at which it is at rest."""
        return self.begins_s + float(self.trajectory.times_s[-1])

    def at(self, ros_s: float) -> Motion:
        """Return the motion at a time; at rest after the end."""
        return self.trajectory.at(ros_s - self.begins_s)

    def positions(self, ros_s: Vector) -> Vector:
        """Return joint positions at times of shape (M,). Shape (M, n), [rad]."""
        times_s = np.clip(ros_s - self.begins_s, 0.0, self.trajectory.times_s[-1])
        return np.asarray(self.trajectory.curve(times_s))


@dataclass(frozen=True)
class JointSample:
    """The true joint states at one time.

    Attributes:
        stamp_s: time of the sample.
        q, dq: of the arm. Shape (n,), [rad, rad/s].
        finger_m: position of the commanded finger [m]; NaN: not known.
        late_s: delay between stamp and arrival [s].
    """

    stamp_s: float
    q: Vector
    dq: Vector
    finger_m: float = np.nan
    late_s: float = 0.0

    @property
    def speed_rad_s(self) -> float:
        """Speed of the fastest joint [rad/s]."""
        return float(np.abs(self.dq).max())

    def follows_a_gap(self, before_s: float) -> bool:
        """Whether the simulator paused before. `before_s`: stamp of the sample before.

        It catches up afterwards, without the trajectories that its controllers got meanwhile.
        """
        return self.stamp_s - before_s > GAP_S or self.late_s > GAP_S


class JointHistory:
    """The true joint states of the last 5 s, in the order of their stamps."""

    def __init__(self) -> None:
        self._samples: deque[JointSample] = deque()

    def add(self, sample: JointSample) -> None:
        """Add a sample that is newer than all others."""
        self._samples.append(sample)
        while self._samples[0].stamp_s < sample.stamp_s - _KEPT_S:
            self._samples.popleft()

    def between(self, from_s: float, until_s: float) -> list[JointSample]:
        """Return the samples with stamps in this span, ends included, oldest first."""
        samples = list(self._samples)
        stamps = [sample.stamp_s for sample in samples]
        return samples[bisect_left(stamps, from_s) : bisect_right(stamps, until_s)]
