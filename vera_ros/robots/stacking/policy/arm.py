# SPDX-License-Identifier: Apache-2.0
"""How an embodiment's arm is told to move: what differs between those that stack."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vera_ros.embodiments import Embodiment
from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.policy.response import Leg, Response
from vera_ros.sim.cameras import Camera


@dataclass(frozen=True)
class Arm(ABC):
    """An embodiment's views and actions, as the stacking policy needs them.

    Commands are rows of translation, rotation (axis-angle) and gripper (OPEN or CLOSE) in [-1, 1],
    base frame; actions are what goes over the wire. Shape (H, 7) both.

    Attributes:
        embodiment: the robot kind.
        cameras: the calibrated cameras, by view key.
        response: how far the TCP moves for a command.
        context_frames: frames that a planner of that kind uses.
    """

    embodiment: Embodiment
    cameras: Mapping[str, Camera]
    response: Response
    context_frames: int

    @abstractmethod
    def tcp_of(self, eef: Pose) -> Pose:
        """Return the TCP, between the finger tips, of the end-effector pose in a request."""

    def gap_of(self, fingers_m: float) -> float:
        """Return the distance between the finger pads; `fingers_m`: of gripper_qpos."""
        return fingers_m

    @abstractmethod
    def encode(self, commands: Array, tcp: Pose, gripper: Array) -> Array:
        """Return the actions of a chunk of commands.

        Args:
            commands: Shape (H, 7).
            tcp: where the TCP is before them.
            gripper: the episode's gripper commands before them, oldest first. Shape (n,).
        """

    @abstractmethod
    def look_ahead(self, tcp: Pose, past: Array, pending: Array) -> Pose:
        """Return where the TCP comes to rest if nothing is commanded after the pending actions.

        Args:
            tcp: the TCP now, which may be moving.
            past: the actions before now, oldest first. Shape (n, 7).
            pending: the actions from now on. Shape (m, 7).
        """

    @abstractmethod
    def gripper_of(self, actions: Array, before: float) -> Array:
        """Return the gripper command of each action; `before`: the one before them."""

    def paced(self, legs: Sequence[Leg], gripper: float, actions: int) -> Sequence[Leg]:
        """Return the legs as this arm can carry them out.

        Args:
            legs: what the policy decided on.
            gripper: the gripper command before them.
            actions: how many actions the episode has had.
        """
        return legs
