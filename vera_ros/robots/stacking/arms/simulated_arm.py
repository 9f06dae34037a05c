# SPDX-License-Identifier: Apache-2.0
"""Which arm stacks in the simulated scene."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError
from vera_ros.robots.stacking import frames
from vera_ros.robots.stacking.arms.description import (
    base_of,
    packaged_panda,
    read_description,
    with_hand,
)
from vera_ros.robots.stacking.hands import PANDA_HAND, Hand

# Where robosuite's Panda starts an episode.
START_POSTURE_RAD = np.array([0, np.pi / 16, 0, -5 * np.pi / 6, 0, np.pi - 0.2, np.pi / 4])


@dataclass(frozen=True)
class SimulatedArm:
    """An arm with its hand.

    Attributes:
        joint_names: its joints, base to tip, n of them.
        start_posture: near which episodes start. Shape (n,), [rad].
        urdf: of the arm with the hand (see `with_hand`); empty: the Panda, as the training
            environment models it.
        hand: what its flange carries.
    """

    joint_names: tuple[str, ...] = frames.PANDA_JOINTS
    start_posture: NDArray[np.float64] = field(default_factory=START_POSTURE_RAD.copy)
    urdf: str = ""
    hand: Hand = PANDA_HAND

    def __post_init__(self) -> None:
        if len(self.start_posture) != len(self.joint_names):
            raise ConfigurationError(
                f"start_posture has {len(self.start_posture)} values and joint_names "
                f"{len(self.joint_names)}; give one value per joint"
            )

    @classmethod
    def read(
        cls,
        description: str,
        flange: str,
        joint_names: Sequence[str],
        posture: Sequence[float],
        hand: Hand = PANDA_HAND,
    ) -> "SimulatedArm":
        """Return the arm of a parameter file.

        Args:
            description: a URDF file in description/urdf, or its path; empty: the Panda.
            flange: the link that carries the hand; empty: the one tip of the model.
            joint_names: the arm's joints, base to tip.
            posture: near which episodes start [rad].
            hand: what the flange carries.

        Raises:
            ConfigurationError: they do not fit together.
        """
        joints, start = tuple(joint_names), np.array(posture)
        if description:
            urdf = with_hand(read_description(description), joints, flange, hand)
            return cls(joints, start, urdf, hand)
        if joints != PANDA.joint_names:
            raise ConfigurationError(
                f"joint_names are {list(joints)}, and arm_description is empty, which is the Panda "
                f"with {list(PANDA.joint_names)}; set arm_description to the arm's URDF"
            )
        return cls(joints, start, hand=hand)

    @property
    def description(self) -> str:
        """The URDF of the arm with its hand."""
        return self.urdf or packaged_panda(self.hand)

    @cached_property
    def base(self) -> str:
        """The link that carries the first joint: the frame of poses."""
        return base_of(self.urdf, self.joint_names[0]) if self.urdf else frames.BASE


PANDA = SimulatedArm()
