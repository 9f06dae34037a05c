# SPDX-License-Identifier: Apache-2.0
"""Rig: vera_ros's motion stack for the Panda, assembled for benchmarks and tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pinocchio as pin
import yaml

from vera_ros.embodiments import find_embodiment
from vera_ros.motion.collision.fingers import finger_points
from vera_ros.motion.collision.model import CollisionModel
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.ik_solver import IkSolver, Verdict
from vera_ros.motion.limits import GripperLimits, Limits, RateLimits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.loader import load_response
from vera_ros.motion.response.model import ResponseModel, TcpResponse
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import Setpoint
from vera_ros.motion.trajectory import ArmState, ArmTrajectory, GripperTrajectory
from vera_ros.rails import Rails
from vera_ros.resources import share_path

Vector = npt.NDArray[np.float64]

URDF = share_path("description", "urdf", "panda.urdf")
ARM_JOINTS = tuple(f"panda_joint{number}" for number in range(1, 8))
FINGER = "panda_finger_joint1"
BASE_FRAME, TCP_FRAME = "panda_link0", "panda_grip_site"
START_Q = np.array([0.0, np.pi / 16, 0.0, -5 * np.pi / 6, 0.0, np.pi - 0.2, np.pi / 4])
_MIMICGEN = find_embodiment("mimicgen")
ACTION_SCALE = np.array(_MIMICGEN.action_scale)  # OSC_POSE's delta for an action of 1, [m, rad]
CONTROL_DT_S = _MIMICGEN.control_dt_s

# Workspace and table come from the simulated scene's configuration. The other values repeat
# ik_node's defaults, which only a ROS process can read.
_SCENE = yaml.safe_load(share_path("config", "mimicgen_panda.yaml").read_text())
_ARM_NODE = _SCENE["/**/ik_node"]["ros__parameters"]
TABLE_Z_M = float(_ARM_NODE["table_z_m"])
SELF_DISTANCE_M, TABLE_DISTANCE_M = 0.01, 0.002
_PANDA_LIMITS = share_path("config", "panda_limits.yaml")
_POSITION_MARGIN_RAD = 0.02
_MAX_DURATION_S = 30.0
GRIPPER_LIMITS = GripperLimits(0.0, 0.04, 0.1, _MAX_DURATION_S)
_STOP_LEAD_S, HAND_OVER_LEAD_S = 0.0125, 0.05
_REST_SPEED_RAD_S = 0.05
_SINGULARITY = SingularityBounds(70.0, 140.0)
_MOVE_SPEED_SHARE = 0.3

Wrap = Callable[[Any], Any]


@dataclass
class Rig:
    """Motion stack between a chunk and the controller, and the trajectories it has published.

    `ik` is None where actions are those of joints, `obstacles` where none are checked.
    """

    arm: ArmModel
    limits: Limits
    response: ResponseModel
    ik: IkSolver | None
    chunks: ChunkPlanner
    planner: Planner
    gripper_limits: GripperLimits
    obstacles: CollisionModel | None
    rails: Rails | None = None
    published: list[ArmTrajectory] = field(default_factory=list)
    published_gripper: list[GripperTrajectory] = field(default_factory=list)
    started_s: float = 0.0  # time 0 of the last published arm trajectory

    def respond(self, q: Vector, deltas: Vector, control_dt_s: float) -> tuple[Vector, Vector]:
        """Return the modelled TCP after each action of a chunk from rest, in the base frame.

        `deltas` have Shape (H, 6) [m, rad], positions (H, 3) [m], and rotations (H, 3, 3).
        """
        state = self.response.at_rest(q, self.arm.tcp_pose(q), None)
        response = self.response.respond(state, deltas, control_dt_s)
        assert isinstance(response, TcpResponse)
        return response.position[response.step_ends], response.rotation[response.step_ends]

    def plan(self, q: Vector, deltas: Vector, control_dt_s: float = CONTROL_DT_S) -> Plan:
        """Plan a chunk from rest. `q`: Shape (n,), [rad]; `deltas`: Shape (H, 6), [m, rad]."""
        return self.chunks.plan_chunk(deltas, control_dt_s, self.chunks.from_rest(q))

    def plan_move(self, q: Vector, goal: Vector) -> Plan:
        """Plan a slow joint motion between two resting positions. Shape (n,) each, [rad]."""
        return self.planner.plan_move(q, goal, _MOVE_SPEED_SHARE)

    def check(self, trajectory: ArmTrajectory, q: Vector) -> None:
        """Check a trajectory with a gate whose set-point rests at `q`.

        Raises:
            MotionRefusedError: the gate refuses it; the message says why.
        """
        self._gate(q, self._publish).check_arm(trajectory, ArmState(q), 0.0)

    def tcp(self, q: Vector) -> tuple[Vector, Vector]:
        """Return the TCP's position (3,) [m] and rotation (3, 3) in the base frame."""
        pose = self.arm.tcp_pose(q)
        return pose.translation, pose.rotation

    def solve(
        self, position: Vector, rotation: Vector, q: Vector, max_step: Vector | None = None
    ) -> tuple[Vector, bool]:
        """Solve IK for one TCP pose from `q`; return joint positions, and whether it was solved.

        `max_step`: largest motion of each joint; None: no limit. Shape (n,), [rad].
        """
        assert self.ik is not None
        solution = self.ik.solve(pin.SE3(rotation, position), q, max_step)
        return solution.q, solution.verdict is Verdict.SOLVED

    def dispatcher(
        self,
        q: Vector,
        lead: Lead | None = None,
        publish: Callable[[ArmTrajectory, float], None] | None = None,
    ) -> Dispatcher:
        """Return a dispatcher for an arm that is held at rest, and clear the recorded trajectories.

        Args:
            q: joint positions at rest. Shape (n,), [rad].
            lead: adaptive lead of what is sent; None: a new one with the default lead.
            publish: receives each arm trajectory and its start [s]; None: `published` records it.
        """
        self.published.clear()
        self.published_gripper.clear()
        return Dispatcher(
            self.chunks,
            self.planner,
            self._gate(q, publish or self._publish),
            Gripper(self.gripper_limits, 2),
            rails=self.rails,
            lead=lead or Lead(_STOP_LEAD_S),
            hand_over_lead_s=HAND_OVER_LEAD_S,
            rest_speed=_REST_SPEED_RAD_S,
        )

    def _publish(self, trajectory: ArmTrajectory, start_s: float) -> None:
        self.published.append(trajectory)
        self.started_s = start_s

    def _gate(self, q: Vector, publish: Callable[[ArmTrajectory, float], None]) -> Gate:
        gate = Gate(
            self.arm,
            self.limits,
            self.gripper_limits,
            publish,
            lambda trajectory, _: self.published_gripper.append(trajectory),
            self.obstacles,
        )
        gate.setpoint = Setpoint.resting(q)
        return gate


