# SPDX-License-Identifier: Apache-2.0
"""Points around the fingers in the TCP's frame, which must stay in the workspace as well."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.collision.finger_posture import UNKNOWN, FingerPosture, set_position
from vera_ros.motion.collision.geometry import read_model
from vera_ros.motion.collision.shapes import corners, read_shapes
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector

_FARTHEST_M = 0.05  # largest distance of the TCP from the box around the fingers


def finger_points(urdf: str, arm: ArmModel, posture: FingerPosture = UNKNOWN) -> Vector:
    """Return points around the fingers, closed and open, in the TCP's frame. Shape (P, 3), [m].

    Fingers are the links that joints beyond the arm's last one carry. Their joints are where
    `posture` says; others are evaluated at both ends of their range if they slide, else at zero.
    The points are the corners of the boxes around the collision shapes; without shapes, the origins
    of the joints. Without fingers, or of several tips, there are none.

    Args:
        urdf: the arm's description, or the separate one that has its collision geometry.
        arm: kinematics of the arm.
        posture: of the gripper, as far as it is known.

    Raises:
        ConfigurationError: `urdf` is not a URDF of that arm.
    """
    if len(arm.tips) > 1:  # of a hand, the fingers are the arm
        return np.zeros((0, 3))
    model = read_model(urdf, arm.joint_names, "robot_description")
    last = model.getJointId(arm.joint_names[-1])
    fingers = [j for j in range(last + 1, model.njoints) if last in list(model.supports[j])]
    local = _points_on(model, urdf, fingers)
    closed, opened, data = pin.neutral(model), pin.neutral(model), model.createData()
    for joint in fingers:
        index, kind = model.joints[joint].idx_q, str(model.joints[joint].shortname())
        ends = model.lowerPositionLimit[index], model.upperPositionLimit[index]
        if kind.startswith("JointModelP") and np.isfinite(ends).all():
            closed[index], opened[index] = ends
        for q, known in ((closed, posture.closed), (opened, posture.opened)):
            if str(model.names[joint]) in known:
                set_position(model, joint, known[str(model.names[joint])], q)
    points = [np.zeros((0, 3))]
    for q in (closed, opened):
        pin.forwardKinematics(model, data, q)
        for joint in fingers:
            placed = data.oMi[last].actInv(data.oMi[joint])
            points.append(local[joint] @ placed.rotation.T + placed.translation)
    from_last = np.unique(np.vstack(points).round(6), axis=0)
    return np.ascontiguousarray((from_last - arm.chain.offsets[-1]) @ arm.chain.rotations[-1])


def check_tcp(arm: ArmModel, points: Vector) -> None:
    """Check that the TCP is between the fingers.

    Args:
        arm: kinematics of the arm.
        points: see `finger_points`; empty: there is nothing to check.

    Raises:
        ConfigurationError: the TCP is too far from the fingers.
    """
    if not len(points):
        return
    beside = np.maximum(points.min(axis=0), 0.0) + np.maximum(-points.max(axis=0), 0.0)
    distance_m = float(np.linalg.norm(beside))
    if distance_m > _FARTHEST_M:
        others = [frame for frame in arm.carried_frames if frame != arm.tcp_frame]
        raise ConfigurationError(
            f"tcp_frame '{arm.tcp_frame}' is {distance_m:.3f} m from the fingers of "
            f"robot_description; valid is up to {_FARTHEST_M} m, since the policy moves what is "
            f"between their tips; set tcp_frame to such a frame, one of {others}, or add one "
            "to the URDF"
        )


def _points_on(model: pin.Model, urdf: str, joints: Sequence[int]) -> dict[int, Vector]:
    """Return points on what each joint carries, in the joint's frame. Shape (P, 3) each, [m]."""
    found: dict[int, list[Vector]] = {joint: [] for joint in joints}
    with suppress(ConfigurationError):  # the collision check, if it is on, reports what is wrong
        for shape in read_shapes(model, urdf, "robot_description").geometryObjects:
            if shape.parentJoint in found:
                found[shape.parentJoint].append(corners(shape))
    return {joint: np.vstack(of) if of else np.zeros((1, 3)) for joint, of in found.items()}
