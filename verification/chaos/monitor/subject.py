# SPDX-License-Identifier: Apache-2.0
"""The simulated robot that the faults strike, as its monitor must know it."""

from dataclasses import dataclass, replace

import numpy as np
import yaml

from vera_ros.motion.limits import Limits
from vera_ros.resources import share_path
from vera_ros.robots.registry import find_robot
from verification.arm_files import TCP_FRAME, read_arm
from verification.chaos.monitor.arm_watch import OFF_RAD
from verification.rig import FINGER, make_limits
from verification.robots import ROBOTS, make_joint_rig

_YIELD_RAD = 0.01  # by which a finger that presses yields between ik_node's look and the monitor's


@dataclass(frozen=True)
class Subject:
    """The robot's description and limits.

    Attributes:
        joints: the controlled joints.
        urdf: its description.
        base: frame of its poses.
        tips: frames that keep the TCP's limits.
        limits: of its motion, as ik_node sets them.
        tracking_rad: how far a joint may be from its trajectory.
        finger: the gripper's commanded joint; empty: it has none.
    """

    joints: tuple[str, ...]
    urdf: str
    base: str
    tips: tuple[str, ...]
    limits: Limits
    tracking_rad: float
    finger: str = ""


def read_subject(embodiment: str, arm: str) -> Subject:
    """Return the robot of an embodiment.

    Args:
        embodiment: one of wiring.EMBODIMENTS.
        arm: name in config/arms of the arm that stacks; ignored for a hand.
    """
    if embodiment == "allegro":
        hand = ROBOTS["hand"]
        path = share_path("config", find_robot(embodiment).config)
        ik = yaml.safe_load(path.read_text())["/**/ik_node"]["ros__parameters"]
        limits = replace(
            make_joint_rig(hand).limits,
            workspace_lower=np.array(ik["workspace_lower"]),
            workspace_upper=np.array(ik["workspace_upper"]),
            start_rad=ik["start_tolerance"] + _YIELD_RAD,
        )
        return Subject(
            hand.joints,
            hand.urdf.read_text(),
            hand.base,
            hand.tips,
            limits,
            ik["tracking_tolerance"],
        )
    file = read_arm(arm)
    model, urdf = file.model, file.bounded_urdf
    limits = make_limits(model, file.limits, urdf)
    joints = tuple(file.joint_names)
    return Subject(joints, urdf, model.base_frame, (TCP_FRAME,), limits, OFF_RAD, FINGER)
