# SPDX-License-Identifier: Apache-2.0
"""ik_node: action chunks in, joint trajectories out. The only node that moves the arm."""

import time
import traceback
from typing import Any, NoReturn

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter as RosParameter
from rclpy.task import Future
from std_msgs.msg import Empty, String
from std_srvs.srv import Trigger

from vera_ros.embodiments import find_embodiment
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.commander import ChunkCommand, Commander, Measured
from vera_ros.motion.gate import GripperLimits
from vera_ros.motion.playback import Playing
from vera_ros.motion.watchdogs import ClockWatch, FrozenJoints
from vera_ros.nodes.arm_reader import ArmReader
from vera_ros.nodes.arm_reports import ArmReports
from vera_ros.nodes.arm_status import ArmStatusTopic
from vera_ros.nodes.chunk_messages import read_chunk
from vera_ros.nodes.conversions import LATCHED, stamp_to_ns
from vera_ros.nodes.ik_parameters import PARAMETERS
from vera_ros.nodes.motion_setup import make_commander, set_up_arm
from vera_ros.nodes.node import STEADY, Health, VeraNode, run_node
from vera_ros.nodes.outputs import Output, make_arm_output, make_gripper_output
from vera_ros.nodes.wakefulness import Wakefulness
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress

_OFF_PLAN = (Cause.TRACKING_ERROR, Cause.CONTACT, Cause.JOINTS_FROZEN)
_FRESH_S = 0.1
_HELD = "a hold was asked for; call release when it is safe, then give the goal again"


