# SPDX-License-Identifier: Apache-2.0
"""The arm's side in simulated time: from chunks to the set-point of a controller, with its clocks.

Everything between a chunk and the controller is the real thing, and so are the rules by which the
controller takes up, plays and refuses trajectories. What lies between is simulated: two clocks, the
delays of messages, and an arm that follows its set-point late and with an offset.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.execution.planning_job import Clocks
from vera_ros.motion.execution.supervisor import Hold, Supervisor
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.safety.contact import ContactWatch
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import UNKNOWN
from vera_ros.motion.trajectory import ArmTrajectory
from verification.bench.setpoint.controller_side import ControllerSide
from verification.bench.setpoint.sensing import Sensing
from verification.bench.setpoint.world import World
from verification.rig import CONTROL_DT_S, Rig, Vector

_LIMITS = SupervisionLimits(0.1, 0.15, 0.05, 1.0, 1.0, 900.0, 0.5, 0.3, 0.01, 0.05)
_TICK_S = 0.02
_EFFORT_NM = 50.0


class SupervisorLog:
    """Records what a supervisor reports: any method of its listener may be called.

    Attributes:
        entries: (true time [s], method, arguments ...) each.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self._now_s = now_s

    def __getattr__(self, method: str) -> Callable[..., None]:
        """Return a method that records its call."""
        return lambda *arguments: self.entries.append((self._now_s(), method, *arguments))

    def named(self, method: str) -> list[tuple[float, Any]]:
        """Return (true time [s], first argument) of every call of a method."""
        return [(entry[0], entry[2]) for entry in self.entries if entry[1] == method]


class ArmSide:
    """One arm, its controller, and everything that moves it. Times are true and steady [s].

    Args:
        rig: plans and checks.
        q: where the controller holds the arm. Shape (n,), [rad].
        world: what lies between ik_node and the arm.

    Attributes:
        now_s: the present, from 0.
        world: as given.
        controller: plays what is sent.
        trace: the set-point of every cycle so far.
        sensing: what is known of the arm.
        lead: of what is sent.
        supervisor: decides what the arm plays.
        log: what the supervisor reported.
    """

    def __init__(self, rig: Rig, q: Vector, world: World) -> None:
        self.now_s = 0.0
        self.world = world
        rates = rig.limits.rates.joints
        self.controller = ControllerSide(q, world, rates)
        self.trace = self.controller.trace
        self.sensing = Sensing(self.controller, world, rates[0])
        self.lead = Lead(world.lead_s)
        self.log = SupervisorLog(lambda: self.now_s)
        dispatcher = rig.dispatcher(q, self.lead, self._publish)
        self._channel = dispatcher.channel
        self._channel.gate.setpoint = UNKNOWN
        self._channel.playback = replace(self._channel.playback, setpoint=UNKNOWN)
        self._hold = Hold()
        contact = ContactWatch(rig.arm, np.full(rig.arm.n, _EFFORT_NM), 0.1)
        self.supervisor = Supervisor(
            dispatcher,
            PlaybackWatch(contact, _LIMITS),
            _LIMITS,
            self._hold,
            self.log,
            Clocks(lambda: self.now_s, self._controllers_s),
        )
        self._ticks = self._sequence = 0

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
        """Release a hold."""
        self._hold.held = False

    # Time.

    def run(self, duration_s: float) -> None:
        """Let time pass."""
        until_s = self.now_s + duration_s - 1e-9
        while self.now_s < until_s:
            self.now_s = self.controller.next_cycle_s()
            self.controller.update(self.now_s)
            self.sensing.measure(self.now_s)
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

    def _sense(self) -> ArmObservation:
        set_by_s = self.sensing.receive(self.now_s)
        if set_by_s:
            self.supervisor.clock_was_set(set_by_s)
        self._channel.past_s = self.sensing.past_s(self.now_s)
        return self.sensing.observation(self.now_s)

    def _publish(self, trajectory: ArmTrajectory, start_s: float) -> None:
        self.sensing.clock.mark()
        self.controller.send(trajectory, start_s, self.now_s)

    def _controllers_s(self) -> float:
        return self.sensing.controllers_s(self.now_s)
