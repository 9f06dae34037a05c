# SPDX-License-Identifier: Apache-2.0
"""Shapes of a description that joints other than the arm's carry, such as those of a second arm."""

from collections.abc import Mapping, Sequence

import numpy as np
import pinocchio as pin

from vera_ros.motion.collision.finger_posture import read_mimics, set_position
from vera_ros.motion.kinematics.vec3 import Vector


class OtherJoints:
    """Places the shapes that do not move with the arm where the other joints put them.

    Attributes:
        names: joints by which such shapes move against the arm's base; those that mimic another one
            are not listed.
        shapes: indices of these shapes.
    """

    def __init__(
        self,
        urdf: str,
        full: pin.Model,
        shapes: pin.GeometryModel,
        carriers: Sequence[int],
        joint_names: Sequence[str],
        posture: Vector,
    ) -> None:
        """Begin with the shapes where they are in a posture.

        Args:
            urdf: the description.
            full: its kinematics, with all joints.
            shapes: those of the reduced model that the arm's joints move, in which the shapes are
                placed.
            carriers: the joint of `full` that carries each of them.
            joint_names: the arm's joints, base to tip.
            posture: of all joints. Shape (full.nq,), [m or rad].
        """
        self._full, self._data, self._posture = full, full.createData(), posture
        self._objects = shapes.geometryObjects
        base = int(full.parents[full.getJointId(joint_names[0])])
        pin.forwardKinematics(full, self._data, posture)
        self._base, self._base_placement = base, self._data.oMi[base].copy()
        self._carried: dict[int, tuple[int, pin.SE3]] = {}
        moving: set[int] = set()
        for index, shape in enumerate(self._objects):
            joint = carriers[index]
            if shape.parentJoint == 0 and joint != base:
                local = self._data.oMi[joint].actInv(shape.placement)
                self._carried[index] = joint, local
                moving |= set(full.supports[joint]) ^ set(full.supports[base])
        self._joints = sorted(moving - {0})
        self._mimics = read_mimics(urdf)
        own = [str(full.names[joint]) for joint in self._joints]
        masters = dict.fromkeys(self._mimics.get(name, (name,))[0] for name in own)
        self.names = tuple(
            name for name in masters if name not in joint_names and full.existJointName(name)
        )
        self.shapes = frozenset(self._carried)

    def place(self, positions: Mapping[str, float]) -> None:
        """Place the shapes for these joint positions [m or rad]; of others, as at the beginning."""
        q = self._posture.copy()
        for joint in self._joints:
            name = str(self._full.names[joint])
            master, ratio, offset = self._mimics.get(name, (name, 1.0, 0.0))
            if master in positions:
                set_position(self._full, joint, ratio * positions[master] + offset, q)
        pin.forwardKinematics(self._full, self._data, q)
        to_base = self._base_placement * self._data.oMi[self._base].inverse()
        for index, (joint, local) in self._carried.items():
            self._objects[index].placement = to_base * self._data.oMi[joint] * local

    def sample(self, random: np.random.Generator) -> dict[str, float]:
        """Return random positions of the joints, within their ranges."""
        found = {}
        for name in self.names:
            index = self._full.joints[self._full.getJointId(name)].idx_q
            low, high = (
                of[index] for of in (self._full.lowerPositionLimit, self._full.upperPositionLimit)
            )
            if self._full.joints[self._full.getJointId(name)].nq != 1 or not high - low < 4 * np.pi:
                low, high = -np.pi, np.pi
            found[name] = float(random.uniform(low, high))
        return found
