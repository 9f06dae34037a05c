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
from std_msgs.msg import Header, String
from std_srvs.srv import Trigger

from vera_ros.embodiments import find_embodiment
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.commander import Commander, Measured
from vera_ros.motion.gate import GripperLimits
from vera_ros.motion.plan import Plan
from vera_ros.motion.playback import Playing
from vera_ros.nodes.arm_reader import ArmReader
from vera_ros.nodes.chunk_messages import progress_message, read_chunk
from vera_ros.nodes.conversions import LATCHED, ns_to_stamp, sensor_qos
from vera_ros.nodes.ik_parameters import PARAMETERS
from vera_ros.nodes.motion_setup import make_commander, set_up_arm
from vera_ros.nodes.node import STEADY, Health, VeraNode, run_node
from vera_ros.nodes.outputs import Output, make_arm_output, make_gripper_output
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress

_PATH_LENGTH = 400  # poses of executed_path


class IkNode(VeraNode):
    """Turns chunks into trajectories and watches the arm play them."""

    def __init__(self, **options: Any) -> None:
        super().__init__("ik_node", PARAMETERS, **options)
        self._urdf = self.parameters["robot_description"]
        self._commander: Commander | None = None
        self._reader: ArmReader | None = None
        self._counts = {"accepted": 0, "rejected": 0, "aborted": 0}
        self._last_plan = (0.0, 1.0)
        self._at_rest: list[Future] = []
        self._arrived: tuple[Playing, Future] | None = None
        self._outputs: list[Output[Any]] = []
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
        setup = set_up_arm(p, self._urdf)
        self._embodiment, self._arm, self._contact = embodiment, setup.arm, setup.contact
        self._make_outputs(setup.gripper_limits)
        arm_output, gripper_output = self._outputs
        self.get_logger().info("preparing the motion (compiling it, at the first start: some 15 s)")
        self._commander = make_commander(p, setup, embodiment, arm_output.send, gripper_output.send)
        self._progress = self.create_publisher(ChunkProgress, "chunk_progress", 10)
        self._tcp_pose = self.create_publisher(PoseStamped, "tcp_pose", sensor_qos("reliable"))
        self._planned_path = self.create_publisher(Path, "planned_path", LATCHED)
        self._executed_path = self.create_publisher(Path, "executed_path", 1)
        self._executed: deque[PoseStamped] = deque(maxlen=_PATH_LENGTH)
        self._reader = ArmReader(
            self, self._arm.joint_names, p["gripper_joint"], p["joint_state_timeout_s"]
        )
        self.create_subscription(ActionChunk, "action_chunk", self._on_chunk, 10)
        patient = ReentrantCallbackGroup()  # whose services wait, but keep nobody else waiting
        for name, serve in (("stop", self._on_stop), ("move_to_start", self._on_move_to_start)):
            self.create_service(Trigger, name, serve, callback_group=patient)
        self.create_timer(1.0 / p["monitor_rate_hz"], self._monitor, clock=STEADY)
        if setup.obstacles is not None and setup.obstacles.left_out:
            self.get_logger().warning(
                "these links are always too close to each other and are not checked for "
                f"collisions: {list(setup.obstacles.left_out)}; lower self_distance_m, or give "
                "other shapes as collision_description"
            )
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
        self._commander = self._reader = None
        for output in self._outputs:
            output.close()
        self._outputs.clear()

    def health(self) -> Health:
        """Joint states, plans and what became of them."""
        values: dict[str, object] = {f"chunks_{name}": n for name, n in self._counts.items()}
        values["planning_s"], values["time_stretch"] = self._last_plan
        values["bad_joint_states"] = 0 if self._reader is None else self._reader.invalid_count
        fault = self._reader.fault() if self._reader is not None else "not configured"
        fault = fault or self._output_fault()
        if fault:
            return Health(DiagnosticStatus.WARN, fault, values)
        return Health(values=values)

    # The arm.

    def _make_outputs(self, gripper_limits: GripperLimits) -> None:
        p, fault = self.parameters, self._on_output_fault
        stamped = p["trajectory_stamp"] == "start"
        self._outputs.append(
            make_arm_output(self, p["arm_output"], p["joint_names"], stamped, fault)
        )
        self._outputs.append(
            make_gripper_output(
                self,
                p["gripper_output"] if p["gripper_joint"] else "topic",
                p["gripper_joint"],
                gripper_limits,
                p["grasp_force_n"],
                stamped,
                fault,
            )
        )

    def _output_fault(self) -> str:
        """Why what is sent would not be played; empty: it would, as far as one can know."""
        missing = [output.waiting_for() for output in self._outputs]
        return "; ".join(f"nothing moves without {name}" for name in missing if name)

    def _on_output_fault(self, message: str) -> None:
        """A controller refused what it was sent, or gave it up."""
        if not self._stop_arm(Cause.TRACKING_ERROR, message):
            self.get_logger().error(message)

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
        try:
            measured = self._ready_to_move()
            now_s = self._now_s()
            chunk = read_chunk(message, self._embodiment, self._arm.base_frame)
            commander = self._required_commander()
            before = commander.playing
            began = time.perf_counter()
            playing = commander.play_chunk(chunk, measured, now_s)
            planning_s = time.perf_counter() - began
        except MotionRefusedError as error:
            self._reject(message, error.cause, str(error))
            return
        except Exception as error:  # the policy side must not be left without an answer
            self.get_logger().error(traceback.format_exc())
            self._reject(message, Cause.INTERNAL_ERROR, f"ik_node failed: {error!r}; see its log")
            return
        if before is not None:
            self._report_playing(ChunkProgress.SUPERSEDED, before)
        self._counts["accepted"] += 1
        self._last_plan = (planning_s, playing.plan.time_stretch)
        self._steps_reported = 0
        if playing.plan.cut is not None:
            self.get_logger().warning(f"chunk {playing.sequence} is cut short: {playing.plan.cut}")
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
        if not self.active or self._reader is None:
            raise MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not active; activate it first")
        missing = self._output_fault()
        if missing:
            raise MotionRefusedError(Cause.NOT_ACTIVE, missing)
        self._reader.read()
        fault = self._reader.fault()
        if fault or self._reader.measured is None:
            raise MotionRefusedError(Cause.NO_JOINT_STATES, fault)
        return self._reader.measured

    def _required_commander(self) -> Commander:
        if self._commander is None:
            raise MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not configured")
        return self._commander

    # Playback.

    def _monitor(self) -> None:
        commander, reader = self._commander, self._reader
        if commander is None or reader is None:
            return
        reader.read()
        fault, measured = reader.fault(), reader.measured
        if not self._moving():
            self._answer_stops("the arm has come to rest")
        pose = None
        if measured is not None and not fault:
            pose = self._publish_tcp_pose(measured)
        playing = commander.playing
        if playing is None:
            return
        if measured is None or pose is None:
            self._stop_arm(Cause.NO_JOINT_STATES, fault)
            return
        now_s = self._now_s()
        trouble = self._trouble(commander, reader, measured)
        if trouble is not None:
            self._stop_arm(*trouble)
            return
        self._report_steps(playing, now_s)
        self._publish_executed_path(pose)
        if playing.finished(now_s):
            self._finish_at_rest(commander, playing, measured, now_s)

    def _trouble(
        self, commander: Commander, reader: ArmReader, measured: Measured
    ) -> tuple[Cause, str] | None:
        """What keeps the arm from playing its plan, if anything."""
        p = self.parameters
        touched = self._contact.look(reader.effort, measured.q, measured.dq, measured.stamp_s)
        if touched:
            return Cause.CONTACT, touched
        error_rad = commander.tracking_error(measured, p["tracking_delay_s"])
        if error_rad > p["tracking_tolerance"]:
            return (
                Cause.TRACKING_ERROR,
                f"a joint is {error_rad:.3f} rad from its plan; valid is up to "
                f"{p['tracking_tolerance']} rad",
            )
        return None

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
        measured = None if self._reader is None else self._reader.measured
        try:
            if cause in (Cause.TRACKING_ERROR, Cause.CONTACT) and measured is not None:
                commander.brake(measured, self._now_s())
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
        report = progress_message(playing, state, self._now_s(), cause, message)
        report.header = self._header()
        report.planning_s = planning_s
        self._progress.publish(report)

    def _publish_planned_path(self, plan: Plan) -> None:
        header = self._header()
        knots = plan.spline.derivative(0, plan.spline.times_s)
        self._planned_path.publish(
            Path(
                header=header,
                poses=[
                    PoseStamped(header=header, pose=_pose_message(position, (0.0, 0.0, 0.0, 1.0)))
                    for position in self._arm.tcp_positions(knots)
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
        """ROS time; where it comes by /clock, joint states may know of a later moment already."""
        clock = self.get_clock()
        now_s = float(clock.now().nanoseconds) * 1e-9
        measured = None if self._reader is None else self._reader.measured
        if measured is None or not clock.ros_time_is_active:
            return now_s
        return max(now_s, measured.stamp_s)


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
