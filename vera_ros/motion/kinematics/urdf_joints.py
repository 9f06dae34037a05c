# SPDX-License-Identifier: Apache-2.0
"""Joints of a URDF, as XML: what the kinematic model does not keep."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_MOVING = ("revolute", "continuous", "prismatic")


def joints(robot: str | Element) -> list[Element]:
    """Return the joints of a valid URDF, or of its root, without those of its <ros2_control>."""
    root = ElementTree.fromstring(robot) if isinstance(robot, str) else robot
    return [joint for joint in root.iter("joint") if joint.get("type") is not None]


def find_joint(urdf: str, name: str) -> Element | None:
    """Return a joint of a valid URDF by its name; None: it has none of that name."""
    return next((joint for joint in joints(urdf) if joint.get("name") == name), None)


def link_of(joint: Element, end: str) -> str:
    """Return the name of a joint's link. `end`: `parent` or `child`."""
    link = joint.find(end)
    return "" if link is None else str(link.get("link"))


def root_link(urdf: str) -> str:
    """Return the link of a valid URDF that no joint carries."""
    root = ElementTree.fromstring(urdf)
    carried = {link_of(joint, "child") for joint in joints(root)}
    links = [str(link.get("name")) for link in root.findall("link")]
    return next(name for name in links if name not in carried)


def moving_joints(urdf: str) -> list[str]:
    """Return the names of the joints that move by themselves, without those that mimic another."""
    return [str(joint.get("name")) for joint in joints(urdf) if _moves(joint)]


def joints_up_to(urdf: str, name: str) -> list[str]:
    """Return the joints that move the link on which a joint is mounted, from the base on."""
    carriers = {link_of(joint, "child"): joint for joint in joints(urdf)}
    joint, found = find_joint(urdf, name), list[str]()
    while joint is not None and len(found) <= len(carriers):  # a loop is no chain
        joint = carriers.get(link_of(joint, "parent"))
        if joint is not None and _moves(joint):
            found.append(str(joint.get("name")))
    return found[::-1]


def _moves(joint: Element) -> bool:
    return joint.get("type") in _MOVING and joint.find("mimic") is None
