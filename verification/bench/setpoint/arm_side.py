# SPDX-License-Identifier: Apache-2.0
"""The arm's side in simulated time: from chunks to the set-point of a controller, with its clocks.

Everything between a chunk and the controller is the real thing, and so are the rules by which the
controller takes up, plays and refuses trajectories. What lies between is simulated: two clocks, the
ways of messages, and an arm that follows its set-point late and with an offset.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.planning_job import Clocks
from vera_ros.motion.execution.supervisor import Hold, Supervisor
from vera_ros.motion.observation.arm_clock import ArmClock
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.observation.joint_state_filter import JointStateFilter
from vera_ros.motion.safety.contact import ContactWatch
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import PAST_S, UNKNOWN
from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import TrajectoryPoints
from verification.bench.setpoint.world import World
from verification.rig import ARM_JOINTS, CONTROL_DT_S, Rig, Vector

_BOUNDS = SupervisionLimits(0.1, 0.15, 0.05, 1.0, 1.0, 900.0, 0.5, 0.3, 0.01, 0.05)
_TICK_S = 0.02
_EPOCH_S = 1000.0
_CLOCK_DIFFERENCE_S = 0.1
_EFFORT_NM = 50.0


@dataclass(frozen=True)
class _Sent:
    arrives_s: float
    trajectory: ArmTrajectory
    start_s: float


class ArmSide:
    """One arm, its controller, and everything that moves it. Times are true and steady [s].

    Args:
        rig: plans and checks.
        q: where the controller holds the arm. Shape (n,), [rad].
        world: what lies between.

    Attributes:
        supervisor: decides what the arm plays.
        joint_states: tells what is known of the arm.
        lead: of what is sent.
        now_s: the present, from 0.
        commands: the set-point of every cycle so far. Shape (n,) each, [rad].
        world: what lies between.
        period_s: of the controller.
        told: what the supervisor said, as (what, ...).
        told_s: when it did.
        refused: how many trajectories the controller refused.
        sent: how many trajectories were sent.
    """

    def __init__(self, rig: Rig, q: Vector, world: World) -> None:
        self.now_s = 0.0
        self._rig = rig
        self.world = world
        self.period_s = 1.0 / world.rate_hz
        self._controller = TrajectoryFollower(
            ARM_JOINTS, q, open_loop=world.open_loop, period_s=self.period_s
        )
        self._under_way: deque[_Sent] = deque()
        self._joints: deque[tuple[float, Measured]] = deque()
        self.joint_states = JointStateFilter(ARM_JOINTS, rig.limits.rates.joints[0], 0.5)
        self._clock = ArmClock()
        self.lead = Lead(world.lead_s)
        self._dispatcher = rig.dispatcher(q, self.lead, self._publish)
        channel = self._dispatcher.channel
        channel.gate.setpoint = UNKNOWN
        channel.playback = replace(channel.playback, setpoint=UNKNOWN)
        self._hold = Hold()
        self.told: list[tuple[Any, ...]] = []
        self.told_s: list[float] = []
        contact = ContactWatch(rig.arm, np.full(rig.arm.n, _EFFORT_NM), 0.1)
        self.supervisor = Supervisor(
            self._dispatcher,
            PlaybackWatch(contact, _BOUNDS),
            _BOUNDS,
            self._hold,
            self,
            Clocks(lambda: self.now_s, self._controllers_s),
        )
        self._cycles = self._ticks = self._samples = self._sequence = 0
        self.commands: list[Vector] = [q]
        self.refused = self.sent = 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Listen to the supervisor."""

        def tell(*what: object) -> None:
            self.told.append((name, *what))
            self.told_s.append(self.now_s)

        return tell

    # What is known.

    def names(self) -> list[str]:
        """What was said, without the words."""
        return [what[0] for what in self.told]

    def shares(self) -> tuple[float, float]:
        """Largest velocity and acceleration of the set-point, as shares of the joints' limits.

        They are first and second differences at the controller's rate.
        """
        velocity, acceleration = self._shares()
        return float(velocity.max(initial=0.0)), float(acceleration.max(initial=0.0))

    def steps_s(self, most_velocity: float, most_acceleration: float) -> list[float]:
        """When the set-point exceeded these shares."""
        velocity, acceleration = self._shares()
        steps = (velocity[1:] > most_velocity) | (acceleration > most_acceleration)
        return [float(at) for at in (np.flatnonzero(steps.any(axis=1)) + 2) * self.period_s]

    def step_rad(self) -> float:
        """The largest change of a joint's movement from one cycle to the next."""
        return float(np.abs(np.diff(np.array(self.commands), 2, axis=0)).max(initial=0.0))

    def _shares(self) -> tuple[Vector, Vector]:
        """Velocities and accelerations of all cycles, as shares of the limits."""
        q = np.array(self.commands)
        rates = self._rig.limits.rates.joints
        velocity = np.abs(np.diff(q, axis=0)) / self.period_s / rates[0]
        acceleration = np.abs(np.diff(q, 2, axis=0)) / self.period_s**2 / rates[1]
        return velocity, acceleration

    def braking_s(self) -> float:
        """How long the slowest joint needs to brake from the present velocity."""
        dq = np.abs(self.commands[-1] - self.commands[-2]) / self.period_s
        return float((dq / self._rig.limits.rates.joints[1]).max())

    def moves(self) -> bool:
        """Whether the set-point has moved within the last two cycles."""
        return len(self.commands) > 1 and bool((self.commands[-1] != self.commands[-2]).any())

    # What is done.

    def play(self, deltas: Vector, session_id: str = "a") -> MotionRefusedError | None:
        """Play a chunk; return why not. `deltas`: Shape (H, 6), [m, rad]."""
        self._sequence += 1
        chunk = ChunkRequest(deltas, np.zeros(0, bool), CONTROL_DT_S, session_id, self._sequence)
        try:
            planning = self.supervisor.plan(chunk, self._sense(), self._controllers_s())
        except MotionRefusedError as error:
            return error
        try:
            self.supervisor.take(planning, planning.run(), self._sense(), self._controllers_s())
        except MotionRefusedError as error:
            return error
        finally:
            self.supervisor.intake.give_up(planning)
        return None

    def stop(self) -> None:
        """Ask for a stop."""
        self.supervisor.stop(Reason(Cause.STOPPED, "asked"), self._sense(), self._controllers_s())

    def hold(self) -> None:
        """Ask for a hold."""
        self._hold.held = True
        self.supervisor.stop(Reason(Cause.HELD, "asked"), self._sense(), self._controllers_s())

    def release(self) -> None:
        """Let it move again."""
        self._hold.held = False

    # Time.

    def run(self, duration_s: float) -> None:
        """Let time pass."""
        until_s = self.now_s + duration_s - 1e-9
        while self.now_s < until_s:
            self._cycles += 1
            self.now_s = self._cycles * self.period_s
            self._cycle()
            while self._samples / self.world.joint_states_hz <= self.now_s:
                self._samples += 1
                self._measure()
            while self._ticks * _TICK_S <= self.now_s:
                self._ticks += 1
                self.supervisor.tick(self._sense(), self._controllers_s())

    def run_until_rest(self, most_s: float = 10.0) -> bool:
        """Let time pass until nothing plays; return whether that came to pass."""
        until_s = self.now_s + most_s
        while self.now_s < until_s:
            self.run(0.05)
            if self.supervisor.playing is None and not self.supervisor.stops.under_way:
                return True
        return False

    def _cycle(self) -> None:
        now_ns = round(self._clock_of_controller(self.now_s) * 1e9)
        while self._under_way and self._under_way[0].arrives_s <= self.now_s:
            self._deliver(self._under_way.popleft(), now_ns)
        q, dq = self._arm()
        self.commands.append(self._controller.update(now_ns, q, dq).q)

    def _deliver(self, sent: _Sent, now_ns: int) -> None:
        points = sent.trajectory.points
        first_s = points.times_s[0]
        try:
            self._controller.accept(
                ARM_JOINTS,
                TrajectoryPoints(points.times_s - first_s, points.q, points.dq, points.ddq),
                round((sent.start_s + first_s) * 1e9),
                now_ns,
            )
        except TrajectoryRejectedError:
            self.refused += 1

    def _arm(self) -> tuple[Vector, Vector]:
        """Where the arm is, and how fast."""
        behind = round(self.world.lag_s / self.period_s)
        at = max(0, len(self.commands) - 1 - behind)
        q, before = self.commands[at], self.commands[max(0, at - 1)]
        return q + self.world.offset, (q - before) / self.period_s

    def _measure(self) -> None:
        q, dq = self._arm()
        stamp_s = self._clock_of_controller(self.now_s)
        sample = self.world.spoil(Measured(q, dq, None, stamp_s, 0.0), self.now_s)
        if sample is not None:
            self._joints.append((self.now_s + self.world.joint_delay_s, sample))

    # What ik_node does (see IkNode._sense).

    def _sense(self) -> ArmObservation:
        set_by_s, known = 0.0, self.joint_states
        while self._joints and self._joints[0][0] <= self.now_s:
            came_s, sample = self._joints.popleft()
            known.add(replace(sample, received_s=came_s), self._controllers_s())
            if known.heard is not None and (by_s := self._clock.observe(*known.heard)):
                set_by_s += by_s
                known.clock_was_set(by_s)
        if set_by_s:
            self.supervisor.clock_was_set(set_by_s)
        now_s = self._controllers_s()
        unsure_s = self._clock.uncertainty_s(self.now_s)
        self._dispatcher.channel.past_s = PAST_S + min(unsure_s, _CLOCK_DIFFERENCE_S)
        return ArmObservation(
            None if known.unknown(self.now_s, now_s) else known.newest,
            None,
            known.age_s(self.now_s, now_s),
            known.silent_s(self.now_s),
            known.fault(self.now_s, now_s),
            self._clock.fault(self.now_s, self._ours_s(), _CLOCK_DIFFERENCE_S),
            known.settled(self.now_s),
            True,
            self._clock.in_doubt(self.now_s),
            known.reacquired,
            tuple(known.arm.recent),
            known.elsewhere(self.now_s),
        )

    def _publish(self, trajectory: ArmTrajectory, start_s: float) -> None:
        self.sent += 1
        self._clock.mark()
        arrives_s = self.now_s + self.world.delay_s(self.now_s)
        if self._under_way:  # one after the other
            arrives_s = max(arrives_s, self._under_way[-1].arrives_s)
        self._under_way.append(_Sent(arrives_s, trajectory, start_s))

    def _clock_of_controller(self, time_s: float) -> float:
        return _EPOCH_S + time_s + self.world.controller_ahead_s(time_s)

    def _ours_s(self) -> float:
        return _EPOCH_S + self.now_s + self.world.ours_ahead_s(self.now_s)

    def _controllers_s(self) -> float:
        return self._clock.now_s(self.now_s, self._ours_s())
