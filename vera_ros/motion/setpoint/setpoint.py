# SPDX-License-Identifier: Apache-2.0
"""The set-point of the arm's controller, computed from the trajectories that it was sent.

A joint_trajectory_controller plays what it was sent last from the moment it takes it up, and then
goes on commanding the last point. That holds whether it starts trajectories from the last command
(open loop) or from the measured state, since points are already due when it takes them up. So the
set-point is a function of the controller's time alone, even if the arm does not follow it.

Times are the controller's [s].
"""

from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.setpoint.played_spline import QuinticPieces
from vera_ros.motion.trajectory import ArmTrajectory, Points

State = tuple[Vector, Vector, Vector]  # position, velocity, acceleration; Shape (n,) each

START_SLACK_RAD = 2e-3  # slack for encoder noise, in a start's distance from the measured arm
PAST_S = 0.05  # how much of what played before is sent with a trajectory
_EARLIER = 6  # number of trajectories whose ends are remembered
_APART_S = 1e-6  # closer times are the same
_SHORTEST_S = 5e-4  # of a piece: in shorter ones, rounding dominates
_EARLIEST_S = 1e-3  # earliest stamp: 0 would mean the time of arrival


@dataclass(frozen=True)
class Commanded:
    """A trajectory that was sent.

    Attributes:
        pieces: what a controller plays of it; before their beginning, that is unknown.
        start_s: time 0 of the pieces.
    """

    pieces: QuinticPieces
    start_s: float

    @property
    def begin_s(self) -> float:
        """Time of the first point, before which it does not define the set-point."""
        return self.start_s + self.pieces.begin_s

    @property
    def end_s(self) -> float:
        """Time at which it comes to rest."""
        return self.start_s + self.pieces.end_s

    def state(self, time_s: float) -> State:
        """Return the set-point at a time; before the first point, that of the first point."""
        return self.pieces.state(time_s - self.start_s)

    def later(self, by_s: float) -> "Commanded":
        """Return the same trajectory, played later by `by_s`."""
        return replace(self, start_s=self.start_s + by_s)


@dataclass(frozen=True)
class Setpoint:
    """The set-point of one arm's controller. Immutable: what is sent makes a new one.

    Attributes:
        plays: trajectory that was sent last; None: none was.
        before: what the controller plays if it never took that up.
        known: whether the controller plays what it was sent; otherwise it may command the end of
            `plays`, where the arm is measured, or anything in between.
        earlier_q: ends of trajectories sent before `plays`, newest first. Shape (n,) each, [rad].
    """

    plays: Commanded | None = None
    before: Commanded | None = None
    known: bool = False
    earlier_q: tuple[Vector, ...] = ()

    @classmethod
    def resting(cls, q: Vector) -> "Setpoint":
        """Return the set-point of a controller that has long held `q`. `q`: Shape (n,), [rad]."""
        still = np.zeros((2, len(q)))
        rest = Points(np.array([-1.0, 0.0]), np.stack((q, q)), still, still)
        return cls(Commanded(QuinticPieces(rest), 1.0), None, True)

    def state(self, time_s: float) -> State | None:
        """Return the set-point at a time; None: it is unknown."""
        if not self.known or self.plays is None or time_s < self.plays.begin_s - _APART_S:
            return None
        return self.plays.state(time_s)

    def moves(self, time_s: float) -> bool:
        """Whether a trajectory that was sent is being played."""
        return self.plays is not None and time_s < self.plays.end_s

    @property
    def end_q(self) -> Vector | None:
        """Position at which it rests if nothing else is sent; None: unknown. Shape (n,), [rad]."""
        return self.last_q if self.known else None

    @property
    def last_q(self) -> Vector | None:
        """End of what was sent last, whether or not it was played; None: nothing was sent."""
        return None if self.plays is None else self.plays.pieces.points.q[-1]

    def past(self, until_s: float, past_s: float) -> Points | None:
        """Return the points commanded before a trajectory's time 0, to be sent with it.

        None: they are unknown, or there are none.

        Args:
            until_s: time 0 of the trajectory; the points' times count from it, and are negative.
            past_s: how far back.
        """
        if not self.known or self.plays is None:
            return None
        from_s = max(until_s - past_s, _EARLIEST_S, self.plays.begin_s)
        if until_s - from_s < _SHORTEST_S:
            return None
        first = self._point(from_s - until_s, until_s)
        return first.followed_by(self._knots(from_s - until_s, 0.0, until_s))

    def continued(self, trajectory: ArmTrajectory, start_s: float, joins_s: float) -> ArmTrajectory:
        """Return the trajectory with the set-point's own points up to where the two part.

        Args:
            trajectory: continues the set-point, except for rounding.
            start_s: its time 0.
            joins_s: how long after that the two are the same.
        """
        start, kept = self._point(0.0, start_s), self._knots(0.0, joins_s, start_s)
        if joins_s > _SHORTEST_S:
            kept = kept.followed_by(self._point(joins_s, start_s))
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

    # Times relative to `zero_s` are all rounded alike: short pieces tolerate nothing else.

    def _knots(self, after_s: float, before_s: float, zero_s: float) -> Points:
        """Return the points of what plays between two times."""
        assert self.plays is not None
        points = self.plays.pieces.points
        times_s = points.times_s - (zero_s - self.plays.start_s)
        kept = (times_s > after_s + _SHORTEST_S) & (times_s < before_s - _SHORTEST_S)
        return Points(times_s[kept], points.q[kept], points.dq[kept], points.ddq[kept])

    def _point(self, time_s: float, zero_s: float) -> Points:
        """Return the set-point at a time as a single point."""
        assert self.plays is not None
        q, dq, ddq = self.plays.pieces.state(time_s + (zero_s - self.plays.start_s))
        return Points(np.array([time_s]), q[None], dq[None], ddq[None])

    def sent(self, trajectory: ArmTrajectory, start_s: float) -> "Setpoint":
        """Return the set-point once the controller has a trajectory. `start_s`: its time 0."""
        commanded = Commanded(QuinticPieces(trajectory.points), start_s)
        return Setpoint(commanded, self.plays if self.known else None, True, self._ends_q)

    def reverted(self) -> "Setpoint":
        """Return the set-point of a controller that never took up what was sent last."""
        return Setpoint(self.before or self.plays, None, self.before is not None, self._ends_q)

    @property
    def _ends_q(self) -> tuple[Vector, ...]:
        """Ends of the trajectories that were sent, newest first."""
        last_q = self.last_q
        ends = self.earlier_q if last_q is None else (last_q, *self.earlier_q)
        return ends[:_EARLIER]

    def doubted(self) -> "Setpoint":
        """Return it as unknown, since the controller may have been away, or stopped by itself."""
        return replace(self, before=None, known=False)

    def later(self, by_s: float) -> "Setpoint":
        """Return the same when the controller's clock was set forward by `by_s`."""
        return replace(
            self,
            plays=None if self.plays is None else self.plays.later(by_s),
            before=None if self.before is None else self.before.later(by_s),
        )


UNKNOWN = Setpoint()
