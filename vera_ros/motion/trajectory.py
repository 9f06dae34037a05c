# SPDX-License-Identifier: Apache-2.0
"""What a controller is sent, and what it is sent it from."""

from dataclasses import dataclass, field

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector


@dataclass(frozen=True)
class Points:
    """Points of a joint motion; a controller plays quintic pieces between them.

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
        """These points, and then the later ones."""
        return Points(
            np.concatenate((self.times_s, later.times_s)),
            np.vstack((self.q, later.q)),
            np.vstack((self.dq, later.dq)),
            np.vstack((self.ddq, later.ddq)),
        )


@dataclass(frozen=True)
class ArmTrajectory:
    """What a controller is sent.

    A controller that takes it up after time 0 plays the points that are due then, without a way
    from its own set-point to them. So what played before, up to time 0, is sent as well: whenever
    the controller takes it up from then on, it goes on from where it is.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        q: Shape (N, n), [rad].
        dq: Shape (N, n), [rad/s].
        ddq: Shape (N, n), [rad/s^2].
        start_q: the point at time 0. Shape (n,), [rad].
        start_dq: Shape (n,), [rad/s].
        start_ddq: Shape (n,), [rad/s^2].
        past: what the controller commands before time 0, by negative times; None: it has to find
            its own way to the point at time 0, which lies ahead then.
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
        """All points that are sent; time 0 is the start's."""
        start = Points(
            np.zeros(1), self.start_q[None], self.start_dq[None], self.start_ddq[None]
        ).followed_by(Points(self.times_s, self.q, self.dq, self.ddq))
        return start if self.past is None else self.past.followed_by(start)


@dataclass(frozen=True)
class GripperTrajectory:
    """Finger positions in time, linear in between.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        positions_m: of one finger, 0 closed. Shape (N,), [m].
        start_m: the position commanded at time 0 [m].
        past_s: times before time 0, negative, of what was commanded before. Shape (M,), [s].
        past_m: positions commanded then. Shape (M,), [m].
    """

    times_s: Vector
    positions_m: Vector
    start_m: float
    past_s: Vector = field(default_factory=lambda: np.zeros(0))
    past_m: Vector = field(default_factory=lambda: np.zeros(0))

    @property
    def points(self) -> tuple[Vector, Vector]:
        """Times and positions of all points that are sent; time 0 is the start's."""
        times_s = np.concatenate((self.past_s, [0.0], self.times_s))
        return times_s, np.concatenate((self.past_m, [self.start_m], self.positions_m))


@dataclass(frozen=True)
class ArmState:
    """Where the arm is, as measured.

    Attributes:
        q: Shape (n,), [rad].
        dq: None: not measured. Shape (n,), [rad/s].
        stamp_s: when it was measured, by the controller's clock; None: just now.
    """

    q: Vector
    dq: Vector | None = None
    stamp_s: float | None = None
