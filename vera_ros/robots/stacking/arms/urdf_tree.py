# SPDX-License-Identifier: Apache-2.0
"""The links of a URDF as a tree. Standard library only."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.etree import ElementTree

from vera_ros.errors import ConfigurationError

Element = ElementTree.Element


class UrdfTree:
    """The links and joints of a URDF, which may be changed.

    Attributes:
        root: the document.
    """

    def __init__(self, root: Element) -> None:
        self.root = root

    def joints(self) -> list[Element]:
        """Return the joints."""
        return self.root.findall("joint")

    def ends(self, joint_name: str) -> tuple[str, str]:
        """Return the links that a joint joins: parent and child."""
        return next(_ends(joint) for joint in self.joints() if joint.get("name") == joint_name)

    def mount_of(self, link: str) -> str:
        """Return the link onto which `add` has fixed a link: the one itself if it was there."""
        mounts = [j for j in self.joints() if j.get("name") == _mount_joint(link)]
        return _ends(mounts[0])[0] if mounts else link

    def carried(self, link: str, kinds: Sequence[str] = ()) -> Iterator[str]:
        """Yield the links that a link carries, near ones first.

        `kinds`: types of the joints between them; empty: any.
        """
        for joint in self.joints():
            parent, child = _ends(joint)
            if parent == link and (not kinds or joint.get("type") in kinds):
                yield child
                yield from self.carried(child, kinds)

    def remove(self, links: Sequence[str]) -> None:
        """Remove links, and the joints that carry them."""
        gone = [link for link in self.root.findall("link") if link.get("name") in links]
        gone += [joint for joint in self.joints() if _ends(joint)[1] in links]
        for element in gone:
            self.root.remove(element)

    def hold_others(self, joint_names: Sequence[str]) -> None:
        """Fix every joint but these, at zero."""
        for joint in self.joints():
            if joint.get("name") not in joint_names:
                joint.set("type", "fixed")
                for part in ("axis", "limit", "mimic", "dynamics"):
                    for element in joint.findall(part):
                        joint.remove(element)

    def add(self, other: "UrdfTree", link: str, onto: str) -> None:
        """Fix a link of another URDF, with all that it carries, onto a link of this one.

        If this is the same link, it gets what the other one carries.

        Raises:
            ConfigurationError: names are taken.
        """
        links = {link, *other.carried(link)}
        new = links - {onto}
        parts = [part for part in other.root.findall("link") if part.get("name") in new]
        parts += [joint for joint in other.joints() if _ends(joint)[0] in links]
        names = {(each.tag, each.get("name")) for each in self.root}
        taken = [each.get("name") for each in parts if (each.tag, each.get("name")) in names]
        if taken:
            raise ConfigurationError(
                f"arm_description has {taken}, as the hand that is mounted on '{onto}'; set flange "
                "to the link that carries them, or rename them"
            )
        materials = other.root.findall("material")
        parts += [each for each in materials if (each.tag, each.get("name")) not in names]
        self.root.extend(parts)
        if link == onto:
            return
        joint = ElementTree.SubElement(self.root, "joint", name=_mount_joint(link), type="fixed")
        ElementTree.SubElement(joint, "parent", link=onto)
        ElementTree.SubElement(joint, "child", link=link)

    def check_chain(self, joint_names: Sequence[str]) -> None:
        """Check that these are the joints of one chain, in its order.

        Raises:
            ConfigurationError: they are not; the message has the order, or all joints.
        """
        known = [str(joint.get("name")) for joint in self.joints()]
        missing = [name for name in joint_names if name not in known]
        if missing or not joint_names:
            raise ConfigurationError(
                f"arm_description has no joint {missing or 'to drive: joint_names is empty'}; it "
                f"has {known}; set joint_names to the arm's joints, base to tip"
            )
        above = {name: self._above(self.ends(name)[0]) for name in joint_names}
        order = sorted(joint_names, key=lambda name: len(above[name]))
        for one, other in pairwise(order):
            if self.ends(one)[1] not in above[other]:
                raise ConfigurationError(
                    f"joint_names {list(joint_names)} are not one chain: '{one}' does not carry "
                    f"'{other}'; set joint_names to the joints between base and flange"
                )
        if order != list(joint_names):
            raise ConfigurationError(
                f"joint_names are {list(joint_names)}; valid is the chain's order, {order}"
            )

    def _above(self, link: str) -> list[str]:
        """Return a link and those that carry it, up to the root."""
        parents = {child: parent for parent, child in map(_ends, self.joints())}
        found = [link]
        while found[-1] in parents and len(found) <= len(parents):
            found.append(parents[found[-1]])
        return found


def _mount_joint(link: str) -> str:
    return f"{link}_mount"


def _ends(joint: Element) -> tuple[str, str]:
    parent, child = joint.find("parent"), joint.find("child")
    if parent is None or child is None:
        raise ConfigurationError(
            f"joint '{joint.get('name')}' of arm_description has no <parent> or no <child>; give "
            "it both"
        )
    return str(parent.get("link")), str(child.get("link"))
