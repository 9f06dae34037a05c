# SPDX-License-Identifier: Apache-2.0
"""Model of the controlled arm: kinematics and limits from its URDF."""

import threading
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.chain import Chain, jacobians
from vera_ros.motion.kinematics.frames import body_names, carried_links, find_tip
from vera_ros.motion.kinematics.tip import Tip
from vera_ros.motion.kinematics.urdf_joints import joints
from vera_ros.motion.kinematics.vec3 import Vector

_GIVE = "give the file's content, or leave it empty and run robot_state_publisher"


class _Scratch(threading.local):
    """Pinocchio's work data, one set per thread."""

    def __init__(self, model: pin.Model) -> None:
        self.data = model.createData()


class ArmModel:
    """Kinematics of the chain that ends in the TCP, other joints locked at zero.

    The joints may also be a tree with several tips, such as a hand: then the methods that need one
    TCP raise ConfigurationError. Several threads may use it at the same time.

    Attributes:
        joint_names: the joints, n of them; those of a chain from base to tip.
        tips: where the tree of the joints ends; of a chain one, the TCP.
        carried_frames: names of the links that are rigidly attached to the last joint.
        base_frame: name of the link that carries the first joint: the frame of every pose.
        lower: lower joint position limits. Shape (n,), [rad or m].
        upper: upper joint position limits. Shape (n,), [rad or m].
        velocity_limit: joint velocity limits. Shape (n,), [rad/s or m/s].
        turns: true for a revolute joint, false for a prismatic one. Shape (n,).
    """

    def __init__(self, urdf: str, joint_names: Sequence[str], tcp_frame: str = "") -> None:
        """Read the URDF text; with an empty `tcp_frame`, the TCP or the tips are found in it.

        Raises:
            ConfigurationError: not a URDF, joints missing, no limits, or no unique TCP.
        """
        full = _parse(urdf)
        self.joint_names = tuple(joint_names)
        _check_joints(full, self.joint_names)
        if tcp_frame and not full.existFrame(tcp_frame):
            raise ConfigurationError(
                f"the URDF has no frame '{tcp_frame}'; it has {body_names(full)}; "
                "set tcp_frame to one of these, or leave it empty"
            )
        locked = [j for j in range(1, full.njoints) if full.names[j] not in self.joint_names]
        self._model = pin.buildReducedModel(full, locked, pin.neutral(full))
        order = tuple(self._model.names)[1:]
        serial = all(self._model.parents[j] == j - 1 for j in range(1, self._model.njoints))
        if serial and order != self.joint_names:
            raise ConfigurationError(
                f"joint_names are {list(self.joint_names)}; valid is the chain's order, "
                f"{list(order)}"
            )
        if not serial and tcp_frame:
            raise self._no_chain()
        # The joints' order in pinocchio's model, and the model's in joint_names.
        self._order = [self.joint_names.index(name) for name in order]
        columns = np.argsort(self._order)
        self.carried_frames = carried_links(full, self.joint_names[-1])
        tcp = self._model.getFrameId(tcp_frame)
        if tcp_frame and self._model.frames[tcp].parentJoint != self.n:
            raise ConfigurationError(
                f"tcp_frame '{tcp_frame}' is not carried by joint '{self.joint_names[-1]}'; "
                f"valid is one of {self.carried_frames}"
            )
        self._scratch = _Scratch(self._model)
        first = self._model.frames[self._model.getFrameId(self.joint_names[0])]
        base = first.parentFrame
        self.base_frame = self._model.frames[base].name
        pin.framesForwardKinematics(self._model, self._scratch.data, pin.neutral(self._model))
        self._world_to_base = self._scratch.data.oMf[base].inverse()
        parents = set(self._model.parents[1:])
        last = [name for name in self.joint_names if self._model.getJointId(name) not in parents]
        self.tips = tuple(self._tip(tcp_frame or find_tip(full, name), name) for name in last)
        self.lower = self._model.lowerPositionLimit[columns]
        self.upper = self._model.upperPositionLimit[columns]
        self.velocity_limit = self._model.velocityLimit[columns]
        self.turns = np.zeros(self.n, bool)
        for tip in self.tips:
            self.turns[tip.columns] = tip.chain.turns
        self._check_limits()

    def _tip(self, frame: str, joint: str) -> Tip:
        """Return the tip at a frame that a joint carries."""
        model = self._model
        joints = list(model.supports[model.getJointId(joint)])[1:]
        chain = Chain.of(
            model, model.getFrameId(frame), self._world_to_base.inverse(), joints=joints
        )
        return Tip(frame, chain, np.array([self._order[j - 1] for j in joints]))

    def _no_chain(self) -> ConfigurationError:
        return ConfigurationError(
            f"joint_names {list(self.joint_names)} are not one chain; valid are the joints between "
            "the arm's base and its TCP, each carried by the one before; several tips, as of a "
            "hand, need an embodiment whose actions are those of joints, and an empty tcp_frame"
        )

    @property
    def n(self) -> int:
        """Number of arm joints."""
        return len(self.joint_names)

    @property
    def tcp(self) -> Tip:
        """The one tip of a chain.

        Raises:
            ConfigurationError: the joints are not one chain.
        """
        if len(self.tips) != 1:
            raise self._no_chain()
        return self.tips[0]

    @property
    def tcp_frame(self) -> str:
        """Name of the TCP's frame; of several tips, their names."""
        return ", ".join(tip.frame for tip in self.tips)

    @property
    def chain(self) -> Chain:
        """The one chain as arrays, for compiled code (see `tcp`)."""
        return self.tcp.chain

    def unit(self, joint: int) -> str:
        """Return the unit of a joint's position: rad or m."""
        return "rad" if self.turns[joint] else "m"

    def tcp_pose(self, q: Vector) -> pin.SE3:
        """Return the pose of the TCP in the base frame. `q`: Shape (n,), [rad or m]."""
        tcp = self._model.getFrameId(self.tcp.frame)
        pin.forwardKinematics(self._model, self._scratch.data, q)
        pose = pin.updateFramePlacement(self._model, self._scratch.data, tcp)
        return self._world_to_base * pose

    def jacobians(self, q: Vector) -> Vector:
        """Return Jacobians of the TCP, linear part first, base frame axes. Shape (N, 6, n).

        `q`: Shape (N, n), [rad].
        """
        J = np.empty((len(q), 6, self.n))
        jacobians(self.chain, np.ascontiguousarray(q), J)
        return J

    def tcp_positions(self, q: Vector) -> Vector:
        """Return TCP positions, base frame, Shape (N, 3), [m]. `q`: Shape (N, n), [rad]."""
        return self.tcp_poses(q)[0]

    def tcp_poses(self, q: Vector) -> tuple[Vector, Vector]:
        """Return TCP positions and rotations in the base frame.

        Shapes (N, 3), [m], and (N, 3, 3). `q`: Shape (N, n), [rad].
        """
        return self.tcp.poses(q)

    @property
    def without_inertias(self) -> list[str]:
        """The joints whose links have no mass or inertia in the URDF."""
        return [
            name
            for name, inertia in zip(
                list(self._model.names)[1:], list(self._model.inertias)[1:], strict=True
            )
            if not (inertia.mass > 0 and np.linalg.eigvalsh(inertia.inertia).min() > 0)
        ]

    def require_inertias(self) -> None:
        """Check that the URDF has masses and inertias for the links.

        Raises:
            ConfigurationError: the links that a joint carries have no mass or inertia.
        """
        without = self.without_inertias
        if without:
            raise ConfigurationError(
                f"the URDF has no inertias for the links that {without} carry; give each link an "
                "<inertial> with mass and inertia, or give a URDF that has them as "
                "collision_description (of a Panda: panda.urdf); where the driver's efforts do not "
                "contain gravity, set effort_model to none"
            )

    def mount_as(self, other: "ArmModel") -> None:
        """Take over the direction of gravity relative to the base from a model of the same arm."""
        gravity = other._world_to_base.rotation @ other._model.gravity.linear  # base frame
        self._model.gravity.linear = self._world_to_base.rotation.T @ gravity

    def efforts(self, q: Vector, dq: Vector) -> Vector:
        """Return joint efforts of gravity and Coriolis forces, by the URDF. Shape (n,), [Nm]."""
        order, efforts = self._order, np.empty(self.n)
        data = self._scratch.data
        efforts[order] = pin.nonLinearEffects(self._model, data, q[order], dq[order])
        return efforts

    def check_positions(self, q: Vector, what: str, cause: Cause) -> None:
        """Refuse a motion from or to `q` unless these are n finite joint positions.

        Raises:
            MotionRefusedError: with this cause.
        """
        if q.shape != (self.n,) or not np.isfinite(q).all():
            raise MotionRefusedError(
                cause, f"the {what} is {q.tolist()}; valid are {self.n} finite joint positions"
            )

    def _check_limits(self) -> None:
        for name, lower, upper, velocity in zip(
            self.joint_names, self.lower, self.upper, self.velocity_limit, strict=True
        ):
            if not (np.isfinite([lower, upper, velocity]).all() and lower < upper and velocity > 0):
                raise ConfigurationError(
                    f"joint '{name}' has limits lower={lower}, upper={upper}, velocity={velocity} "
                    "in the URDF; valid are finite ones with lower < upper and velocity > 0"
                )


