# SPDX-License-Identifier: Apache-2.0
"""Descriptions of arms that people have, written from published dimensions.

Sizes, placements and ranges are those of the makers' descriptions. Their meshes are replaced by
boxes and capsules, and inertias by those of solid spheres.
"""

from dataclasses import dataclass, field
from math import pi

Numbers = tuple[float, ...]
LIMIT = "<limit lower='{}' upper='{}' velocity='{}' effort='100'/>"
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_TILTS = {"x": (0.0, pi / 2, 0.0), "y": (pi / 2, 0.0, 0.0), "z": (0.0, 0.0, 0.0)}
FRANKA_OFFSETS: tuple[tuple[Numbers, Numbers], ...] = (
    ((0, 0, 0.333), (0, 0, 0)),
    ((0, 0, 0), (-pi / 2, 0, 0)),
    ((0, -0.316, 0), (pi / 2, 0, 0)),
    ((0.0825, 0, 0), (pi / 2, 0, 0)),
    ((-0.0825, 0.384, 0), (-pi / 2, 0, 0)),
    ((0, 0, 0), (pi / 2, 0, 0)),
    ((0.088, 0, 0), (pi / 2, 0, 0)),
)
FRANKA_MASSES = (3.0, 4.97, 0.65, 3.23, 3.59, 1.23, 1.67, 0.74)
PANDA_RANGES = (
    (-2.8973, 2.8973, 2.175),
    (-1.7628, 1.7628, 2.175),
    (-2.8973, 2.8973, 2.175),
    (-3.0718, -0.0698, 2.175),
    (-2.8973, 2.8973, 2.61),
    (-0.0175, 3.7525, 2.61),
    (-2.8973, 2.8973, 2.61),
)
FR3_RANGES = (
    (-2.7437, 2.7437, 2.62),
    (-1.7837, 1.7837, 2.62),
    (-2.9007, 2.9007, 2.62),
    (-3.0421, -0.1518, 2.62),
    (-2.8065, 2.8065, 5.26),
    (0.5445, 4.5169, 4.18),
    (-3.0159, 3.0159, 5.26),
)
UR5E_OFFSETS: tuple[tuple[Numbers, Numbers], ...] = (
    ((0, 0, 0.1625), (0, 0, 0)),
    ((0, 0, 0), (pi / 2, 0, 0)),
    ((-0.425, 0, 0), (0, 0, 0)),
    ((-0.3922, 0, 0.1333), (0, 0, 0)),
    ((0, -0.0997, 0), (pi / 2, 0, 0)),
    ((0, 0.0996, 0), (pi / 2, pi, pi)),
)
UR5E_JOINTS = tuple(
    f"{name}_joint"
    for name in ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
)
GEN3_OFFSETS: tuple[tuple[Numbers, Numbers], ...] = (
    ((0, 0, 0.15643), (pi, 0, 0)),
    ((0, 0.005375, -0.12838), (pi / 2, 0, 0)),
    ((0, -0.21038, -0.006375), (-pi / 2, 0, 0)),
    ((0, 0.006375, -0.21038), (pi / 2, 0, 0)),
    ((0, -0.20843, -0.006375), (-pi / 2, 0, 0)),
    ((0, 0.00017505, -0.10593), (pi / 2, 0, 0)),
    ((0, -0.10593, -0.00017505), (-pi / 2, 0, 0)),
)
GEN3_JOINTS = tuple(f"joint_{number}" for number in range(1, 8))
GEN3_RANGES = {2: 2.41, 4: 2.66, 6: 2.23}  # all others turn without end
GEN3_LIMITS = """
arm:
  name: Kinova Gen3
  joint_words: [gen3]
  lower: [-6.28, -2.41, -6.28, -2.66, -6.28, -2.23, -6.28]
  upper: [6.28, 2.41, 6.28, 2.66, 6.28, 2.23, 6.28]
  velocity: [1.39, 1.39, 1.39, 1.39, 1.22, 1.22, 1.22]
joints:
  velocity: [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
  acceleration: [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0]
  jerk: [2000.0, 2000.0, 2000.0, 2000.0, 2000.0, 2000.0, 2000.0]
tcp:
  linear: {velocity: 1.0, acceleration: 10.0, jerk: 2000.0}
  angular: {velocity: 2.5, acceleration: 25.0, jerk: 5000.0}
"""
UR5E_LIMITS = """
arm:
  name: UR5e
  joint_words: [shoulder, elbow, wrist]
  lower: [-6.2832, -6.2832, -3.1416, -6.2832, -6.2832, -6.2832]
  upper: [6.2832, 6.2832, 3.1416, 6.2832, 6.2832, 6.2832]
  velocity: [3.1416, 3.1416, 3.1416, 3.1416, 3.1416, 3.1416]
joints:
  velocity: [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
  acceleration: [10.0, 10.0, 10.0, 10.0, 10.0, 10.0]
  jerk: [2000.0, 2000.0, 2000.0, 2000.0, 2000.0, 2000.0]
tcp:
  linear: {velocity: 1.0, acceleration: 10.0, jerk: 2000.0}
  angular: {velocity: 2.5, acceleration: 25.0, jerk: 5000.0}
"""


