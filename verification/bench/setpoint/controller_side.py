# SPDX-License-Identifier: Apache-2.0
"""Controller and arm in simulated time: trajectories are delayed, and the arm lags behind."""

from collections import deque
from dataclasses import dataclass

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.motion.chunk import Measured
from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import TrajectoryPoints
from verification.bench.setpoint.setpoint_trace import SetPointTrace
from verification.bench.setpoint.world import EPOCH_S, World
from verification.rig import ARM_JOINTS, Vector


@dataclass(frozen=True)
class _Sent:
    arrives_s: float
    trajectory: ArmTrajectory
    start_s: float


class ControllerSide:
    """Controller that plays trajectories by the real one's rules, and an arm that follows it.

    Args:
        q: where the controller holds the arm. Shape (n,), [rad].
        world: delays, clocks and the arm's offset.
        rates: joint limits: velocity, acceleration. Shape (2 or more, n), [rad/s, rad/s^2].

    Attributes:
        trace: the set-point of every cycle so far.
        sent_s: true times at which trajectories were sent [s].
        refused: number of trajectories that the controller rejected.
    """

    def __init__(self, q: Vector, world: World, rates: Vector) -> None:
        self.trace = SetPointTrace(q, 1.0 / world.rate_hz, rates)
        self.sent_s: list[float] = []
        self.refused = 0
        self._world = world
        self._follower = TrajectoryFollower(
            ARM_JOINTS, q, open_loop=world.open_loop, period_s=self.trace.period_s
        )
        self._in_flight: deque[_Sent] = deque()
        self._own_way_ends_ns = 0  # by the controller's clock

    def send(self, trajectory: ArmTrajectory, start_s: float, now_s: float) -> None:
        """Send a trajectory at a true time; it arrives after the world's delay, in order."""
        self.sent_s.append(now_s)
        arrives_s = now_s + self._world.delay_s(now_s)
        if self._in_flight:
            arrives_s = max(arrives_s, self._in_flight[-1].arrives_s)
        self._in_flight.append(_Sent(arrives_s, trajectory, start_s))

    def next_cycle_s(self) -> float:
        """Return the true time of the next controller cycle [s]."""
        return len(self.trace.commands) * self.trace.period_s

    def update(self, now_s: float) -> None:
        """Run one controller cycle at a true time."""
        now_ns = round(self._clock_s(now_s) * 1e9)
        while self._in_flight and self._in_flight[0].arrives_s <= now_s:
            self._deliver(self._in_flight.popleft(), now_ns)
        q, dq = self._arm()
        self.trace.commands.append(self._follower.update(now_ns, q, dq).q)

    def measure(self, now_s: float) -> Measured:
        """Return the joint state at a true time, stamped by the controller's clock."""
        q, dq = self._arm()
        return Measured(q, dq, None, self._clock_s(now_s), 0.0)

    def _deliver(self, sent: _Sent, now_ns: int) -> None:
        points = sent.trajectory.points
        first_s = points.times_s[0]
        if now_ns < self._own_way_ends_ns:
            self.trace.new_ways.append(len(self.trace.commands))
        first_ns = round((sent.start_s + first_s) * 1e9)
        self._own_way_ends_ns = first_ns if first_s == 0.0 else 0  # without what is played before
        try:
            self._follower.accept(
                ARM_JOINTS,
                TrajectoryPoints(points.times_s - first_s, points.q, points.dq, points.ddq),
                first_ns,
                now_ns,
            )
        except TrajectoryRejectedError:
            self.refused += 1

    def _arm(self) -> tuple[Vector, Vector]:
        commands = self.trace.commands
        at = max(0, len(commands) - 1 - round(self._world.lag_s / self.trace.period_s))
        q, before = commands[at], commands[max(0, at - 1)]
        return q + self._world.offset, (q - before) / self.trace.period_s

    def _clock_s(self, time_s: float) -> float:
        return EPOCH_S + time_s + self._world.controller_clock_offset_s(time_s)
