# SPDX-License-Identifier: Apache-2.0
"""The motion side as the benchmarks use it: the one place that touches its classes."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
from vera_ros.motion.response.model import ResponseModel
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
ACTION_SCALE = np.array(_MIMICGEN.action_scale)  # of OSC_POSE, [m, rad]
CONTROL_DT_S = _MIMICGEN.control_dt_s

# Workspace and table as the simulated scene's configuration has them, the rest as the arm node's
# defaults, which only a ROS process can read.
_SCENE = yaml.safe_load(share_path("config", "mimicgen_panda.yaml").read_text())
_ARM_NODE = _SCENE["/**/ik_node"]["ros__parameters"]
TABLE_Z_M = float(_ARM_NODE["table_z_m"])
SELF_DISTANCE_M, TABLE_DISTANCE_M = 0.01, 0.002
_POSITION_MARGIN_RAD = 0.02
_LONGEST_S = 30.0
GRIPPER_LIMITS = GripperLimits(0.0, 0.04, 0.1, _LONGEST_S)
_STOP_LEAD_S, HAND_OVER_LEAD_S = 0.0125, 0.05
_REST_SPEED = 0.05
_SINGULARITY = SingularityBounds(70.0, 140.0)

Wrap = Callable[[Any], Any]


@dataclass
class Rig:
    """Everything between a chunk and the controller, and what was let out to it."""

    arm: ArmModel
    limits: Limits
    response: ResponseModel
    ik: IkSolver
    chunks: ChunkPlanner
    planner: Planner
    gripper_limits: GripperLimits
    obstacles: CollisionModel
    rails: Rails | None = None
    published: list[ArmTrajectory] = field(default_factory=list)
    published_gripper: list[GripperTrajectory] = field(default_factory=list)
    started_s: float = 0.0  # time 0 of the trajectory that was published last

    def respond(self, q: Vector, deltas: Vector, control_dt_s: float) -> tuple[Vector, Vector]:
        """TCP after each action, from rest: positions (H, 3) [m], rotations (H, 3, 3)."""
        state = self.response.at_rest(q, self.arm.tcp_pose(q), None)
        answer = self.response.respond(state, deltas, control_dt_s)
        return answer.position[answer.step_ends], answer.rotation[answer.step_ends]

    def plan(self, q: Vector, deltas: Vector, control_dt_s: float = CONTROL_DT_S) -> Plan:
        """Plan a chunk from rest."""
        return self.chunks.plan_chunk(deltas, control_dt_s, self.chunks.from_rest(q))

    def plan_move(self, q: Vector, goal: Vector) -> Plan:
        """Plan a slow joint motion."""
        return self.planner.plan_move(q, goal, 0.3)

    def check(self, trajectory: ArmTrajectory, q: Vector) -> None:
        """Ask a gate whose set-point rests there."""
        self._gate(q, self._publish).check_arm(trajectory, ArmState(q), 0.0)

    def tcp(self, q: Vector) -> tuple[Vector, Vector]:
        """Position (3,) [m] and rotation (3, 3) of the TCP."""
        pose = self.arm.tcp_pose(q)
        return pose.translation, pose.rotation

    def solve(
        self, position: Vector, rotation: Vector, q: Vector, max_step: Vector | None = None
    ) -> tuple[Vector, bool]:
        """One step of IK: joint positions, and whether it says that it solved the step."""
        solution = self.ik.solve(pin.SE3(rotation, position), q, max_step)
        return solution.q, solution.verdict is Verdict.SOLVED

    def dispatcher(
        self,
        q: Vector,
        lead: Lead | None = None,
        publish: Callable[[ArmTrajectory, float], None] | None = None,
    ) -> Dispatcher:
        """An arm that is held at rest.

        Args:
            q: where. Shape (n,), [rad].
            lead: time that what is sent is given; None: always the same.
            publish: gets what is let out; None: it is kept here.
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
            rest_speed=_REST_SPEED,
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


def make_limits(arm: ArmModel) -> Limits:
    """The Panda's limits, as the nodes set them."""
    return Limits(
        lower=arm.lower + _POSITION_MARGIN_RAD,
        upper=arm.upper - _POSITION_MARGIN_RAD,
        rates=RateLimits.load(share_path("config", "panda_limits.yaml"), arm.n),
        workspace_lower=np.array(_ARM_NODE["workspace_lower"]),
        workspace_upper=np.array(_ARM_NODE["workspace_upper"]),
        duration_s=_LONGEST_S,
        start_rad=0.05,
        hand=np.vstack((np.zeros(3), finger_points(URDF.read_text(), arm))),
    )


def make_rig(
    response: str = _MIMICGEN.response_model,
    *,
    speed_scale: float = 1.0,
    rails: Rails | None = None,
    wrap_response: Wrap = lambda it: it,
    wrap_paths: Wrap = lambda it: it,
) -> Rig:
    """Build the motion side; the wraps put something (a stop-watch) around its parts."""
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
