# SPDX-License-Identifier: Apache-2.0
"""ik_node's view of a simulated arm: delayed and corrupted joint states, and two clocks."""

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
    """Passes joint states through the real filter and the real clock estimate, as ik_node does.

    Args:
        controller: controller whose arm is measured.
        world: delays, clocks, and corruption of joint states.
        velocities: velocity limits of the joints. Shape (n,), [rad/s].

    Attributes:
        joint_states: the filter.
        period_s: of the joint states.
        clock: estimate of the controller's clock, from the joint states' stamps.
    """

    def __init__(self, controller: ControllerSide, world: World, velocities: Vector) -> None:
        self.joint_states = JointStateFilter(ARM_JOINTS, velocities, _LOST_S)
        self.clock = ArmClock()
        self.period_s = 1.0 / world.joint_states_hz
        self._controller = controller
        self._world = world
        self._samples = 0
        self._in_flight: deque[tuple[float, Measured]] = deque()

    def measure(self, now_s: float) -> None:
        """Have the arm publish the joint states that are due at a true time."""
        while self._samples / self._world.joint_states_hz <= now_s:
            self._samples += 1
            sample = self._world.corrupt(self._controller.measure(now_s), now_s)
            if sample is not None:
                self._in_flight.append((now_s + self._world.joint_delay_s, sample))

    def receive(self, now_s: float) -> float:
        """Process arrived joint states; return by how much the controller's clock was set [s]."""
        set_by_s = 0.0
        while self._in_flight and self._in_flight[0][0] <= now_s:
            arrived_s, sample = self._in_flight.popleft()
            self.joint_states.add(
                replace(sample, received_s=arrived_s), self.controller_time_s(now_s)
            )
            clock_sample = self.joint_states.clock_sample
            if clock_sample is not None and (by_s := self.clock.observe(*clock_sample)):
                set_by_s += by_s
                self.joint_states.clock_was_set(by_s)
        return set_by_s

    def observation(self, now_s: float) -> ArmObservation:
        """Return the supervisor's observation at a true time."""
        states, time_s = self.joint_states, self.controller_time_s(now_s)
        return ArmObservation(
            None if states.unknown(now_s, time_s) else states.newest,
            None,
            states.age_s(now_s, time_s),
            states.silent_s(now_s),
            states.fault(now_s, time_s),
            self.clock.fault(now_s, self._local_time_s(now_s), _CLOCK_DIFFERENCE_S),
            states.settled(now_s),
            True,
            self.clock.in_doubt(now_s),
            states.reacquired,
            tuple(states.arm.recent),
            states.elsewhere(now_s),
        )

    def past_s(self, now_s: float) -> float:
        """Return how much of the running plan is sent again with a trajectory [s]."""
        return PAST_S + min(self.clock.uncertainty_s(now_s), _CLOCK_DIFFERENCE_S)

    def controller_time_s(self, now_s: float) -> float:
        """Return the controller's time as ik_node estimates it, at a true time [s]."""
        return self.clock.now_s(now_s, self._local_time_s(now_s))

    def _local_time_s(self, now_s: float) -> float:
        return EPOCH_S + now_s + self._world.local_clock_offset_s(now_s)
