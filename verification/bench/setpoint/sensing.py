# SPDX-License-Identifier: Apache-2.0
"""What ik_node knows of a simulated arm: delayed and spoilt joint states, and two clocks."""

from collections import deque
from dataclasses import replace

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.arm_clock import ArmClock
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.motion.observation.joint_state_filter import JointStateFilter
from vera_ros.motion.setpoint.setpoint import PAST_S
from verification.bench.setpoint.controller_side import ControllerSide
from verification.bench.setpoint.world import EPOCH_S, World
from verification.rig import ARM_JOINTS, Vector

_CLOCK_DIFFERENCE_S = 0.1
_LOST_S = 0.5


class Sensing:
    """Passes joint states through the real filter and the real clock, as ik_node does.

    Args:
        controller: whose arm is measured.
        world: delays, clocks, and how joint states are spoilt.
        velocities: limits of the joints. Shape (n,), [rad/s].

    Attributes:
        joint_states: the filter.
        clock: the controller's clock, from the joint states' stamps.
    """

    def __init__(self, controller: ControllerSide, world: World, velocities: Vector) -> None:
        self.joint_states = JointStateFilter(ARM_JOINTS, velocities, _LOST_S)
        self.clock = ArmClock()
        self._controller = controller
        self._world = world
        self._samples = 0
        self._under_way: deque[tuple[float, Measured]] = deque()

    def measure(self, now_s: float) -> None:
        """Have the arm publish the joint states that are due by a true time."""
        while self._samples / self._world.joint_states_hz <= now_s:
            self._samples += 1
            sample = self._world.spoil(self._controller.measure(now_s), now_s)
            if sample is not None:
                self._under_way.append((now_s + self._world.joint_delay_s, sample))

    def receive(self, now_s: float) -> float:
        """Take in what has arrived; return by how much the controller's clock was set [s]."""
        set_by_s = 0.0
        while self._under_way and self._under_way[0][0] <= now_s:
            came_s, sample = self._under_way.popleft()
            self.joint_states.add(replace(sample, received_s=came_s), self.controllers_s(now_s))
            heard = self.joint_states.heard
            if heard is not None and (by_s := self.clock.observe(*heard)):
                set_by_s += by_s
                self.joint_states.clock_was_set(by_s)
        return set_by_s

    def observation(self, now_s: float) -> ArmObservation:
        """Return what the supervisor is given at a true time."""
        known, controllers_s = self.joint_states, self.controllers_s(now_s)
        return ArmObservation(
            None if known.unknown(now_s, controllers_s) else known.newest,
            None,
            known.age_s(now_s, controllers_s),
            known.silent_s(now_s),
            known.fault(now_s, controllers_s),
            self.clock.fault(now_s, self._ours_s(now_s), _CLOCK_DIFFERENCE_S),
            known.settled(now_s),
            True,
            self.clock.in_doubt(now_s),
            known.reacquired,
            tuple(known.arm.recent),
            known.elsewhere(now_s),
        )

    def past_s(self, now_s: float) -> float:
        """Return how much of the running plan a trajectory repeats [s]."""
        return PAST_S + min(self.clock.uncertainty_s(now_s), _CLOCK_DIFFERENCE_S)

    def controllers_s(self, now_s: float) -> float:
        """Return the controller's time as ik_node knows it, at a true time [s]."""
        return self.clock.now_s(now_s, self._ours_s(now_s))

    def _ours_s(self, now_s: float) -> float:
        return EPOCH_S + now_s + self._world.ours_ahead_s(now_s)