@dataclass
class Description:
    """A URDF in the making; links and joints are added one by one.

    Attributes:
        inertias: whether links with a mass get an <inertial>.
    """

    inertias: bool = True
    _parts: list[str] = field(default_factory=list)

    def link(self, name: str, *shapes: str, mass: float = 0.0) -> None:
        inertia = 0.0016 * mass  # of a solid sphere of 63 mm
        inertial = (
            f"<inertial><mass value='{mass}'/><inertia ixx='{inertia}' iyy='{inertia}' "
            f"izz='{inertia}' ixy='0' ixz='0' iyz='0'/></inertial>"
        )
        given = inertial if mass and self.inertias else ""
        self._parts.append(f"<link name='{name}'>{given}{''.join(shapes)}</link>")

    def joint(
        self,
        name: str,
        parent: str,
        child: str,
        xyz: Numbers = (0, 0, 0),
        rpy: Numbers = (0, 0, 0),
        *,
        kind: str = "fixed",
        axis: Numbers = (0, 0, 1),
        within: tuple[float, float, float] | None = None,
        more: str = "",
    ) -> None:
        """Add a joint. `within`: lower and upper end of its range, and its velocity."""
        limit = "" if within is None else LIMIT.format(*within)
        self._parts.append(
            f"<joint name='{name}' type='{kind}'>{_origin(xyz, rpy)}<parent link='{parent}'/>"
            f"<child link='{child}'/><axis xyz='{_text(axis)}'/>{limit}{more}</joint>"
        )

    def text(self) -> str:
        return f"<robot name='arm'>{''.join(self._parts)}</robot>"


def _text(numbers: Numbers) -> str:
    return " ".join(map(str, numbers))


def _origin(xyz: Numbers, rpy: Numbers = (0, 0, 0)) -> str:
    return f"<origin xyz='{_text(xyz)}' rpy='{_text(rpy)}'/>"


def _collision(shape: str, xyz: Numbers, rpy: Numbers = (0, 0, 0)) -> str:
    return f"<collision>{_origin(xyz, rpy)}<geometry>{shape}</geometry></collision>"


def box(size: Numbers, xyz: Numbers = (0, 0, 0)) -> str:
    return _collision(f"<box size='{_text(size)}'/>", xyz)


def capsule(xyz: Numbers, radius: float, length: float, axis: str = "z") -> str:
    """A cylinder with spheres at its ends, as the makers' descriptions have capsules."""
    ends = [
        tuple(c + sign * length / 2 * a for c, a in zip(xyz, _AXES[axis], strict=True))
        for sign in (1, -1)
    ]
    cylinder = f"<cylinder radius='{radius}' length='{length}'/>"
    return _collision(cylinder, xyz, _TILTS[axis]) + "".join(
        _collision(f"<sphere radius='{radius}'/>", end) for end in ends
    )


def _franka_shapes(grown_m: float) -> list[list[str]]:
    """The coarse shapes of links 0 to 6, `grown_m` larger than the arm."""
    return [
        [capsule((-0.075, 0, 0.06), 0.06 + grown_m, 0.03, "x")],
        [capsule((0, 0, -0.1915), 0.06 + grown_m, 0.283)],
        [capsule((0, 0, 0), 0.06 + grown_m, 0.12)],
        [capsule((0, 0, -0.145), 0.06 + grown_m, 0.15)],
        [capsule((0, 0, 0), 0.06 + grown_m, 0.12)],
        [
            capsule((0, 0, -0.26), 0.06 + grown_m, 0.1),
            capsule((0, 0.08, -0.13), 0.025 + grown_m, 0.14),
        ],
        [capsule((0, 0, -0.03), 0.05 + grown_m, 0.08)],
    ]


