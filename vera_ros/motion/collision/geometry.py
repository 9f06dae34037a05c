# SPDX-License-Identifier: Apache-2.0
"""An arm's collision shapes, which pairs may collide, and how fast a pair can close."""

from collections.abc import Sequence
from itertools import combinations

import coal
import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.collision.finger_posture import UNKNOWN, FingerPosture, set_position
from vera_ros.motion.collision.other_joints import OtherJoints
from vera_ros.motion.collision.shapes import extent, read_shapes
from vera_ros.motion.kinematics.arm_model import what_is_wrong
from vera_ros.motion.kinematics.vec3 import Vector

TABLE = "table"


class CollisionGeometry:
    """The arm's joints and the convex shapes that they carry, other joints locked.

    Those of a gripper are locked where it is open: where `fingers` says, or, if they slide, at
    their upper limit. Of fingers that slide, every other position lies between; those that turn may
    reach further when closed, which the workspace box alone knows. All others are locked at zero,
    until `others` places what they carry.

    Attributes:
        model: kinematics of the arm's joints, n of them, in an order of its own.
        order: index of each of its joints in the arm's order. Shape (n,).
        shapes: see read_shapes; the table, if there is one, comes last.
        links: name of the link that carries each shape.
        others: places the shapes that do not move with the arm.
    """

    def __init__(
        self,
        urdf: str,
        joint_names: Sequence[str],
        source: str,
        table_z_m: float | None,
        fingers: FingerPosture = UNKNOWN,
    ) -> None:
        """Read the URDF text that came from `source`; `table_z_m`: height in the base frame.

        Raises:
            ConfigurationError: not a URDF, other joints, meshes not found, or no shapes that move.
        """
        full = read_model(urdf, joint_names, source)
        shapes = read_shapes(full, urdf, source)
        self._above = _links_above(full, shapes)
        locked = [j for j in range(1, full.njoints) if full.names[j] not in joint_names]
        q = _locked_posture(full, joint_names[-1], fingers)
        self.model, self.shapes = pin.buildReducedModel(full, shapes, locked, q)
        self.order = [list(joint_names).index(str(name)) for name in list(self.model.names)[1:]]
        objects = self.shapes.geometryObjects
        if not any(shape.parentJoint > 0 for shape in objects):
            raise ConfigurationError(
                f"the URDF in {source} has no collision geometry on the links that move; set "
                "collision_description to one that has, or turn the collision check off"
            )
        self.links = [str(self.model.frames[shape.parentFrame].name) for shape in objects]
        self._extents = [extent(shape) for shape in objects]
        carrier = {str(shape.name): int(shape.parentJoint) for shape in shapes.geometryObjects}
        carriers = [carrier[str(shape.name)] for shape in objects]
        self.others = OtherJoints(urdf, full, self.shapes, carriers, joint_names, q)
        if table_z_m is not None:
            self._add_table(joint_names[0], table_z_m)

    def self_pairs(self) -> list[tuple[int, int]]:
        """Return pairs of shapes that move against each other, except those of adjacent links."""
        joints = [self.shapes.geometryObjects[i].parentJoint for i in range(len(self._extents))]
        above = [self._above[self.links[i]] for i in range(len(joints))]
        return [
            (i, j)
            for i, j in combinations(range(len(joints)), 2)
            if joints[i] != joints[j] and above[i] != self.links[j] and above[j] != self.links[i]
        ]

    def table_pairs(self) -> list[tuple[int, int]]:
        """Return the pairs of every shape that moves and the table."""
        if self.links[-1] != TABLE:
            return []
        objects, table = self.shapes.geometryObjects, len(self.links) - 1
        return [(i, table) for i in range(table) if objects[i].parentJoint > 0]

    def joints_between(self, pair: tuple[int, int]) -> int:
        """Return how many joints lie between two shapes that move; 0: one of them does not."""
        one, other = (int(self.shapes.geometryObjects[shape].parentJoint) for shape in pair)
        return len(self._supports(one) ^ self._supports(other)) if one and other else 0

    def closing_speed(self, pair: tuple[int, int]) -> Vector:
        """Return how much closer two shapes come at most per unit of each joint. Shape (n,).

        For a revolute joint between them [m/rad], it is the largest distance that a point of the
        shape that it moves can have from the joint's origin: the sum of the offsets from joint to
        joint and the shape's extent from the last. For a prismatic one it is 1, for any other
        joint 0. In the order of `model`.
        """
        model, speed = self.model, np.zeros(self.model.njoints)
        carriers = [int(self.shapes.geometryObjects[shape].parentJoint) for shape in pair]
        between = self._supports(carriers[0]) ^ self._supports(carriers[1])
        for shape, joint in zip(pair, carriers, strict=True):
            reach = self._extents[shape] if joint else 0.0  # the table has no extent
            while joint in between:
                speed[joint] = 1.0 if _slides(model, joint) else reach
                reach += float(np.linalg.norm(model.jointPlacements[joint].translation))
                if _slides(model, joint):
                    ends = model.lowerPositionLimit[joint - 1], model.upperPositionLimit[joint - 1]
                    reach += float(np.abs(ends).max())
                joint = int(model.parents[joint])
        return speed[1:]

    def _supports(self, joint: int) -> set[int]:
        """Return the joints from the base to a joint, with that joint and the base's 0."""
        return set(self.model.supports[joint])

    def _add_table(self, first_joint: str, z_m: float) -> None:
        data = self.model.createData()
        pin.framesForwardKinematics(self.model, data, pin.neutral(self.model))
        base = data.oMf[self.model.frames[self.model.getFrameId(first_joint)].parentFrame]
        placement = base * pin.SE3(np.eye(3), np.array([0.0, 0.0, z_m]))
        below = coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0)
        self.shapes.addGeometryObject(pin.GeometryObject(TABLE, 0, 0, placement, below))
        self.links.append(TABLE)


