# SPDX-License-Identifier: Apache-2.0
"""What the monitor sees: trajectories as they were published, and where the arm truly is.

Times are ROS time, in seconds after a moment that the monitor chooses.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import BPoly

from verification.judge.bounds import Vector
from verification.judge.played import played

GAP_S = 0.1  # joint states further apart: the arm was out of sight
_KEPT_S = 5.0


@dataclass(frozen=True)
class Motion:
    """How the arm moves, or is to move, at one moment.

    Attributes:
        q, dq, ddq: Shape (n,), [rad, rad/s, rad/s^2].
    """

    q: Vector
    dq: Vector
    ddq: Vector


@dataclass(frozen=True)
class Trajectory:
    """What a controller plays: the points, and the state from which it goes to the first one.

    Attributes:
        times_s: after time 0. Shape (N,), [s].
        q, dq, ddq: Shape (N, n), [rad, rad/s, rad/s^2].
        start_q, start_dq, start_ddq: at time 0. Shape (n,).
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
        """The quintic pieces through the points."""
        return played(self)

    def at(self, time_s: float) -> Motion:
        """The motion then; at rest after the end."""
        if time_s >= self.times_s[-1]:
            still = np.zeros_like(self.q[-1])
            return Motion(self.q[-1], still, still)
        return Motion(*(self.curve(max(time_s, 0.0), nu=order) for order in range(3)))


@dataclass(frozen=True)
class Published:
    """A trajectory's message.

    Attributes:
        number: from 0, as they came.
        begins_s: its time 0, by the controller's clock.
        published_s: when it was published.
        arrived_s: when it was passed on to its controller.
        times_s: of the points. Shape (N,), [s].
        q, dq, ddq: Shape (N, n), [rad, rad/s, rad/s^2].
        doubt_s: how far the controller's clock may be from what was known of it.
    """

    number: int
    begins_s: float
    published_s: float
    arrived_s: float
    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector
    doubt_s: float = 0.0

    @property
    def ends_s(self) -> float:
        """When it comes to rest."""
        return self.begins_s + float(self.times_s[-1])

    def played_from_first_point(self) -> Trajectory:
        """What a controller plays after the first piece; there are two points or more."""
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
        trajectory: what plays of it.
        begins_s: its time 0.
        from_s: when the controller took it up.
        steps: the set-point makes a step then, for which the arm is not to blame.
    """

    trajectory: Trajectory
    begins_s: float
    from_s: float
    steps: bool = False

    @property
    def ends_s(self) -> float:
        """When it comes to rest."""
        return self.begins_s + float(self.trajectory.times_s[-1])

    def at(self, ros_s: float) -> Motion:
        """The motion at a moment; at rest after the end."""
        return self.trajectory.at(ros_s - self.begins_s)

    def positions(self, ros_s: Vector) -> Vector:
        """Where the joints are at moments. Shapes (M,) and (M, n), [s, rad]."""
        times_s = np.clip(ros_s - self.begins_s, 0.0, self.trajectory.times_s[-1])
        return np.asarray(self.trajectory.curve(times_s))


@dataclass(frozen=True)
class JointSample:
    """The true joints at one moment.

    Attributes:
        stamp_s: when [s].
        q, dq: of the arm. Shape (n,), [rad, rad/s].
        finger_m: position of the finger that is commanded; not a number: not known [m].
        late_s: it arrived so long after that moment.
    """

    stamp_s: float
    q: Vector
    dq: Vector
    finger_m: float = np.nan
    late_s: float = 0.0

    @property
    def speed_rad_s(self) -> float:
        """Of the fastest joint."""
        return float(np.abs(self.dq).max())

    def follows_a_gap(self, before_s: float) -> bool:
        """Whether the simulator stood still until then. `before_s`: stamp of the sample before.

        It then simulates what it missed, without what its controllers were told meanwhile.
        """
        return self.stamp_s - before_s > GAP_S or self.late_s > GAP_S


class JointHistory:
    """The true joints of the last seconds, in the order of their stamps."""

    def __init__(self) -> None:
        self._samples: deque[JointSample] = deque()

    def add(self, sample: JointSample) -> None:
        """Keep a sample that is newer than all others."""
        self._samples.append(sample)
        while self._samples[0].stamp_s < sample.stamp_s - _KEPT_S:
            self._samples.popleft()

    def forget(self) -> None:
        """The arm was somewhere else before."""
        self._samples.clear()

    def between(self, from_s: float, until_s: float) -> list[JointSample]:
        """The samples with stamps in between, oldest first."""
        samples = list(self._samples)
        stamps = [sample.stamp_s for sample in samples]
        return samples[bisect_left(stamps, from_s) : bisect_right(stamps, until_s)]