class IkNode(VeraNode):
    """Turns chunks into trajectories and watches the arm play them."""

    def __init__(self, **options: Any) -> None:
        super().__init__("ik_node", PARAMETERS, **options)
        p = self.parameters
        self._urdf = p["robot_description"]
        self._commander: Commander | None = None
        self._reader: ArmReader | None = None
        self._counts = {"accepted": 0, "rejected": 0, "aborted": 0}
        self._last_plan = (0.0, 1.0)
        self._at_rest: list[Future] = []
        self._arrived: tuple[Playing, Future] | None = None
        self._outputs: list[Output[Any]] = []
        self._waiting: tuple[ActionChunk, ChunkCommand] | None = None
        self._wakefulness = Wakefulness()
        self._clock_watch = ClockWatch()
        self._frozen = FrozenJoints(p["frozen_time_s"], p["frozen_angle"])
        self._moved_s = self._stopped_s = -np.inf  # steady time
        # These are there in every state of the node: a hold must never find nobody.
        self._arm_status = ArmStatusTopic(self, approval=p["approval"], dry_run=p["dry_run"])
        self.create_timer(1.0 / p["arm_status_rate_hz"], self._say_status, clock=STEADY)
        self._patient = ReentrantCallbackGroup()  # whose services keep nobody else waiting
        self.create_subscription(Empty, "hold", lambda _: self._hold(), 10)
        for name, serve in (("hold", self._on_hold), ("release", self._on_release)):
            self.create_service(Trigger, name, serve, callback_group=self._patient)
        self.add_on_set_parameters_callback(self._on_parameters)
        if not self._urdf:
            self.create_subscription(String, "robot_description", self._on_description, LATCHED)

    def _on_description(self, message: String) -> None:
        self._urdf = message.data

    def _on_parameters(self, parameters: list[RosParameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == "approval":
                self._arm_status.approval = bool(parameter.value)
        return SetParametersResult(successful=True)

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
        self._reports = ArmReports(self, self._arm, dry_run=p["dry_run"])
        self._reader = ArmReader(
            self, self._arm.joint_names, p["gripper_joint"], p["joint_state_timeout_s"]
        )
        self.create_subscription(ActionChunk, "action_chunk", self._on_chunk, 10)
        for name, serve in (
            ("stop", self._on_stop),
            ("approve", self._on_approve),
            ("discard", self._on_discard),
            ("move_to_start", self._on_move_to_start),
        ):
            self.create_service(Trigger, name, serve, callback_group=self._patient)
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
        if p["dry_run"]:
            self.get_logger().warning("dry_run: plans are made and shown, and nothing is sent")

    def start(self) -> None:
        """Take chunks."""
        self._arm_status.enter(ArmStatus.HELD if self._arm_status.held else ArmStatus.READY)

    def stop(self) -> None:
        """Bring the arm to rest."""
        self._stop_arm(Cause.STOPPED, "the node is being deactivated")
        self._answer_stops("the arm is coming to rest, and the node is being deactivated")
        self._arm_status.enter(ArmStatus.INACTIVE)

    def teardown(self) -> None:
        """Forget the arm."""
        self._commander = self._reader = self._waiting = None
        for output in self._outputs:
            output.close()
        self._outputs.clear()

    def health(self) -> Health:
        """Joint states, plans and what became of them."""
        values: dict[str, object] = {f"chunks_{name}": n for name, n in self._counts.items()}
        values["planning_s"], values["time_stretch"] = self._last_plan
        values["bad_joint_states"] = 0 if self._reader is None else self._reader.invalid_count
        values["held"], values["approval"] = self._arm_status.held, self._arm_status.approval
        values["dry_run"] = self.parameters["dry_run"]
        values["last_trouble"] = self._arm_status.message
        if self._arm_status.held:
            return Health(DiagnosticStatus.WARN, _HELD, values)
        fault = self._fault()
        if fault:
            return Health(DiagnosticStatus.WARN, fault, values)
        return Health(values=values)

    # The arm.

    def _make_outputs(self, gripper_limits: GripperLimits) -> None:
        p, fault = self.parameters, self._on_output_fault
        stamped, dry_run = p["trajectory_stamp"] == "start", p["dry_run"]
        self._outputs.append(
            make_arm_output(
                self, p["arm_output"], p["joint_names"], stamped, fault, dry_run=dry_run
            )
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
                dry_run=dry_run or not p["gripper_joint"],
            )
        )

    def _fault(self) -> str:
        """Why the arm cannot move; empty: it can, as far as one can know."""
        fault = self._reader.fault() if self._reader is not None else "not configured"
        return fault or self._output_fault()

    def _output_fault(self) -> str:
        """Why what is sent would not be played; empty: it would, as far as one can know."""
        missing = [output.waiting_for() for output in self._outputs]
        return "; ".join(f"nothing moves without {name}" for name in missing if name)

    def _on_output_fault(self, message: str) -> None:
        """A controller refused what it was sent, or gave it up."""
        if not self._stop_arm(Cause.TRACKING_ERROR, message):
            self.get_logger().error(message)

    # Chunks.

    def _on_chunk(self, message: ActionChunk) -> None:
        self._discard("another chunk has come")
        try:
            measured = self._ready_to_move()
            chunk = read_chunk(message, self._embodiment, self._arm.base_frame)
            self._check_age(message)
            if self._arm_status.approval:
                self._ask_for_approval(message, chunk, measured)
            else:
                self._play(chunk, measured)
        except MotionRefusedError as error:
            self._reject(message, error.cause, str(error))
        except Exception as error:  # the policy side must not be left without an answer
            self.get_logger().error(traceback.format_exc())
            self._reject(message, Cause.INTERNAL_ERROR, f"ik_node failed: {error!r}; see its log")

    def _play(self, chunk: ChunkCommand, measured: Measured) -> None:
        commander = self._required_commander()
        before = commander.playing
        began = time.perf_counter()

        def present() -> float:
            took_s, most_s = time.perf_counter() - began, self.parameters["planning_timeout_s"]
            if took_s > most_s:
                raise MotionRefusedError(
                    Cause.PLANNING_TOO_SLOW,
                    f"planning took {took_s:.3f} s; valid is up to {most_s} s; nothing of the "
                    "chunk is played; is the machine overloaded?",
                )
            return self._now_s()

        playing = commander.play_chunk(chunk, measured, self._now_s(), present)
        planning_s = time.perf_counter() - began
        if before is not None:
            self._reports.progress(ChunkProgress.SUPERSEDED, before, self._now_s())
        self._counts["accepted"] += 1
        self._last_plan = (planning_s, playing.plan.time_stretch)
        self._steps_reported = 0
        self._frozen.forget()
        self._arm_status.explain(Cause.NONE, "")
        if playing.plan.cut is not None:
            self.get_logger().warning(f"chunk {playing.sequence} is cut short: {playing.plan.cut}")
        self._reports.progress(
            ChunkProgress.ACCEPTED, playing, self._now_s(), planning_s=planning_s
        )
        self._reports.plan(playing.plan)
        self._arm_status.enter(ArmStatus.MOVING)

    def _reject(self, chunk: ActionChunk, cause: Cause, message: str) -> None:
        self._counts["rejected"] += 1
        self.get_logger().warning(f"chunk {chunk.sequence} rejected: {message}")
        self._arm_status.explain(cause, message)
        self._reports.rejected(chunk, cause, message)

    def _check_age(self, message: ActionChunk) -> None:
        stamp_ns, most_s = stamp_to_ns(message.header.stamp), self.parameters["chunk_max_age_s"]
        age_s = self._now_s() - stamp_ns * 1e-9
        if stamp_ns and age_s > most_s:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk was planned from what was seen {age_s:.2f} s ago; valid is up to "
                f"{most_s} s; nothing of it is played",
            )

    def _ready_to_move(self) -> Measured:
        if not self.active or self._reader is None:
            raise MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not active; activate it first")
        if self._arm_status.held:
            raise MotionRefusedError(Cause.HELD, _HELD)
        missing = self._output_fault()
        if missing:
            raise MotionRefusedError(Cause.NO_CONTROLLER, missing)
        self._reader.read()
        measured, fault = self._reader.measured, self._reader.fault()
        if fault or measured is None:
            raise MotionRefusedError(Cause.NO_JOINT_STATES, fault)
        self._check_rest(measured)
        return measured

    def _check_rest(self, measured: Measured) -> None:
        """An arm that nobody here moves must rest before it is moved from where it is."""
        p = self.parameters
        if self._moving() or time.monotonic() - self._moved_s < p["rest_timeout_s"]:
            return
        if measured.speed_rad_s > p["rest_speed"]:
            raise MotionRefusedError(
                Cause.NOT_AT_REST,
                f"a joint moves at {measured.speed_rad_s:.3f} rad/s although ik_node plays "
                f"nothing; valid is up to {p['rest_speed']} rad/s; wait, or find out who moves it",
            )

    def _required_commander(self) -> Commander:
        if self._commander is None:
            raise MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not configured")
        return self._commander

    # Approval.

    def _ask_for_approval(
        self, message: ActionChunk, chunk: ChunkCommand, measured: Measured
    ) -> None:
        shown = self._required_commander().preview_chunk(chunk, measured, self._now_s())
        self._waiting = (message, chunk)
        self._reports.plan(shown.plan)
        self._reports.progress(ChunkProgress.AWAITING_APPROVAL, shown, self._now_s())
        if not self._moving():
            self._arm_status.enter(ArmStatus.AWAITING_APPROVAL)

    def _discard(self, reason: str) -> bool:
        """Let go of a chunk that waits for approval; return whether there was one."""
        if self._waiting is None:
            return False
        message, _ = self._waiting
        self._waiting = None
        self._reject(message, Cause.NOT_APPROVED, f"the chunk was not approved: {reason}")
        return True

    def _on_approve(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._waiting is None:
            response.message = "no chunk waits for approval"
            return response
        message, chunk = self._waiting
        self._waiting = None
        try:
            # Begin now: what was to happen while someone thought about it is not past.
            self._play(chunk.starting_now(), self._ready_to_move())
        except MotionRefusedError as error:
            self._reject(message, error.cause, str(error))
            response.message = str(error)
            return response
        response.success, response.message = True, f"chunk {chunk.sequence} is being played"
        return response

    def _on_discard(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._discard("someone discarded it")
        response.message = "discarded" if response.success else "no chunk waits for approval"
        return response

    # Playback.

    def _monitor(self) -> None:
        commander, reader = self._commander, self._reader
        if commander is None or reader is None or self._wakefulness.slept():
            return
        reader.read()
        fault, measured = reader.fault(), reader.measured
        now_s = self._now_s()
        back_s = self._clock_watch.look(now_s)
        if back_s:
            self._on_clock_jump(commander, measured, back_s)
        if self._moving():
            self._moved_s = time.monotonic()
        else:
            self._answer_stops("the arm has come to rest")
        if measured is not None and not fault:
            self._reports.pose(measured, moving=commander.playing is not None)
        self._watch_stop(commander, measured)
        self._enter_state(fault)
        playing = commander.playing
        if playing is None:
            return
        if measured is None or fault:
            self._stop_arm(Cause.NO_JOINT_STATES, fault)
            return
        trouble = self._trouble(commander, playing, reader, measured)
        if trouble is not None:
            self._stop_arm(*trouble)
            return
        self._report_steps(playing, now_s)
        if playing.finished(now_s):
            self._finish_at_rest(commander, playing, measured, now_s)

    def _enter_state(self, fault: str) -> None:
        """Say what the arm side is doing."""
        if not self.active:
            state = ArmStatus.INACTIVE
        elif self._commander is not None and self._commander.playing is not None:
            state = ArmStatus.MOVING
        elif self._moving():
            state = ArmStatus.STOPPING
        elif self._arm_status.held:
            state = ArmStatus.HELD
        elif self._waiting is not None:
            state = ArmStatus.AWAITING_APPROVAL
        elif fault or self._output_fault():
            state = ArmStatus.FAULT
            missing = Cause.NO_JOINT_STATES if fault else Cause.NO_CONTROLLER
            self._arm_status.explain(missing, fault or self._output_fault())
        else:
            state = ArmStatus.READY
        self._arm_status.enter(state)

    def _say_status(self) -> None:
        self._arm_status.publish()

    def _trouble(
        self, commander: Commander, playing: Playing, reader: ArmReader, measured: Measured
    ) -> tuple[Cause, str] | None:
        """What keeps the arm from playing its plan, if anything."""
        p = self.parameters
        if p["dry_run"]:
            return None
        missing = self._output_fault()
        if missing:
            return Cause.NO_CONTROLLER, missing
        touched = self._contact.look(reader.effort, measured.q, measured.dq, measured.stamp_s)
        if touched:
            return Cause.CONTACT, touched
        planned = playing.planned(self._now_s())
        if self._frozen.look(measured.q, planned, measured.received_s):
            return (
                Cause.JOINTS_FROZEN,
                f"the measured joint positions have not changed for {p['frozen_time_s']} s "
                "although the plan moves; does the arm's driver repeat old states?",
            )
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
        if measured.speed_rad_s <= p["rest_speed"]:
            commander.finish()
            self._reports.progress(ChunkProgress.FINISHED, playing, now_s)
            self._settle(True, "a dry run: the arm was not moved" if p["dry_run"] else "arrived")
        elif now_s > playing.start_s + playing.plan.duration_s + p["rest_timeout_s"]:
            self._stop_arm(
                Cause.TRACKING_ERROR,
                f"the arm still moves at {measured.speed_rad_s:.3f} rad/s {p['rest_timeout_s']} s "
                "after its plan's end",
            )

    def _report_steps(self, playing: Playing, now_s: float) -> None:
        steps = playing.steps_played(now_s)
        if playing.sequence >= 0 and steps > self._steps_reported:
            self._steps_reported = steps
            self._reports.progress(ChunkProgress.PLAYING, playing, now_s)

    # Stops.

    def _stop_arm(self, cause: Cause, message: str) -> bool:
        """Smoothly stop whatever is playing; return whether something was."""
        self._discard("the arm was stopped")
        commander = self._commander
        playing = None if commander is None else commander.playing
        if commander is None or playing is None:
            return False
        measured = None if self._reader is None else self._reader.measured
        try:
            if cause in _OFF_PLAN and measured is not None and self._is_fresh(measured):
                commander.brake(measured, self._now_s())
            else:
                commander.stop(self._now_s())
        except MotionRefusedError as error:
            left_s = playing.start_s + playing.plan.duration_s - self._now_s()
            self.get_logger().error(
                f"no smoother stop was possible ({error}); the plan ends at rest in {left_s:.2f} s"
            )
        self._stopped(playing, cause, message)
        return True

    def _stopped(self, playing: Playing, cause: Cause, message: str) -> None:
        """A stop is on its way."""
        self._stopped_s = time.monotonic()
        self._counts["aborted"] += 1
        self._arm_status.explain(cause, message)
        self._arm_status.enter(ArmStatus.STOPPING)
        if playing.sequence >= 0:
            summary = f"chunk {playing.sequence} stopped: {message}"
            if cause in (Cause.STOPPED, Cause.HELD):
                self.get_logger().info(summary)
            else:
                self.get_logger().error(summary)
            now_s = self._now_s()
            self._reports.progress(ChunkProgress.ABORTED, playing, now_s, cause, message)
        self._settle(False, message)

    def _on_clock_jump(
        self, commander: Commander, measured: Measured | None, back_s: float
    ) -> None:
        playing = commander.playing
        message = f"ROS time went back by {back_s:.3f} s; the arm stops, give the goal again"
        self.get_logger().error(message)
        self._discard("ROS time went back")
        try:
            # Joint states tell of the arm's motion although their stamps may be of another time.
            commander.forget_time(measured, self._now_s())
        except MotionRefusedError as error:
            self.get_logger().error(f"the arm could not be braked: {error}")
        self._arm_status.explain(Cause.CLOCK_JUMPED, message)
        if playing is not None:
            self._stopped(playing, Cause.CLOCK_JUMPED, message)

    def _watch_stop(self, commander: Commander, measured: Measured | None) -> None:
        """After a stop, the arm must really come to rest."""
        p = self.parameters
        if commander.playing is not None or self._moving() or p["dry_run"]:
            return
        if measured is None or not self._is_fresh(measured):
            return
        late_s = time.monotonic() - max(self._moved_s, self._stopped_s)
        if not np.isfinite(self._stopped_s) or late_s < p["rest_timeout_s"]:
            return
        self._stopped_s = -np.inf
        if measured.speed_rad_s <= p["rest_speed"]:
            return
        message = (
            f"the arm still moves at {measured.speed_rad_s:.3f} rad/s although it was stopped; "
            "use its own stop"
        )
        self.get_logger().error(message)
        self._arm_status.explain(Cause.NOT_AT_REST, message)
        try:
            commander.brake(measured, self._now_s())
            self._stopped_s = time.monotonic()
        except MotionRefusedError as error:
            self.get_logger().error(f"it cannot be braked: {error}")

    def _settle(self, success: bool, message: str) -> None:
        """Answer the move_to_start that waits, if any."""
        if self._arrived is not None:
            future = self._arrived[1]
            self._arrived = None
            future.set_result((success, message))

    def _is_fresh(self, measured: Measured) -> bool:
        """Whether the arm may be braked from there: it moves on while the news travel."""
        now_s = float(self.get_clock().now().nanoseconds) * 1e-9
        age_s = max(time.monotonic() - measured.received_s, now_s - measured.stamp_s)
        return age_s <= _FRESH_S

    def _moving(self) -> bool:
        return self._commander is not None and self._commander.moving(self._now_s())

    def _answer_stops(self, message: str) -> None:
        for future in self._at_rest:
            future.set_result(message)
        self._at_rest.clear()

    # Services.

    def _hold(self) -> None:
        """Stop at once, and take nothing until someone calls release."""
        already, self._arm_status.held = self._arm_status.held, True
        self._stop_arm(Cause.HELD, _HELD)
        if not already:
            self.get_logger().warning(_HELD)
            self._arm_status.explain(Cause.HELD, _HELD)
            self._arm_status.publish()

    async def _on_hold(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Hold, and answer when the arm has come to rest."""
        self._hold()
        return await self._at_rest_with(response)

    def _on_release(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Take chunks again; nothing moves because of this."""
        response.success = True
        if not self._arm_status.held:
            response.message = "the arm was not held"
            return response
        self._arm_status.held = False
        self._arm_status.explain(Cause.NONE, "")
        self._arm_status.publish()
        self.get_logger().info("released")
        response.message = "released; give the goal again to go on"
        return response

    async def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Stop at once, and answer when the arm has come to rest."""
        self._stop_arm(Cause.STOPPED, "a stop was asked for")
        return await self._at_rest_with(response)

    async def _at_rest_with(self, response: Trigger.Response) -> Trigger.Response:
        """Answer when the arm has come to rest."""
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
        self._discard("the arm moves to its start")
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
        self._frozen.forget()
        self._reports.plan(playing.plan)
        future: Future = Future(executor=self.executor)
        self._arrived = (playing, future)
        response.success, response.message = await future
        return response

    def _now_s(self) -> float:
        """ROS time; where it comes by /clock, joint states may know of a later moment already."""
        clock = self.get_clock()
        now_s = float(clock.now().nanoseconds) * 1e-9
        measured = None if self._reader is None else self._reader.measured
        if measured is None or not clock.ros_time_is_active:
            return now_s
        return max(now_s, measured.stamp_s)


def main() -> NoReturn:
    """Entry point."""
    run_node(IkNode)


if __name__ == "__main__":
    main()
