# SPDX-License-Identifier: Apache-2.0
"""World: settings of the simulated controller, arm, clocks and network."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vera_ros.motion.chunk import Measured
from verification.rig import ARM_JOINTS, Vector

EPOCH_S = 1000.0  # what clocks show at true time 0


@dataclass(frozen=True)
class World:
    """Settings of the simulated controller, arm, clocks and network.

    Attributes:
        rate_hz: rate of the controller.
        open_loop: whether the controller starts trajectories from its last command.
        joint_states_hz: rate of the joint states.
        controller_clock_offset_s: the controller's clock minus true time, at a true time.
        local_clock_offset_s: ik_node's clock minus true time, at a true time.
        delay_s: delay of a trajectory that is sent at a true time.
        joint_delay_s: delay of joint states.
        lead_s: default lead of trajectories.
        lag_s: time by which the arm lags behind its set-point.
        offset: distance of the arm from its set-point. Shape (n,), [rad].
        corrupt: returns what arrives of a joint state that is sent at a true time; None: nothing.
    """

    rate_hz: float = 500.0
    open_loop: bool = True
    joint_states_hz: float = 100.0
    controller_clock_offset_s: Callable[[float], float] = lambda _: 0.0
    local_clock_offset_s: Callable[[float], float] = lambda _: 0.0
    delay_s: Callable[[float], float] = lambda _: 0.002
    joint_delay_s: float = 0.001
    lead_s: float = 0.0125
    lag_s: float = 0.01
    offset: Vector = field(default_factory=lambda: np.zeros(len(ARM_JOINTS)))
    corrupt: Callable[[Measured, float], Measured | None] = lambda sample, _: sample