def make_limits(arm: ArmModel, limits: Path = _PANDA_LIMITS, urdf: str = "") -> Limits:
    """Return an arm's limits, as ik_node sets them.

    Args:
        arm: the arm, with the Panda's hand.
        limits: the file of its rate limits.
        urdf: its description; empty: the Panda's.
    """
    return Limits(
        lower=arm.lower + _POSITION_MARGIN_RAD,
        upper=arm.upper - _POSITION_MARGIN_RAD,
        rates=RateLimits.load(limits, arm.n),
        workspace_lower=np.array(_ARM_NODE["workspace_lower"]),
        workspace_upper=np.array(_ARM_NODE["workspace_upper"]),
        duration_s=_MAX_DURATION_S,
        start_rad=0.05,
        hand=np.vstack((np.zeros(3), finger_points(urdf or URDF.read_text(), arm))),
    )


def make_rig(
    response: str = _MIMICGEN.response_model,
    *,
    speed_scale: float = 1.0,
    rails: Rails | None = None,
    wrap_response: Wrap = lambda part: part,
    wrap_paths: Wrap = lambda part: part,
) -> Rig:
    """Build the motion stack; the wraps may put a stopwatch around response model and IK.

    `response` names the response model's file in the package's `config` folder.
    """
    arm = ArmModel(URDF.read_text(), ARM_JOINTS, TCP_FRAME)
    limits = make_limits(arm)
    obstacles = CollisionModel(
        URDF.read_text(),
        ARM_JOINTS,
        self_distance_m=SELF_DISTANCE_M,
        table_z_m=TABLE_Z_M,
        table_distance_m=TABLE_DISTANCE_M,
    )
    model = wrap_response(load_response(share_path("config", response)))
    paths = wrap_paths(PathFinder(arm, limits, _SINGULARITY, obstacles))
    return Rig(
        arm,
        limits,
        model,
        IkSolver(arm.chain, limits.lower, limits.upper),
        ChunkPlanner(arm, model, limits, paths, speed_scale),
        Planner(arm, limits),
        GRIPPER_LIMITS,
        obstacles,
        rails,
    )