def read_model(urdf: str, joint_names: Sequence[str], source: str) -> pin.Model:
    """Read the URDF text that came from `source`.

    Raises:
        ConfigurationError: it is not a URDF, or lacks some of the joints.
    """
    try:
        model = pin.buildModelFromXML(urdf)
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"{source} is not a URDF that can be read ({error}); {what_is_wrong(urdf)}"
        ) from error
    missing = [name for name in joint_names if not model.existJointName(name)]
    if missing or not joint_names:
        raise ConfigurationError(
            f"the URDF in {source} has no joint {missing}; it has {list(model.names)[1:]}; valid "
            f"is one with the joints {list(joint_names)}"
        )
    return model


def _links_above(model: pin.Model, shapes: pin.GeometryModel) -> dict[str, str]:
    """Map each link with shapes to the next one towards the base that has some; else empty."""
    carriers = {shape.parentFrame for shape in shapes.geometryObjects}
    above = {}
    for carrier in carriers:
        frame = model.frames[carrier].parentFrame
        while frame not in carriers and frame != 0:
            frame = model.frames[frame].parentFrame
        name = str(model.frames[frame].name) if frame in carriers else ""
        above[str(model.frames[carrier].name)] = name
    return above


def _locked_posture(model: pin.Model, last_joint: str, fingers: FingerPosture) -> Vector:
    q = pin.neutral(model)
    last = model.getJointId(last_joint)
    for joint in range(last + 1, model.njoints):
        if last not in list(model.supports[joint]):
            continue
        upper = model.upperPositionLimit[model.joints[joint].idx_q]
        if str(model.names[joint]) in fingers.opened:
            set_position(model, joint, fingers.opened[str(model.names[joint])], q)
        elif _slides(model, joint) and np.isfinite(upper):
            set_position(model, joint, upper, q)
    return np.asarray(q)


def _slides(model: pin.Model, joint: int) -> bool:
    return str(model.joints[joint].shortname()).startswith("JointModelP")
