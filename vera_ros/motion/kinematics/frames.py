# SPDX-License-Identifier: Apache-2.0
"""Frames of a description: its links, and the tip among those that a joint carries."""

import pinocchio as pin

from vera_ros.errors import ConfigurationError

_TCP_NAME_PARTS = ("grip_site", "tcp", "tool0", "tool_tip", "ee_link", "gripper_link")


def carried_links(model: pin.Model, joint_name: str) -> list[str]:
    """Return the names of the links that are rigidly attached to a joint."""
    joint = model.getJointId(joint_name)
    return [
        frame.name
        for frame in model.frames
        if frame.type == pin.FrameType.BODY and frame.parentJoint == joint
    ]


def find_tip(model: pin.Model, last_joint: str) -> str:
    """Return the one tip among the links that are rigidly attached to the last joint.

    Raises:
        ConfigurationError: there are several.
    """
    joint = model.getJointId(last_joint)
    links = [
        index
        for index, frame in enumerate(model.frames)
        if frame.type == pin.FrameType.BODY and frame.parentJoint == joint
    ]
    inner = set()
    for index in links:
        parent = model.frames[index].parentFrame
        while parent not in (0, index):
            inner.add(parent)
            if model.frames[parent].type == pin.FrameType.JOINT:
                break
            parent = model.frames[parent].parentFrame
    tips = [str(model.frames[index].name) for index in links if index not in inner]
    named = [tip for tip in tips if any(part in tip for part in _TCP_NAME_PARTS)]
    for candidates in (tips, named):
        if len(candidates) == 1:
            return candidates[0]
    raise ConfigurationError(
        f"the end-effector frame is not clear from the URDF: candidates are {tips}; set tcp_frame"
    )


def body_names(model: pin.Model) -> list[str]:
    """Return the names of all links."""
    return [frame.name for frame in model.frames if frame.type == pin.FrameType.BODY]