def _parse(urdf: str) -> pin.Model:
    try:
        return pin.buildModelFromXML(urdf)
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"robot_description is not a URDF that can be read ({error}); "
            f"{what_is_wrong(urdf, _GIVE)}"
        ) from error


def what_is_wrong(urdf: str, remedy: str = "give a URDF file") -> str:
    """Describe an error that the parser does not name; `remedy`: for what is no XML at all."""
    begin = f"it begins {urdf[:60]!r}"
    if urdf.lstrip().startswith(("$(", "${")):
        return f"{begin}, and only launch files expand $(…); {remedy}"
    if "<" not in urdf:
        return f"{begin}, which is a path or a name, not XML; {remedy}"
    if "xmlns:xacro" in urdf or "<xacro:" in urdf:
        return f"{begin}, and is written in xacro; run xacro FILE > robot.urdf, and give the result"
    try:
        without = [
            joint.get("name")
            for joint in joints(urdf)
            if joint.get("type") in ("revolute", "prismatic") and joint.find("limit") is None
        ]
    except ElementTree.ParseError as error:
        return f"it is not valid XML ({error}); {begin}"
    if without:
        return f"the joints {without} have no <limit>; give lower, upper, effort and velocity"
    return begin


def _check_joints(model: pin.Model, joint_names: Sequence[str]) -> None:
    missing = [name for name in joint_names if not model.existJointName(name)]
    if missing or not joint_names:
        raise ConfigurationError(
            f"the URDF has no joint {missing or 'to control: joint_names is empty'}; it has "
            f"{list(model.names)[1:]}; set joint_names to the arm's joints, base to tip"
        )
    for name in joint_names:
        if model.joints[model.getJointId(name)].nq != 1:
            raise ConfigurationError(
                f"joint '{name}' has no range in the URDF; valid are revolute and prismatic "
                "joints; of a continuous one, give the range as arm: lower and upper in the limits "
                "file, or as <limit> in the URDF, with type revolute"
            )
