# SPDX-License-Identifier: Apache-2.0
"""Trajectories that are sent to the controllers, and the measured state that they start from."""

from dataclasses import dataclass, field

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector


@dataclass(frozen=True)
class Points:
    """Points of a joint motion; a controller interpolates them with quintic polynomials.

    Attributes:
        times_s: strictly increasing. Shape (N,), [s].
        q: Shape (N, n), [rad].
        dq: Shape (N, n), [rad/s].
        ddq: Shape (N, n), [rad/s^2].
    """

    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector

    def followed_by(self, later: "Points") -> "Points":
        """Return these points followed by the later ones."""
        return Points(
            np.concatenate((self.times_s, later.times_s)),
            np.vstack((self.q, later.q)),
            np.vstack((self.dq, later.dq)),
            np.vstack((self.ddq, later.ddq)),
        )


@dataclass(frozen=True)
class ArmTrajectory:
    """A joint trajectory as the arm's controller receives it.

    A controller that takes it up after time 0 plays the points that are due then, with no
    transition from its own set-point to them. So what it commands up to time 0 is sent as well:
    from whichever of these points it takes the trajectory up, its command is continuous.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        q: Shape (N, n), [rad].
        dq: Shape (N, n), [rad/s].
        ddq: Shape (N, n), [rad/s^2].
        start_q: the point at time 0. Shape (n,), [rad].
        start_dq: Shape (n,), [rad/s].
        start_ddq: Shape (n,), [rad/s^2].
        past: points that the controller commands before time 0, at negative times; None: it has to
            find its own way to the point at time 0, which is in the future when it is sent.
    """

    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector
    start_q: Vector
    start_dq: Vector
    start_ddq: Vector
    past: Points | None = None

    @property
    def points(self) -> Points:
        """All points that are sent, in order; the start is the point at time 0."""
        start = Points(
            np.zeros(1), self.start_q[None], self.start_dq[None], self.start_ddq[None]
        ).followed_by(Points(self.times_s, self.q, self.dq, self.ddq))
        return start if self.past is None else self.past.followed_by(start)


@dataclass(frozen=True)
class GripperTrajectory:
    """Finger positions over time, interpolated linearly.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        positions_m: of one finger, 0 when closed. Shape (N,), [m].
        start_m: the position commanded at time 0 [m].
        past_s: negative times of the positions commanded before time 0. Shape (M,), [s].
        past_m: positions commanded at these times. Shape (M,), [m].
    """

    times_s: Vector
    positions_m: Vector
    start_m: float
    past_s: Vector = field(default_factory=lambda: np.zeros(0))
    past_m: Vector = field(default_factory=lambda: np.zeros(0))

    @property
    def points(self) -> tuple[Vector, Vector]:
        """Times and positions of all points that are sent; the start is the point at time 0."""
        times_s = np.concatenate((self.past_s, [0.0], self.times_s))
        return times_s, np.concatenate((self.past_m, [self.start_m], self.positions_m))


@dataclass(frozen=True)
class ArmState:
    """Measured state of the arm.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        dq: joint velocities; None: not measured. Shape (n,), [rad/s].
        stamp_s: when it was measured, by the controller's clock [s]; None: just now.
    """

    q: Vector
    dq: Vector | None = None
    stamp_s: float | None = None
