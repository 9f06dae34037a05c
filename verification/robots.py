# SPDX-License-Identifier: Apache-2.0
"""Robots that actions of joints move, with their motion stacks: for benchmarks and tests."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vera_ros.motion.collision.model import CollisionModel
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits, RateLimits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.joint_path import JointPaths
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.response.joint_targets import JointActions, JointTargets
from vera_ros.resources import share_path
from verification.rig import (
    ARM_JOINTS,
    BASE_FRAME,
    GRIPPER_LIMITS,
    SELF_DISTANCE_M,
    START_Q,
    TABLE_DISTANCE_M,
    TABLE_Z_M,
    TCP_FRAME,
    URDF,
    Rig,
    Vector,
)

_MARGIN, _START = 0.02, 0.05  # ik_node's defaults of position_margin and start_tolerance
_DURATION_S = 30.0
_GAP = 0.5


@dataclass(frozen=True)
class Robot:
    """A robot as its description and limits file have it.

    Attributes:
        urdf: its description.
        joints: the controlled joints, n of them.
        base: frame of its poses.
        tips: frames of its tips.
        limits: file of its rate limits, in config/.
        start_q: a posture in the middle of its work. Shape (n,), [rad or m].
        step: displacement of each joint in one action that a policy may well command. Shape (n,).
        reach_m: half the side of its workspace, about the base.
        self_distance_m: least distance of its links from each other; None: not checked.
        table_z_m: height of the table; None: there is none.
        control_dt_s: duration of one action.
    """

    urdf: Path
    joints: tuple[str, ...]
    base: str
    tips: tuple[str, ...]
    limits: str
    start_q: Vector
    step: Vector
    reach_m: float = 1.5
    self_distance_m: float | None = None
    table_z_m: float | None = None
    control_dt_s: float = 1 / 15

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.joints)


_FINGER = [0.0, 0.7, 0.6, 0.5]
ROBOTS = {
    "pusher": Robot(
        share_path("description", "urdf", "pusht_pusher.urdf"),
        ("pusher_x", "pusher_y"),
        "picture",
        ("pusher",),
        "pusht_limits.yaml",
        np.array([0.25, 0.3]),
        np.full(2, 0.03),
        control_dt_s=0.1,
    ),
    "six": Robot(  # a Panda whose last joint is locked
        URDF,
        ARM_JOINTS[:6],
        BASE_FRAME,
        ("panda_link6",),
        "panda_limits.yaml",
        START_Q[:6],
        np.full(6, 0.08),
        self_distance_m=SELF_DISTANCE_M,
        table_z_m=TABLE_Z_M,
    ),
    "panda": Robot(
        URDF,
        ARM_JOINTS,
        BASE_FRAME,
        (TCP_FRAME,),
        "panda_limits.yaml",
        START_Q,
        np.full(7, 0.08),
        self_distance_m=SELF_DISTANCE_M,
        table_z_m=TABLE_Z_M,
    ),
    "hand": Robot(
        share_path("description", "urdf", "allegro_hand.urdf"),
        tuple(f"joint_{number}.0" for number in range(16)),
        "palm_link",
        tuple(f"link_{number}.0_tip" for number in (3, 7, 11, 15)),
        "allegro_limits.yaml",
        np.array([*_FINGER * 3, 0.8, 0.4, 0.4, 0.5]),
        np.full(16, 0.1),
        self_distance_m=0.001,
    ),
}


def make_joint_rig(robot: Robot, *, kept: float = 1.0, absolute: bool = False) -> Rig:
    """Build the motion stack of a robot for actions of its joints.

    Args:
        robot: the robot.
        kept: see JointTargets.
        absolute: actions are targets, not displacements.
    """
    urdf = robot.urdf.read_text()
    arm = ArmModel(urdf, robot.joints)
    rates = _first(RateLimits.load(share_path("config", robot.limits), _joints_in(robot)), robot.n)
    margin = np.where(arm.turns, _MARGIN, 0.0)
    limits = Limits(
        lower=arm.lower + margin,
        upper=arm.upper - margin,
        rates=rates,
        workspace_lower=np.full(3, -robot.reach_m),
        workspace_upper=np.full(3, robot.reach_m),
        duration_s=_DURATION_S,
        start_rad=_START,
    )
    obstacles = None
    if robot.self_distance_m is not None:
        obstacles = CollisionModel(
            urdf,
            robot.joints,
            self_distance_m=robot.self_distance_m,
            table_z_m=robot.table_z_m,
            table_distance_m=TABLE_DISTANCE_M,
            start_q=robot.start_q,
        )
    actions = JointActions(limits.lower, limits.upper, arm.turns, absolute)
    model = JointTargets(actions, kept, _GAP, _GAP)
    chunks = ChunkPlanner(arm, model, limits, JointPaths(arm, limits, obstacles))
    return Rig(
        arm, limits, model, None, chunks, Planner(arm, limits), GRIPPER_LIMITS, obstacles, None
    )


def _joints_in(robot: Robot) -> int:
    """Return how many joints the robot's limits file has."""
    return len(ARM_JOINTS) if robot.urdf == URDF else robot.n


def _first(rates: RateLimits, n: int) -> RateLimits:
    """Return the limits of the first n joints."""
    return replace(rates, joints=rates.joints[:, :n])