def add_franka(
    to: Description,
    prefix: str,
    ranges: tuple[tuple[float, float, float], ...],
    *,
    grown_m: float = 0.03,
    coarse_links: bool = False,
    finger_shapes: bool = True,
) -> None:
    """Add a Franka arm with its hand.

    Args:
        to: the description, which has no links of that prefix.
        prefix: of all names.
        ranges: of the seven joints, and their velocities.
        grown_m: by which the coarse shapes are larger than the arm.
        coarse_links: whether these are on links of their own, `<link>_sc`; else on the links, and
            part of link 7's on the flange, link 8.
        finger_shapes: whether the fingers have shapes.
    """

    def link(name: str, *shapes: str, mass: float = 0.0, turned: float = 0.0) -> None:
        if not coarse_links:
            to.link(prefix + name, *shapes, mass=mass)
            return
        to.link(prefix + name, mass=mass)
        to.link(f"{prefix}{name}_sc", *shapes)
        to.joint(
            f"{prefix}{name}_sc_joint", prefix + name, f"{prefix}{name}_sc", rpy=(0, 0, turned)
        )

    for number, shapes in enumerate(_franka_shapes(grown_m)):
        link(f"link{number}", *shapes, mass=FRANKA_MASSES[number])
    last = capsule((0, 0, 0.01), 0.04 + grown_m, 0.14)
    if coarse_links:
        beside = capsule((0.06, 0, 0.082), 0.03 + grown_m, 0.01, "x")
        link("link7", last, beside, mass=FRANKA_MASSES[7], turned=pi / 4)
        to.link(prefix + "link8")
    else:
        link("link7", last, mass=FRANKA_MASSES[7])
        to.link(prefix + "link8", capsule((0.0424, 0.0424, -0.025), 0.03 + grown_m, 0.01))
    for number, ((xyz, rpy), within) in enumerate(zip(FRANKA_OFFSETS, ranges, strict=True), 1):
        one, other = f"{prefix}link{number - 1}", f"{prefix}link{number}"
        name = f"{prefix}joint{number}"
        to.joint(name, one, other, xyz, rpy, kind="revolute", within=within)
    to.joint(f"{prefix}joint8", f"{prefix}link7", f"{prefix}link8", (0, 0, 0.107))
    palm = capsule((0, 0, 0.04), 0.04 + grown_m, 0.1, "y")
    link("hand", palm, capsule((0, 0, 0.1), 0.02 + grown_m, 0.1, "y"), mass=0.73)
    to.joint(f"{prefix}hand_joint", f"{prefix}link8", f"{prefix}hand", rpy=(0, 0, -pi / 4))
    to.link(f"{prefix}hand_tcp")
    to.joint(f"{prefix}hand_tcp_joint", f"{prefix}hand", f"{prefix}hand_tcp", (0, 0, 0.1034))
    tip = [box((0.0175, 0.0152, 0.0185), (0, 0.00758, 0.04525))] if finger_shapes else []
    for number, (side, turned) in enumerate((("left", 0.0), ("right", pi)), 1):
        finger = f"{prefix}{side}finger"
        to.link(finger, *tip, mass=0.015)
        to.joint(
            f"{prefix}finger_joint{number}",
            f"{prefix}hand",
            finger,
            (0, 0, 0.0584),
            (0, 0, turned),
            kind="prismatic",
            axis=(0, 1, 0),
            within=(0.0, 0.04, 0.2),
            more="" if number == 1 else f"<mimic joint='{prefix}finger_joint1'/>",
        )


def multipanda() -> str:
    """A Panda as multipanda_ros2 has it: shapes on the flange, and no inertias."""
    made = Description(inertias=False)
    add_franka(made, "panda_", PANDA_RANGES, finger_shapes=False)
    return made.text()


def fr3() -> str:
    """A Franka Research 3 as franka_description has it, with its coarse collision shapes."""
    made = Description()
    made.link("base")
    add_franka(made, "fr3_", FR3_RANGES, coarse_links=True)
    made.joint("fr3_base_joint", "base", "fr3_link0")
    return made.text()


def fr3_duo() -> str:
    """Two Franka Research 3 on one mount, as franka_description has them."""
    made = Description()
    made.link("base")
    made.link("mount_link", box((0.1, 0.1, 0.2), (0, 0, 0.1)), mass=10.0)
    made.joint("mount_joint", "base", "mount_link")
    for side, sign in (("left", 1.0), ("right", -1.0)):
        add_franka(made, f"{side}_fr3_", FR3_RANGES, grown_m=0.0, coarse_links=True)
        made.joint(
            f"{side}_base_joint",
            "mount_link",
            f"{side}_fr3_link0",
            (0.03467, sign * 0.050681, 0.202),
            (-sign * 0.89334809, -0.17456074, -sign * 0.46334506),
        )
    return made.text()


