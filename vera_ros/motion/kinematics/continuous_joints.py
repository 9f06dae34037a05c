# SPDX-License-Identifier: Apache-2.0
"""Ranges for joints that turn without end, which a URDF gives none."""

from collections.abc import Sequence
from contextlib import suppress
from xml.etree import ElementTree

from vera_ros.motion.kinematics.urdf_joints import joints
from vera_ros.motion.kinematics.vec3 import Vector


def continuous_joints(urdf: str, joint_names: Sequence[str]) -> list[str]:
    """Return those of the joints that are continuous; of an invalid URDF, none."""
    found: list[str] = []
    with suppress(ElementTree.ParseError):
        for joint in joints(urdf):
            if joint.get("type") == "continuous" and joint.get("name") in joint_names:
                found.append(str(joint.get("name")))
    return found


def with_ranges(
    urdf: str,
    joint_names: Sequence[str],
    lower: Vector,
    upper: Vector,
    velocity: Vector,
) -> str:
    """Return a valid URDF in which those of the joints that are continuous have a range.

    Args:
        urdf: the description.
        joint_names: the arm's joints, n of them.
        lower: lowest joint positions. Shape (n,), [rad].
        upper: highest joint positions. Shape (n,), [rad].
        velocity: for joints whose description has none. Shape (n,), [rad/s].
    """
    root = ElementTree.fromstring(urdf)
    ranges = dict(zip(joint_names, zip(lower, upper, velocity, strict=True), strict=True))
    for joint in joints(root):
        name = str(joint.get("name"))
        if joint.get("type") != "continuous" or name not in ranges:
            continue
        low, high, speed = ranges[name]
        limit = joint.find("limit")
        if limit is None:
            limit = ElementTree.SubElement(joint, "limit")
        joint.set("type", "revolute")
        limit.set("lower", repr(float(low)))
        limit.set("upper", repr(float(high)))
        limit.attrib.setdefault("velocity", repr(float(speed)))
        limit.attrib.setdefault("effort", "0")
    return ElementTree.tostring(root, encoding="unicode")
