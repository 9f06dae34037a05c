# SPDX-License-Identifier: Apache-2.0
"""What the arm's controller commands, as far as it is known from what it was sent.

A joint_trajectory_controller plays what it was sent last, from whenever it takes it up, and at its
end goes on commanding the last point: whether it starts trajectories from the last command (open
loop) or from the measured state, since the points that are due when it takes them up leave it no
choice. So the set-point is a function of the controller's time, and an arm that does not follow it
changes nothing of it.

Times are the controller's [s].
"""

from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.setpoint.played_spline import QuinticPieces
from vera_ros.motion.trajectory import ArmTrajectory, Points

State = tuple[Vector, Vector, Vector]  # position, velocity, acceleration; Shape (n,) each

START_SLACK_RAD = 2e-3  # that a start may be further from the measured arm: encoders are noisy
PAST_S = 0.05  # of what played before that is sent with a trajectory
_EARLIER = 6  # trajectories of which the ends are remembered
_APART_S = 1e-6  # times that are nearer are the same
_SHORTEST_S = 5e-4  # of a piece: in shorter ones, rounding is all there is
_EARLIEST_S = 1e-3  # a stamp of 0 would mean the time of arrival


@dataclass(frozen=True)
class Commanded:
    """A trajectory that was sent.

    Attributes:
        pieces: what a controller plays of it; unknown before their beginning.
        start_s: time 0 of the pieces.
    """

    pieces: QuinticPieces
    start_s: float

    @property
    def begin_s(self) -> float:
        """From when on it says where the set-point is."""
        return self.start_s + self.pieces.begin_s

    @property
    def end_s(self) -> float:
        """When it comes to rest."""
        return self.start_s + self.pieces.end_s

    def state(self, time_s: float) -> State:
        """The set-point at a time; before its beginning that of the beginning."""
        return self.pieces.state(time_s - self.start_s)

    def later(self, by_s: float) -> "Commanded":
        """The same, played so much later."""
        return replace(self, start_s=self.start_s + by_s)


@dataclass(frozen=True)
class Setpoint:
    """The set-point of one arm's controller. It never changes: what is sent makes a new one.

    Attributes:
        plays: what was sent last; None: nothing.
        before: what the controller plays if it never took that up.
        known: whether the controller does as it was sent; otherwise it may command what `plays`
            ends with, where the arm is measured, or anything in between.
        earlier_q: where the last ones that were sent before `plays` end. Shape (n,) each, [rad].
    """

    plays: Commanded | None = None
    before: Commanded | None = None
    known: bool = False
    earlier_q: tuple[Vector, ...] = ()

    @classmethod
    def resting(cls, q: Vector) -> "Setpoint":
        """The controller commands this position, and has for long. `q`: Shape (n,), [rad]."""
        still = np.zeros((2, len(q)))
        rest = Points(np.array([-1.0, 0.0]), np.stack((q, q)), still, still)
        return cls(Commanded(QuinticPieces(rest), 1.0), None, True)

    def state(self, time_s: float) -> State | None:
        """The set-point at a time; None: it is not known."""
        if not self.known or self.plays is None or time_s < self.plays.begin_s - _APART_S:
            return None
        return self.plays.state(time_s)

    def moves(self, time_s: float) -> bool:
        """Whether something that was sent is being played."""
        return self.plays is not None and time_s < self.plays.end_s

    @property
    def end_q(self) -> Vector | None:
        """Where it comes to rest, if nothing else is sent; None: not known. Shape (n,), [rad]."""
        return self.last_q if self.known else None

    @property
    def last_q(self) -> Vector | None:
        """The end of what was sent last, whether or not that is known to have been played."""
        return None if self.plays is None else self.plays.pieces.points.q[-1]

    def past(self, until_s: float, past_s: float) -> Points | None:
        """What is commanded in the time before a trajectory's time 0, to be sent with it.

        Args:
            until_s: time 0 of the trajectory; the points' times count from it, and are negative.
            past_s: how far back.
        """
        if not self.known or self.plays is None:
            return None
        from_s = max(until_s - past_s, _EARLIEST_S, self.plays.begin_s)
        if until_s - from_s < _SHORTEST_S:
            return None
        first = self._one(from_s - until_s, until_s)
        return first.followed_by(self._knots(from_s - until_s, 0.0, until_s))

    def continued(self, trajectory: ArmTrajectory, start_s: float, joins_s: float) -> ArmTrajectory:
        """The trajectory with the set-point's own points up to where it leaves it.

        Args:
            trajectory: goes on from the set-point, but for rounding.
            start_s: its time 0.
            joins_s: for how long after that it is the same.
        """
        start, kept = self._one(0.0, start_s), self._knots(0.0, joins_s, start_s)
        if joins_s > _SHORTEST_S:
            kept = kept.followed_by(self._one(joins_s, start_s))
        own = trajectory.times_s > joins_s + _SHORTEST_S
        if not own.any():
            own[-1], kept = True, self._knots(0.0, 0.0, start_s)
        rest = Points(
            trajectory.times_s[own], trajectory.q[own], trajectory.dq[own], trajectory.ddq[own]
        )
        points = kept.followed_by(rest)
        return ArmTrajectory(
            points.times_s, points.q, points.dq, points.ddq, start.q[0], start.dq[0], start.ddq[0]
        )

    # Where times count from `zero_s`, they are all rounded alike: short pieces bear nothing else.

    def _knots(self, after_s: float, before_s: float, zero_s: float) -> Points:
        """The points of what plays between two times."""
        assert self.plays is not None
        points = self.plays.pieces.points
        times_s = points.times_s - (zero_s - self.plays.start_s)
        kept = (times_s > after_s + _SHORTEST_S) & (times_s < before_s - _SHORTEST_S)
        return Points(times_s[kept], points.q[kept], points.dq[kept], points.ddq[kept])

    def _one(self, time_s: float, zero_s: float) -> Points:
        """The set-point at a time."""
        assert self.plays is not None
        q, dq, ddq = self.plays.pieces.state(time_s + (zero_s - self.plays.start_s))
        return Points(np.array([time_s]), q[None], dq[None], ddq[None])

    def sent(self, trajectory: ArmTrajectory, start_s: float) -> "Setpoint":
        """The set-point once the controller has this. `start_s`: its time 0."""
        commanded = Commanded(QuinticPieces(trajectory.points), start_s)
        return Setpoint(commanded, self.plays if self.known else None, True, self._ends_q)

    def reverted(self) -> "Setpoint":
        """The set-point of a controller that never took up what was sent last."""
        return Setpoint(self.before or self.plays, None, self.before is not None, self._ends_q)

    @property
    def _ends_q(self) -> tuple[Vector, ...]:
        """The ends of what was sent, newest first."""
        last_q = self.last_q
        ends = self.earlier_q if last_q is None else (last_q, *self.earlier_q)
        return ends[:_EARLIER]

    def doubted(self) -> "Setpoint":
        """The same where the controller may do something else: it was away, or stopped itself."""
        return replace(self, before=None, known=False)

    def later(self, by_s: float) -> "Setpoint":
        """The same when the controller's clock was set forward by so much."""
        return replace(
            self,
            plays=None if self.plays is None else self.plays.later(by_s),
            before=None if self.before is None else self.before.later(by_s),
        )


UNKNOWN = Setpoint()
