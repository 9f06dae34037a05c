# SPDX-License-Identifier: Apache-2.0
"""ik_node: action chunks in, joint trajectories out. The only node that moves the arm."""

import time
import traceback
from collections import deque
from typing import Any, NoReturn

import numpy as np
import pinocchio as pin
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from geometry_msgs.msg import Pose as PoseMessage
from nav_msgs.msg import Path
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_msgs.msg import Header, String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vera_ros.embodiments import ActionSpace, find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.commander import Commander, Measured
from vera_ros.motion.gate import ArmTrajectory, Gate, GripperLimits, GripperTrajectory
from vera_ros.motion.gripper import Gripper
from vera_ros.motion.ik import IkSolver
from vera_ros.motion.limits import Limits
from vera_ros.motion.osc_model import OscModel
from vera_ros.motion.osc_response import OscPoseResponse
from vera_ros.motion.plan import Plan
from vera_ros.motion.planner import Planner
from vera_ros.motion.playback import Playing
from vera_ros.nodes.conversions import (
    LATCHED,
    in_order,
    joint_trajectory,
    ns_to_stamp,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.latest import Latest
from vera_ros.nodes.node import STEADY, Health, VeraNode, run_node
from vera_ros.nodes.parameters import Parameter
from vera_ros.resources import share_path
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress

_START_POSTURE = [0.0, 0.19634954, 0.0, -2.61799388, 0.0, 2.94159265, 0.78539816]

PARAMETERS = (
    Parameter("embodiment", "mimicgen", "whose chunks are accepted", choices=("mimicgen",)),
    Parameter(
        "robot_description", "", "the URDF; empty: taken from the latched topic robot_description"
    ),
    Parameter(
        "joint_names", [f"panda_joint{i}" for i in range(1, 8)], "the arm's joints, base to tip"
    ),
    Parameter("tcp_frame", "", "the end-effector frame; empty: the one tip of the model"),
    Parameter(
        "response_model",
        "osc_pose_panda.yaml",
        "the training environment's response, a file in config/ or a path",
    ),
    Parameter(
        "acceleration_limits",
        [15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0],
        "of each joint; velocities and positions are the URDF's",
        "rad/s^2",
        0.01,
        1000.0,
    ),
    Parameter(
        "jerk_limits",
        [7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0],
        "of each joint",
        "rad/s^3",
        1.0,
        1e6,
    ),
    Parameter("position_margin", 0.02, "kept from each joint's limits", "rad", 0.0, 0.5),
    Parameter("tcp_speed_limit", 1.7, "translation of the TCP", "m/s", 0.01, 3.0),
    Parameter("tcp_turn_limit", 2.5, "rotation of the TCP", "rad/s", 0.01, 10.0),
    Parameter(
        "workspace_lower",
        [0.2, -0.5, -0.13],
        "corner of the TCP's box, base frame",
        "m",
        -5,
        5,
        (),
        3,
    ),
    Parameter(
        "workspace_upper", [0.85, 0.5, 0.8], "opposite corner of that box", "m", -5, 5, (), 3
    ),
    Parameter("longest_trajectory_s", 30.0, "no trajectory is longer", "s", 1.0, 120.0),
    Parameter(
        "start_tolerance",
        0.05,
        "of a trajectory's start to the measured positions",
        "rad",
        0.001,
        0.5,
    ),
    Parameter(
        "tracking_tolerance",
        0.1,
        "a joint further than this from its plan stops the arm",
        "rad",
        0.01,
        2.0,
    ),
    Parameter(
        "tracking_delay_s", 0.15, "how late the controller may play a trajectory", "s", 0.0, 1.0
    ),
    Parameter("rest_speed", 0.05, "a joint slower than this is at rest", "rad/s", 0.001, 0.5),
    Parameter("rest_timeout_s", 1.0, "for the arm to rest after a plan's end", "s", 0.05, 10.0),
    Parameter(
        "joint_state_timeout_s", 0.5, "older joint states are no ground to move on", "s", 0.02, 5.0
    ),
    Parameter("gripper_joint", "panda_finger_joint1", "the finger that is commanded; empty: none"),
    Parameter("gripper_open_m", 0.04, "finger position when open", "m", 0.0, 0.2),
    Parameter("gripper_closed_m", 0.0, "finger position when closed", "m", 0.0, 0.2),
    Parameter("gripper_speed", 0.1, "of one finger", "m/s", 0.001, 0.5),
    Parameter(
        "start_posture",
        _START_POSTURE,
        "where move_to_start goes, one value per joint",
        "rad",
        -7,
        7,
    ),
    Parameter(
        "start_speed", 0.15, "share of the rate limits that move_to_start uses", "", 0.01, 0.5
    ),
    Parameter("stop_lead_s", 0.025, "time until a stop begins, for it to arrive", "s", 0.0125, 0.2),
    Parameter(
        "monitor_rate_hz",
        50.0,
        "how often playback is checked and tcp_pose published",
        "Hz",
        10.0,
        200.0,
    ),
)

_PATH_LENGTH = 400  # poses of executed_path


class IkNode(VeraNode):
    """Turns chunks into trajectories and watches the arm play them."""

    def __init__(self, **options: Any) -> None:
        super().__init__("ik_node", PARAMETERS, **options)
        self._urdf = self.parameters["robot_description"]
        self._commander: Commander | None = None
        self._measured: Measured | None = None
        self._bad_joint_states = 0
        self._joint_state_fault = ""
        self._counts = {"accepted": 0, "rejected": 0, "aborted": 0}
        self._last_plan = (0.0, 1.0)
        self._at_rest: list[Future] = []
        self._arrived: tuple[Playing, Future] | None = None
        if not self._urdf:
            self.create_subscription(String, "robot_description", self._on_description, LATCHED)

    def _on_description(self, message: String) -> None:
        self._urdf = message.data

    def waiting_for(self) -> str:
        """The robot's description may come by topic."""
        return "" if self._urdf else "robot_description, as a parameter or on its latched topic"

    def setup(self) -> None:
        """Build the arm's model, the planner and the gate."""
        p = self.parameters
        embodiment = find_embodiment(p["embodiment"])
        self._embodiment = embodiment
        self._arm = ArmModel(self._urdf, p["joint_names"], p["tcp_frame"])
        limits = self._make_limits()
        gripper_limits = GripperLimits(
            p["gripper_closed_m"],
            p["gripper_open_m"],
            p["gripper_speed"],
            p["longest_trajectory_s"],
        )
        self._arm_trajectories = self.create_publisher(
            JointTrajectory, "arm_controller/joint_trajectory", 10
        )
        self._gripper_trajectories = self.create_publisher(
            JointTrajectory, "gripper_controller/joint_trajectory", 10
        )
        self._progress = self.create_publisher(ChunkProgress, "chunk_progress", 10)
        self._tcp_pose = self.create_publisher(PoseStamped, "tcp_pose", sensor_qos("reliable"))
        self._planned_path = self.create_publisher(Path, "planned_path", LATCHED)
        self._executed_path = self.create_publisher(Path, "executed_path", 1)
        self._executed: deque[PoseStamped] = deque(maxlen=_PATH_LENGTH)
        self._commander = Commander(
            Planner(self._arm, OscPoseResponse(self._load_response()), limits, self._make_ik()),
            Gate(self._arm, limits, gripper_limits, self._publish_arm, self._publish_gripper),
            Gripper(gripper_limits) if p["gripper_joint"] else None,
            stop_lead_s=p["stop_lead_s"],
        )
        self._joint_states = Latest(self, JointState, "joint_states")
        self._read: tuple[JointState, float] | None = None
        self.create_subscription(ActionChunk, "action_chunk", self._on_chunk, 10)
        patient = ReentrantCallbackGroup()  # whose services wait, but keep nobody else waiting
        for name, serve in (("stop", self._on_stop), ("move_to_start", self._on_move_to_start)):
            self.create_service(Trigger, name, serve, callback_group=patient)
        self.create_timer(1.0 / p["monitor_rate_hz"], self._monitor, clock=STEADY)
        self.get_logger().info(
            f"plans for '{self._arm.tcp_frame}' in '{self._arm.base_frame}', joints "
            f"{list(self._arm.joint_names)}"
        )

    def stop(self) -> None:
        """Bring the arm to rest."""
        self._stop_arm(Cause.STOPPED, "the node is being deactivated")
        self._answer_stops("the arm is coming to rest, and the node is being deactivated")

    def teardown(self) -> None:
        """Forget the arm."""
        self._commander = self._measured = None

    def health(self) -> Health:
        """Joint states, plans and what became of them."""
        values: dict[str, object] = {f"chunks_{name}": n for name, n in self._counts.items()}
        values["planning_s"], values["time_stretch"] = self._last_plan
        values["bad_joint_states"] = self._bad_joint_states
        fault = self._joint_fault()
        if fault:
            return Health(DiagnosticStatus.WARN, fault, values)
        return Health(values=values)

    # The arm.

    def _make_limits(self) -> Limits:
        p, arm = self.parameters, self._arm
        for name in ("acceleration_limits", "jerk_limits", "start_posture"):
            if len(p[name]) != arm.n:
                raise ConfigurationError(
                    f"parameter '{name}' has {len(p[name])} values and joint_names {arm.n}; "
                    "give one value per joint"
                )
        if p["gripper_closed_m"] >= p["gripper_open_m"]:
            raise ConfigurationError(
                f"gripper_closed_m {p['gripper_closed_m']} must be below gripper_open_m "
                f"{p['gripper_open_m']}"
            )
        return Limits(
            lower=arm.lower + p["position_margin"],
            upper=arm.upper - p["position_margin"],
            velocity=arm.velocity_limit,
            acceleration=np.array(p["acceleration_limits"]),
            jerk=np.array(p["jerk_limits"]),
            tcp_speed_m_s=p["tcp_speed_limit"],
            tcp_turn_rad_s=p["tcp_turn_limit"],
            workspace_lower=np.array(p["workspace_lower"]),
            workspace_upper=np.array(p["workspace_upper"]),
            duration_s=p["longest_trajectory_s"],
            start_rad=p["start_tolerance"],
        )

    def _make_ik(self) -> IkSolver:
        return IkSolver(self._arm, limit_margin_rad=self.parameters["position_margin"])

    def _load_response(self) -> OscModel:
        name = self.parameters["response_model"]
        return OscModel.load(share_path("config", name))

    # Joint states.

    def _read_joint_states(self) -> None:
        newest = self._joint_states.read()
        if newest is None or newest is self._read:
            return
        self._read = newest
        p, (message, received_s) = self.parameters, newest
        try:
            q = in_order(message, self._arm.joint_names, "position")
            dq = in_order(message, self._arm.joint_names, "velocity") if message.velocity else None
            finger = (
                float(in_order(message, (p["gripper_joint"],), "position")[0])
                if p["gripper_joint"]
                else None
            )
        except (KeyError, ValueError) as error:
            self._bad_joint_states += 1
            self._joint_state_fault = (
                f"joint states without {error}"
                if isinstance(error, KeyError)
                else f"invalid joint states: {error}"
            )
            return
        self._joint_state_fault = ""
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._measured = Measured(q, dq, finger, stamp_ns * 1e-9, received_s)

    def _joint_fault(self) -> str:
        """Why the arm's present state is not known; empty: it is."""
        limit_s = self.parameters["joint_state_timeout_s"]
        if self._measured is None:
            return self._joint_state_fault or "no joint states were received yet"
        age_s = time.monotonic() - self._measured.received_s
        if age_s > limit_s:
            return self._joint_state_fault or (
                f"the last joint states are {age_s:.2f} s old; valid is up to {limit_s} s"
            )
        return ""

    def _publish_tcp_pose(self, measured: Measured) -> PoseStamped:
        pose = self._arm.tcp_pose(measured.q)
        message = PoseStamped(
            header=Header(
                stamp=ns_to_stamp(round(measured.stamp_s * 1e9)), frame_id=self._arm.base_frame
            ),
            pose=_pose_message(pose.translation, pin.Quaternion(pose.rotation).coeffs()),
        )
        self._tcp_pose.publish(message)
        return message

    # Chunks.

    def _on_chunk(self, message: ActionChunk) -> None:
        now_s = self._now_s()
        try:
            measured = self._ready_to_move()
            deltas, gripper = self._read_chunk(message)
            began = time.perf_counter()
            playing = self._required_commander().play_chunk(
                deltas,
                gripper,
                message.control_dt_s,
                measured,
                now_s,
                message.session_id,
                message.sequence,
            )
        except MotionRefusedError as error:
            self._reject(message, error.cause, str(error))
            return
        except Exception as error:  # the policy side must not be left without an answer
            self.get_logger().error(traceback.format_exc())
            self._reject(message, Cause.INTERNAL_ERROR, f"ik_node failed: {error!r}; see its log")
            return
        planning_s = time.perf_counter() - began
        self._counts["accepted"] += 1
        self._last_plan = (planning_s, playing.plan.time_stretch)
        self._steps_reported = 0
        self._report_playing(ChunkProgress.ACCEPTED, playing, planning_s=planning_s)
        self._publish_planned_path(playing.plan)

    def _reject(self, chunk: ActionChunk, cause: Cause, message: str) -> None:
        self._counts["rejected"] += 1
        self.get_logger().warning(f"chunk {chunk.sequence} rejected: {message}")
        self._progress.publish(
            ChunkProgress(
                header=self._header(),
                session_id=chunk.session_id,
                sequence=chunk.sequence,
                state=ChunkProgress.REJECTED,
                cause=int(cause),
                message=message,
            )
        )

    def _ready_to_move(self) -> Measured:
        if not self.active:
            raise MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not active; activate it first")
        self._read_joint_states()
        fault = self._joint_fault()
        if fault or self._measured is None:
            raise MotionRefusedError(Cause.NO_JOINT_STATES, fault)
        return self._measured

    def _read_chunk(self, message: ActionChunk) -> tuple[Any, Any]:
        """Deltas (Shape (H, 6), [m, rad]) and close commands (Shape (H,)) of a message."""
        embodiment = self._embodiment
        if message.embodiment != embodiment.name:
            raise _invalid(f"embodiment '{message.embodiment}'; valid is '{embodiment.name}'")
        if message.action_space != ActionSpace.EEF_DELTA.value:
            raise _invalid(f"action space {message.action_space}; valid is EEF_DELTA")
        if not 0.005 <= message.control_dt_s <= 1.0:
            raise _invalid(f"control_dt_s {message.control_dt_s}; valid is 0.005 to 1 s")
        rows, columns = message.horizon, message.columns
        if rows < 1 or columns != 6 or len(message.actions) != rows * columns:
            raise _invalid(
                f"{len(message.actions)} values for {rows} rows of {columns} columns; valid is at "
                "least one row of 6"
            )
        if message.header.frame_id not in ("", self._arm.base_frame):
            raise _invalid(f"frame '{message.header.frame_id}'; valid is '{self._arm.base_frame}'")
        deltas = np.array(message.actions).reshape(rows, columns)
        gripper = np.array(message.gripper)
        if len(gripper) not in (0, rows):
            raise _invalid(f"{len(gripper)} gripper values for {rows} rows; valid is one per row")
        if not (np.isfinite(deltas).all() and np.isfinite(gripper).all()):
            raise _invalid("values that are not finite")
        return deltas, gripper > 0.5

    def _required_commander(self) -> Commander:
        if self._commander is None:
            raise MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not configured")
        return self._commander

    # Playback.

    def _monitor(self) -> None:
        commander = self._commander
        if commander is None:
            return
        self._read_joint_states()
        fault = self._joint_fault()
        if not self._moving():
            self._answer_stops("the arm has come to rest")
        pose = None
        if self._measured is not None and not fault:
            pose = self._publish_tcp_pose(self._measured)
        playing = commander.playing
        if playing is None:
            return
        if self._measured is None or pose is None:
            self._stop_arm(Cause.NO_JOINT_STATES, fault)
            return
        p, now_s = self.parameters, self._now_s()
        error_rad = commander.tracking_error(self._measured, p["tracking_delay_s"])
        if error_rad > p["tracking_tolerance"]:
            self._stop_arm(
                Cause.TRACKING_ERROR,
                f"a joint is {error_rad:.3f} rad from its plan; valid is up to "
                f"{p['tracking_tolerance']} rad",
            )
            return
        self._report_steps(playing, now_s)
        self._publish_executed_path(pose)
        if playing.finished(now_s):
            self._finish_at_rest(commander, playing, self._measured, now_s)

    def _finish_at_rest(
        self, commander: Commander, playing: Playing, measured: Measured, now_s: float
    ) -> None:
        p = self.parameters
        speed_rad_s = 0.0 if measured.dq is None else float(np.abs(measured.dq).max())
        if speed_rad_s <= p["rest_speed"]:
            commander.finish()
            self._report_playing(ChunkProgress.FINISHED, playing)
            self._settle(True, "arrived")
        elif now_s > playing.start_s + playing.plan.duration_s + p["rest_timeout_s"]:
            self._stop_arm(
                Cause.TRACKING_ERROR,
                f"the arm still moves at {speed_rad_s:.3f} rad/s {p['rest_timeout_s']} s after "
                "its plan's end",
            )

    def _report_steps(self, playing: Playing, now_s: float) -> None:
        steps = playing.steps_played(now_s)
        if playing.sequence >= 0 and steps > self._steps_reported:
            self._steps_reported = steps
            self._report_playing(ChunkProgress.PLAYING, playing)

    def _stop_arm(self, cause: Cause, message: str) -> bool:
        """Smoothly stop whatever is playing; return whether something was."""
        commander = self._commander
        playing = None if commander is None else commander.playing
        if commander is None or playing is None:
            return False
        try:
            if cause is Cause.TRACKING_ERROR and self._measured is not None:
                commander.brake(self._measured, self._now_s())
            else:
                commander.stop(self._now_s())
        except MotionRefusedError as error:
            left_s = playing.start_s + playing.plan.duration_s - self._now_s()
            self.get_logger().error(
                f"no smoother stop was possible ({error}); the plan ends at rest in {left_s:.2f} s"
            )
        self._counts["aborted"] += 1
        if playing.sequence >= 0:
            if cause is Cause.STOPPED:
                self.get_logger().info(f"chunk {playing.sequence} stopped: {message}")
            else:
                self.get_logger().error(f"chunk {playing.sequence} stopped: {message}")
            self._report_playing(ChunkProgress.ABORTED, playing, cause, message)
        self._settle(False, message)
        return True

    def _settle(self, success: bool, message: str) -> None:
        """Answer the move_to_start that waits, if any."""
        if self._arrived is not None:
            future = self._arrived[1]
            self._arrived = None
            future.set_result((success, message))

    def _moving(self) -> bool:
        return self._commander is not None and self._commander.moving(self._now_s())

    def _answer_stops(self, message: str) -> None:
        for future in self._at_rest:
            future.set_result(message)
        self._at_rest.clear()

    # Services.

    async def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Stop at once, and answer when the arm has come to rest."""
        self._stop_arm(Cause.STOPPED, "a stop was asked for")
        response.success = True
        if not self._moving():
            response.message = "the arm was not moving"
            return response
        future: Future = Future(executor=self.executor)
        self._at_rest.append(future)
        response.message = await future
        return response

    async def _on_move_to_start(
        self, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        try:
            measured = self._ready_to_move()
            playing = self._required_commander().move_to(
                np.array(self.parameters["start_posture"]),
                self.parameters["start_speed"],
                measured,
                self._now_s(),
            )
        except MotionRefusedError as error:
            response.message = str(error)
            return response
        self._publish_planned_path(playing.plan)
        future: Future = Future(executor=self.executor)
        self._arrived = (playing, future)
        response.success, response.message = await future
        return response

    # What goes out.

    def _publish_arm(self, trajectory: ArmTrajectory) -> None:
        self._arm_trajectories.publish(
            joint_trajectory(
                list(self._arm.joint_names),
                trajectory.times_s,
                trajectory.q,
                trajectory.dq,
                trajectory.ddq,
            )
        )

    def _publish_gripper(self, trajectory: GripperTrajectory) -> None:
        self._gripper_trajectories.publish(
            joint_trajectory(
                [self.parameters["gripper_joint"]],
                trajectory.times_s,
                trajectory.positions_m[:, None],
            )
        )

    def _report_playing(
        self,
        state: int,
        playing: Playing,
        cause: Cause = Cause.NONE,
        message: str = "",
        planning_s: float = 0.0,
    ) -> None:
        if playing.sequence < 0:
            return
        plan = playing.plan
        self._progress.publish(
            ChunkProgress(
                header=self._header(),
                session_id=playing.session_id,
                sequence=playing.sequence,
                state=state,
                cause=int(cause),
                message=message,
                step_times=[
                    ns_to_stamp(round((playing.start_s + t) * 1e9)) for t in plan.step_times_s
                ],
                steps_played=playing.steps_played(self._now_s()),
                executed_trans_m=plan.executed_trans_m,
                time_stretch=plan.time_stretch,
                ik_error_mm=plan.ik_error_m * 1e3,
                ik_error_mrad=plan.ik_error_rad * 1e3,
                planning_s=planning_s,
            )
        )

    def _publish_planned_path(self, plan: Plan) -> None:
        header = self._header()
        self._planned_path.publish(
            Path(
                header=header,
                poses=[
                    PoseStamped(header=header, pose=_pose_message(position, (0.0, 0.0, 0.0, 1.0)))
                    for position in plan.tcp_path
                ],
            )
        )

    def _publish_executed_path(self, pose: PoseStamped) -> None:
        self._executed.append(pose)
        if self._executed_path.get_subscription_count():
            self._executed_path.publish(Path(header=self._header(), poses=list(self._executed)))

    def _header(self) -> Header:
        return Header(stamp=self.get_clock().now().to_msg(), frame_id=self._arm.base_frame)

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9


def _invalid(what: str) -> MotionRefusedError:
    return MotionRefusedError(Cause.INVALID_CHUNK, f"the chunk has {what}; nothing of it is played")


def _pose_message(position: Any, quaternion: Any) -> PoseMessage:
    x, y, z = (float(value) for value in position)
    qx, qy, qz, qw = (float(value) for value in quaternion)
    return PoseMessage(
        position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw)
    )


def main() -> NoReturn:
    """Entry point."""
    run_node(IkNode)


if __name__ == "__main__":
    main()
