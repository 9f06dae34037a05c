# SPDX-License-Identifier: Apache-2.0
"""How the reference policy moves the droid arm: metric deltas of its flange, and gripper changes.

The arm follows deltas exactly. Its gripper column is a change of position per action, small against
the noise that a client assumes before it has seen any: the client tells a demand from noise by the
column's running statistics (vera_ros.policy.gripper_gate), which need quiet actions first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from vera_ros.embodiments import find_embodiment
from vera_ros.robots.droid import ROBOT
from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.hands import ROBOTIQ_2F_85
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.response import OPEN, Grip, Leg, Response, answer

# The TCP (panda_grip_site) in the frame of the flange (panda_link8), as the URDF has them.
TCP_IN_FLANGE = Pose(
    np.array([0.0, 0.0, 0.137]), Rotation.from_euler("z", -3 * np.pi / 4).as_matrix()
)
_FLANGE_IN_TCP = TCP_IN_FLANGE.inverse()

# Each pad of the 2F-85 moves on a circle about its knuckle joint: the circle's radius, the angle at
# which the joint of the fingertip stands on it when open (0: along the gripper's axis), and the
# pad's distance from that axis at angle 0. From its URDF.
_RADIUS_M, _OPEN_RAD, _PAD_M = 0.05715, 0.70792, 0.0054
_REPORTED_OPEN_M = 0.08  # between the two values of gripper_qpos

GRIPPER_CHANGE = 0.07  # of the stroke, in one action
CHANGING_ACTIONS = 5  # have it, when the gripper closes or opens
# So many actions of an episode pass before the first change: at 80 it would stand out by 2.0
# standard deviations, too little for the gate to be sure of it.
QUIET_ACTIONS = 90


@dataclass(frozen=True)
class DroidArm(Arm):
    """Commands are motions of the TCP, and actions those of the flange (see Arm)."""

    def tcp_of(self, eef: Pose) -> Pose:
        """Return the TCP of a flange."""
        return eef @ TCP_IN_FLANGE

    def gap_of(self, fingers_m: float) -> float:
        """Return the distance between the pads, of a report that is linear in the joint's angle."""
        angle_rad = ROBOTIQ_2F_85.closed * (1.0 - fingers_m / _REPORTED_OPEN_M)
        return float(2.0 * (_RADIUS_M * np.sin(_OPEN_RAD - angle_rad) + _PAD_M))

    def encode(self, commands: Array, tcp: Pose, gripper: Array) -> Array:
        """Return the actions of a chunk of commands."""
        tcps = [tcp]
        for command in commands:
            tcps.append(answer(tcps[-1], command[:6], self.response))
        flanges = [each @ _FLANGE_IN_TCP for each in tcps]
        deltas = [_delta(before, after) for before, after in pairwise(flanges)]
        return np.column_stack([deltas, _changes(gripper, commands[:, 6])])

    def look_ahead(self, tcp: Pose, past: Array, pending: Array) -> Pose:
        """Return where the TCP is after the pending actions."""
        flange = tcp @ _FLANGE_IN_TCP
        for action in pending:
            turn = Rotation.from_rotvec(action[3:6]).as_matrix()
            flange = Pose(flange.position + action[:3], turn @ flange.rotation)
        return flange @ TCP_IN_FLANGE

    def gripper_of(self, actions: Array, before: float) -> Array:
        """Return the gripper command of each action: that of the last change."""
        commands = []
        for change in np.sign(actions[:, 6]):
            before = float(change) or before
            commands.append(before)
        return np.array(commands)

    def paced(self, legs: Sequence[Leg], gripper: float, actions: int) -> Sequence[Leg]:
        """Return the legs, with a wait before a change of the gripper that would come too early."""
        changing = [leg.gripper != gripper for leg in legs]
        missing = QUIET_ACTIONS - actions
        if missing <= 0 or True not in changing:
            return legs
        first = changing.index(True)
        return [*legs[:first], Grip(missing, gripper), *legs[first:]]


def _delta(before: Pose, after: Pose) -> Array:
    """Return translation and rotation vector from one pose to another, base frame. Shape (6,)."""
    turn = Rotation.from_matrix(after.rotation @ before.rotation.T).as_rotvec()
    return np.concatenate([after.position - before.position, turn])


def _changes(past: Array, commands: Array) -> Array:
    """Return the gripper's change in each action. Shapes (n,) and (H,), OPEN or CLOSE."""
    # An episode begins with an open gripper.
    every = np.concatenate([np.full(CHANGING_ACTIONS, OPEN), past, commands])
    latest = np.lib.stride_tricks.sliding_window_view(every, CHANGING_ACTIONS + 1)
    changing = (latest != latest[:, -1:]).any(axis=1)
    return np.where(changing, every[CHANGING_ACTIONS:] * GRIPPER_CHANGE, 0.0)[len(past) :]


ARM = DroidArm(
    embodiment=find_embodiment("droid"),
    cameras=ROBOT.cameras,
    # A chunk of ten actions at full speed, along all three axes, stays within the rails.
    response=Response(unit_m=0.014, unit_rad=0.07, start=(0.6,), stop=(0.6, 0.3)),
    context_frames=9,
)
