# SPDX-License-Identifier: Apache-2.0
"""Arm's side in simulated time: from chunks to the set-point of a controller.

The code from the chunk to the trajectory is ik_node's, and the controller takes up, plays and
rejects trajectories by the rules of the real one. Simulated are two clocks, the delays of messages,
and an arm that follows its set-point with a lag and an offset.
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
    """Listener of a supervisor that records every call.

    Attributes:
        entries: (true time [s], method, arguments ...) of each call.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self._now_s = now_s

    def __getattr__(self, method: str) -> Callable[..., None]:
        """Return a method that records its call."""
        return lambda *arguments: self.entries.append((self._now_s(), method, *arguments))

    def calls(self, method: str) -> list[tuple[float, Any]]:
        """Return (true time [s], first argument) of every call of a method."""
        return [(entry[0], entry[2]) for entry in self.entries if entry[1] == method]


class ArmSide:
    """One arm with its controller and its supervisor. Times are true and steady [s].

    Args:
        rig: motion stack that plans and checks.
        q: where the controller holds the arm. Shape (n,), [rad].
        world: simulated clocks, delays and arm.

    Attributes:
        now_s: present true time, from 0.
        world: as given.
        controller: controller that plays what is sent.
        trace: the set-point of every cycle so far.
        sensing: measurements of the arm.
        lead: lead of what is sent.
        supervisor: decides what the arm plays.
        log: calls of the supervisor's listener.
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
            Clocks(lambda: self.now_s, self._controller_time_s),
        )
        self._ticks = self._sequence = 0

    # Commands.

    def play(self, deltas: Vector, session_id: str = "a") -> MotionRefusedError | None:
        """Play a chunk (Shape (H, 6), [m, rad]); return the refusal, or None if it plays."""
        self._sequence += 1
        chunk = ChunkRequest(deltas, np.zeros(0, bool), CONTROL_DT_S, session_id, self._sequence)
        try:
            planning = self.supervisor.plan(chunk, self._sense(), self._controller_time_s())
        except MotionRefusedError as error:
            return error
        try:
            self.supervisor.take(planning, planning.run(), self._sense(), self._controller_time_s())
        except MotionRefusedError as error:
            return error
        finally:
            self.supervisor.intake.give_up(planning)
        return None

    def stop(self) -> None:
        """Request a stop."""
        self.supervisor.stop(
            Reason(Cause.STOPPED, "requested"), self._sense(), self._controller_time_s()
        )

    def hold(self) -> None:
        """Request a hold."""
        self._hold.held = True
        self.supervisor.stop(
            Reason(Cause.HELD, "requested"), self._sense(), self._controller_time_s()
        )

    # Simulation.

    def run(self, duration_s: float) -> None:
        """Advance time by `duration_s`, cycle by cycle."""
        until_s = self.now_s + duration_s - 1e-9
        while self.now_s < until_s:
            self.now_s = self.controller.next_cycle_s()
            self.controller.update(self.now_s)
            self.sensing.measure(self.now_s)
            while self._ticks * _TICK_S <= self.now_s:
                self._ticks += 1
                self.supervisor.tick(self._sense(), self._controller_time_s())

    def run_until_rest(self, timeout_s: float = 10.0) -> bool:
        """Advance time until nothing plays; return whether that was within `timeout_s`."""
        until_s = self.now_s + timeout_s
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

    def _controller_time_s(self) -> float:
        return self.sensing.controller_time_s(self.now_s)