def ur5e(*, robotiq: bool = True, continuous: tuple[str, ...] = ()) -> str:
    """A UR5e, with or without a Robotiq 2F-85 whose joints turn.

    Args:
        robotiq: whether it has the gripper.
        continuous: joints without a range.
    """
    made = Description()
    links: tuple[str, ...] = ("base_link_inertia", "shoulder_link", "upper_arm_link")
    links += ("forearm_link", "wrist_1_link", "wrist_2_link", "wrist_3_link")
    shapes = (
        [capsule((0, 0, 0.05), 0.075, 0.01)],
        [capsule((0, 0, 0), 0.06, 0.06)],
        [capsule((-0.2125, 0, 0.138), 0.055, 0.425, "x")],
        [capsule((-0.1961, 0, 0.007), 0.045, 0.3922, "x")],
        [capsule((0, 0, -0.02), 0.04, 0.07)],
        [capsule((0, 0, -0.02), 0.04, 0.07)],
        [capsule((0, 0, -0.035), 0.035, 0.01)],
    )
    masses = (4.0, 3.761, 8.058, 2.846, 1.37, 1.3, 0.365)
    made.link("base_link")
    made.joint("base_link-base_link_inertia", "base_link", links[0], rpy=(0, 0, pi))
    for name, of, mass in zip(links, shapes, masses, strict=True):
        made.link(name, *of, mass=mass)
    for number, (name, (xyz, rpy)) in enumerate(zip(UR5E_JOINTS, UR5E_OFFSETS, strict=True)):
        most = pi if name == "elbow_joint" else 2 * pi
        turns = name in continuous
        made.joint(
            name,
            links[number],
            links[number + 1],
            xyz,
            rpy,
            kind="continuous" if turns else "revolute",
            within=None if turns else (-most, most, pi),
        )
    made.link("tool0")
    made.joint("wrist_3-tool0", "wrist_3_link", "tool0")
    if robotiq:
        _add_robotiq(made)
    return made.text()


def _add_robotiq(to: Description) -> None:
    """Add a Robotiq 2F-85 to `tool0`: one joint is commanded, the others mimic it."""
    to.link("robotiq_85_base_link", box((0.075, 0.05, 0.07), (0, 0, 0.05)), mass=0.6)
    to.joint("robotiq_85_base_joint", "tool0", "robotiq_85_base_link", (0, 0, 0.011))
    to.link("gripper_tcp")
    to.joint("gripper_tcp_joint", "robotiq_85_base_link", "gripper_tcp", (0, 0, 0.145))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        name = f"robotiq_85_{side}"
        mimic = f"<mimic joint='robotiq_85_left_knuckle_joint' multiplier='{sign}'/>"
        within = (0.0, 0.8, 0.5) if sign > 0 else (-0.8, 0.0, 0.5)
        to.link(f"{name}_knuckle_link", mass=0.02)
        to.joint(
            f"{name}_knuckle_joint",
            "robotiq_85_base_link",
            f"{name}_knuckle_link",
            (sign * 0.0306, 0, 0.0549),
            kind="revolute",
            axis=(0, -1, 0),
            within=within,
            more="" if side == "left" else mimic,
        )
        to.link(f"{name}_finger_link", box((0.012, 0.022, 0.04), (0, 0, 0.02)), mass=0.03)
        to.joint(
            f"{name}_finger_joint",
            f"{name}_knuckle_link",
            f"{name}_finger_link",
            (sign * 0.0315, 0, -0.0038),
        )
        to.link(f"{name}_finger_tip_link", box((0.01, 0.022, 0.04), (0, 0, 0.02)), mass=0.02)
        back = f"<mimic joint='robotiq_85_left_knuckle_joint' multiplier='{-sign}'/>"
        to.joint(
            f"{name}_finger_tip_joint",
            f"{name}_finger_link",
            f"{name}_finger_tip_link",
            (sign * 0.0056, 0, 0.0472),
            kind="continuous",
            axis=(0, -1, 0),
            more=back,
        )


def gen3() -> str:
    """A Kinova Gen3 with seven joints, four of them continuous, and no gripper."""
    made = Description()
    made.link("base_link", capsule((0, 0, 0.05), 0.05, 0.05), mass=1.7)
    lengths = (0.1, 0.19, 0.1, 0.19, 0.09, 0.09, 0.04)
    for number, ((xyz, rpy), length) in enumerate(zip(GEN3_OFFSETS, lengths, strict=True), 1):
        along = (0, -length / 2, 0) if number % 2 == 0 else (0, 0, -length / 2)
        shape = capsule(along, 0.04, length, "y" if number % 2 == 0 else "z")
        made.link(f"link_{number}", shape, mass=1.0)
        most, fastest = GEN3_RANGES.get(number), 1.39 if number < 5 else 1.22
        parent = "base_link" if number == 1 else f"link_{number - 1}"
        made.joint(
            f"joint_{number}",
            parent,
            f"link_{number}",
            xyz,
            rpy,
            kind="revolute" if most else "continuous",
            within=(-most, most, fastest) if most else None,
            more="" if most or number == 7 else f"<limit effort='39' velocity='{fastest}'/>",
        )
    made.link("end_effector_link")
    made.joint("end_effector", "link_7", "end_effector_link", (0, 0, -0.061525), (pi, 0, 0))
    return made.text()
