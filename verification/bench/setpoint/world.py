# SPDX-License-Identifier: Apache-2.0
"""What lies between ik_node and the arm, in simulated time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vera_ros.motion.chunk import Measured
from verification.rig import ARM_JOINTS, Vector

EPOCH_S = 1000.0  # what clocks show at true time 0


@dataclass(frozen=True)
class World:
    """What lies between ik_node and the arm.

    Attributes:
        rate_hz: of the controller.
        open_loop: it starts trajectories from its last command.
        joint_states_hz: how often the arm is measured.
        controller_ahead_s: the controller's clock less true time, at a true time [s].
        ours_ahead_s: the same of this machine's clock.
        delay_s: of a trajectory that is sent at a true time [s].
        joint_delay_s: of joint states.
        lead_s: that trajectories are given by default.
        lag_s: of the arm behind its set-point.
        offset: of the arm from its set-point. Shape (n,), [rad].
        spoil: makes another joint state of one that is sent at a true time; None: it is lost.
    """

    rate_hz: float = 500.0
    open_loop: bool = True
    joint_states_hz: float = 100.0
    controller_ahead_s: Callable[[float], float] = lambda _: 0.0
    ours_ahead_s: Callable[[float], float] = lambda _: 0.0
    delay_s: Callable[[float], float] = lambda _: 0.002
    joint_delay_s: float = 0.001
    lead_s: float = 0.0125
    lag_s: float = 0.01
    offset: Vector = field(default_factory=lambda: np.zeros(len(ARM_JOINTS)))
    spoil: Callable[[Measured, float], Measured | None] = lambda sample, _: sample
