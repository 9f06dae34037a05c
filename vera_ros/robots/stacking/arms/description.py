# SPDX-License-Identifier: Apache-2.0
"""Puts a hand on the flange of an arm's URDF.

The launch file uses this in the system's Python: no library is imported.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from vera_ros.errors import ConfigurationError
from vera_ros.resources import given_file, share_path
from vera_ros.robots.stacking.arms.meshes import resolve_meshes
from vera_ros.robots.stacking.arms.urdf_tree import UrdfTree
from vera_ros.robots.stacking.frames import PANDA_JOINTS
from vera_ros.robots.stacking.hands import MOUNT, PANDA_HAND, Hand

_FLANGE_NAMES = ("flange", "tool0", "link_eef", "ee_link", "end_effector", "link8")


def packaged_panda(hand: Hand = PANDA_HAND) -> str:
    """Return the URDF of the Panda with a hand."""
    urdf = share_path("description", "urdf", PANDA_HAND.urdf).read_text()
    return urdf if hand == PANDA_HAND else with_hand(urdf, PANDA_JOINTS, MOUNT, hand)


def describe_arm(parameters: Mapping[str, Any], hand: Hand = PANDA_HAND) -> str:
    """Return the URDF of the arm of sim_node's parameters, with a hand; without them the Panda's.

    Raises:
        ConfigurationError: the parameters do not fit together.
    """
    name = parameters.get("arm_description", "")
    if not name:
        return packaged_panda(hand)
    joints = parameters.get("joint_names", PANDA_JOINTS)
    return with_hand(read_description(name), joints, parameters.get("flange", ""), hand)


def read_description(name: str) -> str:
    """Return the URDF that the parameter arm_description names, with paths of its meshes.

    Raises:
        ConfigurationError: it cannot be read, or a mesh is not there.
    """
    path = given_file("arm_description", name, "description", "urdf")
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, UnicodeDecodeError, ElementTree.ParseError) as error:
        raise ConfigurationError(
            f"parameter 'arm_description' is '{path}', which is not a URDF: {error}; give one"
        ) from error
    if any("xacro" in str(element.tag) for element in root.iter()):
        raise ConfigurationError(
            f"parameter 'arm_description' is '{path}', which is written in xacro; run xacro FILE > "
            "robot.urdf, and give the result"
        )
    resolve_meshes(root, path)
    return ElementTree.tostring(root, encoding="unicode")


def with_hand(
    urdf: str, joint_names: Sequence[str], flange: str = "", hand: Hand = PANDA_HAND
) -> str:
    """Return an arm's URDF with a hand in place of what its flange carries.

    Joints of other parts, such as a second arm, are held at zero.

    Args:
        urdf: of the arm, see `read_description`.
        joint_names: the arm's joints, base to tip.
        flange: the link that carries the hand, z out of the arm; empty: the one tip of the model.
        hand: the hand.

    Raises:
        ConfigurationError: it does not have these joints, or it is not clear where the hand goes.
    """
    tree = UrdfTree(ElementTree.fromstring(urdf))
    tree.check_chain(joint_names)
    flange = _find_flange(tree, joint_names[-1], flange)
    tree.remove(list(tree.carried(flange)))
    _check_rest(tree, joint_names[-1], flange)
    tree.hold_others(joint_names)
    file = share_path("description", "urdf", hand.urdf)
    tree.add(UrdfTree(ElementTree.parse(file).getroot()), MOUNT, flange)
    return ElementTree.tostring(tree.root, encoding="unicode")


def without_hand(urdf: str) -> tuple[str, str]:
    """Return a URDF of `with_hand` without the hand, and the name of its flange."""
    tree = UrdfTree(ElementTree.fromstring(urdf))
    flange = tree.mount_of(MOUNT)
    tree.remove(list(tree.carried(flange)))
    return ElementTree.tostring(tree.root, encoding="unicode"), flange


def base_of(urdf: str, first_joint: str) -> str:
    """Return the link that carries the first joint."""
    return UrdfTree(ElementTree.fromstring(urdf)).ends(first_joint)[0]


def _find_flange(tree: UrdfTree, last_joint: str, given: str) -> str:
    """Return the link that carries the hand: the one given, or the one tip of the arm."""
    last = tree.ends(last_joint)[1]
    candidates = [last, *tree.carried(last, ["fixed"])]
    if given in candidates:
        return given
    if given:
        raise ConfigurationError(
            f"parameter 'flange' is '{given}', which is not carried by joint '{last_joint}'; valid "
            f"is one of {candidates}"
        )
    tips = [link for link in candidates if not list(tree.carried(link))]
    named = [link for link in candidates if any(name in link for name in _FLANGE_NAMES)]
    for links in (tips, named):
        if len(links) == 1:
            return links[0]
    raise ConfigurationError(
        f"which link of arm_description carries the hand is not clear: candidates are "
        f"{candidates}; set flange to one of them"
    )


def _check_rest(tree: UrdfTree, last_joint: str, flange: str) -> None:
    """Refuse another gripper, beside the flange."""
    last = tree.ends(last_joint)[1]
    own = {last, *tree.carried(last)}
    stays = [
        joint.get("name")
        for joint in tree.joints()
        if joint.get("type") != "fixed" and tree.ends(str(joint.get("name")))[0] in own
    ]
    if stays:
        raise ConfigurationError(
            f"parameter 'flange' is '{flange}', and the joints {stays} of another gripper stay on "
            "the arm beside it; set flange to a link that carries them"
        )
