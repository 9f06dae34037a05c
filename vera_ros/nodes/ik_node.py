# SPDX-License-Identifier: Apache-2.0
"""ik_node: action chunks in, joint trajectories out. The only node that moves the arm."""

import time
import traceback
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.task import Future
from std_msgs.msg import Empty, String
from std_srvs.srv import Trigger

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.execution.planning_job import Clocks
from vera_ros.motion.execution.supervisor import HELD, Supervisor
from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import PAST_S
from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.nodes.common.arm_identity import identity
from vera_ros.nodes.common.background import Background
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.common.lifecycle_node import STEADY, Health, VeraNode, run_node
from vera_ros.nodes.common.pending_responses import PendingResponses
from vera_ros.nodes.common.suspend_detector import SuspendDetector
from vera_ros.nodes.ik.arm_reader import ArmReader
from vera_ros.nodes.ik.arm_status import ArmStatusTopic, arm_status, contact_warnings
from vera_ros.nodes.ik.chunk_messages import read_chunk
from vera_ros.nodes.ik.chunk_reports import ChunkReports
from vera_ros.nodes.ik.kept_hold import KeptHold
from vera_ros.nodes.ik.motion_setup import make_bounds, make_commander, set_up_arm
from vera_ros.nodes.ik.outputs import Output, make_arm_output, make_gripper_output
from vera_ros.nodes.ik.parameters import PARAMETERS
from vera_ros.nodes.ik.rivals import Rivals
from vera_ros.nodes.ik.robot_fault import RobotFault
from vera_ros.nodes.ik.tcp_reports import TcpReports
from vera_ros_interfaces.msg import ActionChunk

_AGREEMENT_S = 1.5  # until joint states that jumped are believed, and a little more
_REST_UNKNOWN = "whether the arm rests is not known"


class IkNode(VeraNode):
    """Turns chunks into trajectories and watches the arm play them (see Supervisor)."""

    def __init__(self, **options: Any) -> None:
        super().__init__("ik_node", PARAMETERS, **options)
        p = self.parameters
        self._urdf = p["robot_description"]
        self._supervisor: Supervisor | None = None
        self._reader: ArmReader | None = None
        self._outputs: list[Output[Any]] = []
        self._wakefulness = SuspendDetector()
        self._ticked = Future()  # done when joint states were looked at once more
        self._at_rest, self._arrived = PendingResponses(self), PendingResponses(self)
        self._patient = ReentrantCallbackGroup()  # its services wait, and keep nobody waiting
        self._planning = MutuallyExclusiveCallbackGroup()  # one chunk at a time
        self._background = Background(self)
        # What is made here is there in every state of the node: a hold must never find nobody, and
        # clients that wait for an answer when the node goes down must get one.
        self._identity, self._chunks_for_others = identity(self), 0
        self._rivals = Rivals(self, self._identity, moves=not p["dry_run"])
        self._hold = KeptHold(self, p["hold_file"], self._identity)
        self._status = ArmStatusTopic(self)
        self._say_status()
        self.create_timer(1.0 / p["arm_status_rate_hz"], self._status.repeat, clock=STEADY)
        self.create_subscription(Empty, "hold", lambda _: self._hold_arm(), 10)
        self._serve("hold", self._on_hold)
        self._serve("release", self._on_release)
        self._serve("stop", self._on_stop)
        self._serve("move_to_start", self._on_move_to_start)
        self._serve("approve", self._on_approve, self._planning)
        self._serve("discard", self._on_discard)
        if not self._urdf:
            self.create_subscription(String, "robot_description", self._on_description, LATCHED)

    def _serve(self, name: str, serve: Any, group: Any = None) -> None:
        self.create_service(Trigger, name, serve, callback_group=group or self._patient)

    def _on_description(self, message: String) -> None:
        self._urdf = message.data

    def waiting_for(self) -> str:
        """The robot's description may come by topic."""
        return "" if self._urdf else "robot_description, as a parameter or on its latched topic"

    def setup(self) -> None:
        """Build the arm's model, the planner, the gate and who watches over them."""
        p = self.parameters
        embodiment = find_embodiment(p["embodiment"])
        setup = set_up_arm(p, self._urdf)
        self._embodiment, self._arm = embodiment, setup.arm
        self._make_outputs(setup.gripper_limits)
        gripper_output = self._outputs[1]
        self.get_logger().info("preparing the motion (compiling it, at the first start: some 15 s)")
        self._lead = Lead(p["stop_lead_s"])
        dispatcher = self._dispatcher = make_commander(
            p, setup, embodiment, self._send_arm, gripper_output.send, self._lead
        )
        dry_run, bounds = p["dry_run"], make_bounds(p)
        self._reports = ChunkReports(
            self,
            self._arm,
            self.now_s,
            self._ours_less_arms_s,
            self._at_rest,
            self._arrived,
            dry_run=dry_run,
        )
        self._supervisor = Supervisor(
            dispatcher,
            None if dry_run else PlaybackWatch(setup.contact, bounds),
            bounds,
            self._hold,
            self._reports,
            Clocks(time.perf_counter, self.now_s),
            self._lead,
        )
        self._tcp = TcpReports(self, self._arm)
        self._robot = RobotFault(self, p["robot_state_topic"], p["joint_state_timeout_s"])
        self._reader = ArmReader(
            self,
            self._arm.joint_names,
            p["gripper_joint"],
            self._arm.velocity_limit,
            p["joint_state_timeout_s"],
        )
        self.create_subscription(
            ActionChunk, "action_chunk", self._on_chunk, 10, callback_group=self._planning
        )
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
        if dry_run:
            self.get_logger().warning("this is a dry run: plans are made and shown, nothing moves")

    def start(self) -> None:
        """Take chunks; a hold goes on."""
        self._configured().doubt()  # meanwhile anybody may have moved the arm
        if self._hold.held:
            self.get_logger().warning(HELD)

    def stop(self) -> None:
        """Bring the arm to rest."""
        self._stop_arm(Reason(Cause.STOPPED, "the node is being deactivated"))
        self._at_rest.give(False, "the node is being deactivated; the arm comes to rest by itself")

    def teardown(self) -> None:
        """Forget the arm; a hold stays."""
        self._at_rest.give(False, f"{_REST_UNKNOWN}: the node is being cleaned up")
        self._arrived.give(False, "the node is being cleaned up")
        self._supervisor = self._reader = None
        self._let_go_on()
        for output in self._outputs:
            output.close()
        self._outputs.clear()
        self._say_status()

    def health(self) -> Health:
        """Joint states, plans and what became of them."""
        supervisor, reader = self._supervisor, self._reader
        if supervisor is None or reader is None:
            return Health(DiagnosticStatus.WARN, "not configured", {"held": self._hold.held})
        reports = self._reports
        values: dict[str, object] = {f"chunks_{name}": n for name, n in reports.counts.items()}
        values |= {
            "planning_s": reports.planning_s,
            "time_stretch": reports.time_stretch,
            "bad_joint_states": reader.invalid_count,
            "outliers": reader.outliers,
            "lead_s": self._lead.value_s,
            "late_trajectories": self._lead.late,
            "clock_offset_s": reader.offset_s(),
            "arm": self._identity,
            "chunks_for_other_arms": self._chunks_for_others,
            "held": self._hold.held,
            "approval": self._needs_approval,
            "dry_run": self.parameters["dry_run"],
            "last_trouble": supervisor.reason.message,
        }
        error = supervisor.stops.unrest or str(self._rivals.fault() or "")
        if error:
            return Health(DiagnosticStatus.ERROR, error, values)
        known = reader.fault() or self._robot.fault()
        fault = HELD if self._hold.held else self._missing() or str(known or "")
        fault = "; ".join(self._hold.warnings) or fault
        return Health(
            DiagnosticStatus.WARN if fault else DiagnosticStatus.OK, fault or "ok", values
        )

    def destroy_node(self) -> None:
        """End the thread that plans, too."""
        self._background.close()
        self._hold.close()
        super().destroy_node()

    # What is known.

    def _make_outputs(self, gripper_limits: GripperLimits) -> None:
        p, fault, dry_run = self.parameters, self._on_output_fault, self.parameters["dry_run"]
        if p["trajectory_stamp"] == "zero":
            raise ConfigurationError(
                "parameter 'trajectory_stamp' is 'zero'; valid is 'start': with zero, a controller "
                "plays from whenever a trajectory arrives, and jumps at each stop; where its clock "
                "is another, ik_node measures the difference (see clock_difference_s)"
            )
        self._outputs.append(
            make_arm_output(self, p["arm_output"], p["joint_names"], fault, dry_run=dry_run)
        )
        self._outputs.append(
            make_gripper_output(
                self,
                p["gripper_output"],
                p["gripper_joint"],
                gripper_limits,
                p["grasp_force_n"],
                fault,
                dry_run=dry_run or not p["gripper_joint"],
            )
        )

    def _send_arm(self, trajectory: ArmTrajectory, start_s: float) -> None:
        if self._reader is not None:
            self._reader.clock.mark()
        self._outputs[0].send(trajectory, start_s)

    def _missing(self) -> str:
        """Why what is sent would not be played; empty: it would, as far as one can know."""
        missing = [output.waiting_for() for output in self._outputs]
        return "; ".join(f"nothing moves without {name}" for name in missing if name)

    def _sense(self, *, to_stop: bool = False) -> ArmObservation:
        """What is known of the arm now; whatever a rival does, it may be stopped."""
        reader = self._reader
        if reader is None:
            return ArmObservation(
                fault=MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not configured")
            )
        reader.read()
        if reader.set_by_s and self._supervisor is not None:
            self._supervisor.clock_was_set(reader.set_by_s)
        missing = self._missing()
        fault = None if to_stop else self._rivals.fault()
        if not self.active:
            fault = MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not active; activate it first")
        elif fault is None:
            lost = MotionRefusedError(Cause.NO_CONTROLLER, missing) if missing else None
            fault = lost or self._robot.fault()
        observation = reader.sense(fault)
        return replace(
            observation,
            unfit=self._clocks_fault(reader),
            heard=self._outputs[0].heard(),
            in_doubt=not self.get_clock().ros_time_is_active and reader.in_doubt(),
        )

    def _clocks_fault(self, reader: ArmReader) -> MotionRefusedError | None:
        """Why the controller's time is not known well enough; where time comes by /clock, it is."""
        if self.get_clock().ros_time_is_active:
            return None
        most_s = self.parameters["clock_difference_s"]
        self._dispatcher.past_s = PAST_S + min(reader.unsure_s(), most_s)
        return reader.clocks_fault(most_s)

    def now_s(self) -> float:
        """The controller's time, as far as it is known; this machine's where nothing is."""
        reader = self._reader  # once: planning asks in its own thread
        if reader is None:
            return float(self.get_clock().now().nanoseconds) * 1e-9
        return reader.now_s()

    def _ours_less_arms_s(self) -> float:
        """This machine's clock less the controller's [s], between which reports translate."""
        reader = self._reader
        if reader is None or self.get_clock().ros_time_is_active:
            return 0.0
        return -reader.offset_s()

    @property
    def _needs_approval(self) -> bool:
        """The parameter may change while the node runs."""
        return bool(self.get_parameter("approval").value)

    def _say_status(self) -> None:
        observation = self._sense()
        status = arm_status(self._supervisor, observation, self._hold.held)
        status.warnings = contact_warnings(observation, self.parameters["effort_model"])
        status.approval, status.dry_run = self._needs_approval, self.parameters["dry_run"]
        if self._supervisor is not None and self._reader is not None:
            status.lead_s, status.late_trajectories = self._lead.value_s, self._lead.late
            status.clock_offset_s = round(self._reader.offset_s(), 2)
        status.arm, status.warnings = self._identity, [*status.warnings, *self._hold.warnings]
        self._status.say(status)

    def _configured(self) -> Supervisor:
        if self._supervisor is None:
            raise MotionRefusedError(
                Cause.NOT_ACTIVE, "ik_node is not configured; configure and activate it first"
            )
        return self._supervisor

    # What happens.

    def _monitor(self) -> None:
        self._let_go_on()
        supervisor = self._supervisor
        if supervisor is None or self._wakefulness.was_suspended():
            return
        observation = self._sense()
        supervisor.tick(observation, self.now_s())
        if self._outputs[0].waiting_for():
            supervisor.doubt()
        if observation.measured is not None:
            ours_s = observation.measured.stamp_s + self._ours_less_arms_s()
            seen = replace(observation.measured, stamp_s=ours_s)
            self._tcp.say(seen, playing=supervisor.playing is not None)
        self._say_status()

    async def _on_chunk(self, message: ActionChunk) -> None:
        if message.arm not in ("", self._identity):
            self._chunks_for_others += 1  # whose progress is not for this one to tell
            words = f"a chunk for '{message.arm}' is not for this arm, '{self._identity}'"
            self.get_logger().warning(words, throttle_duration_sec=5.0)
            return
        try:
            chunk = read_chunk(message, self._embodiment, self._arm.base_frame)
        except MotionRefusedError as error:
            self._refuse(message.session_id, message.sequence, error)
            self._say_status()
        else:
            chunk = chunk.later(-self._ours_less_arms_s())
            await self._play(chunk, approval=self._needs_approval)

    async def _play(
        self, chunk: ChunkRequest, *, approval: bool = False
    ) -> MotionRefusedError | None:
        """Play a chunk, or have it wait for approval; return why not, which is said already.

        It is planned in the background: a hold or a stop need not wait for that.
        """
        chunk = replace(chunk, waited_s=await self._wait_for_agreement())
        supervisor, planning = self._supervisor, None
        if supervisor is None:  # the node was cleaned up meanwhile
            return MotionRefusedError(Cause.NOT_ACTIVE, "ik_node is not configured")
        refusal: MotionRefusedError | None = None
        try:
            planning = supervisor.plan(chunk, self._sense(), self.now_s(), approval=approval)
            planned = await self._background.do(planning.run)
            supervisor.take(planning, planned, self._sense(), self.now_s())
        except MotionRefusedError as error:
            refusal = error
        except Exception as error:  # the policy side must not be left without an answer
            self.get_logger().error(traceback.format_exc())
            words = f"ik_node failed: {error!r}; see its log"
            refusal = MotionRefusedError(Cause.INTERNAL_ERROR, words)
        if planning is not None and planning.dropped is not None:
            return planning.dropped  # which was said at once; the node may be another since
        if planning is not None:
            supervisor.intake.give_up(planning)
        if refusal is not None:
            self._refuse(chunk.session_id, chunk.sequence, refusal)
        self._say_status()
        return refusal

    def _let_go_on(self) -> None:
        """Wake the callbacks that wait for joint states."""
        ticked, self._ticked = self._ticked, Future()
        ticked.set_result(None)

    async def _wait_for_agreement(self) -> float:
        """Wait until joint states agree on where a resting arm is; return how long that took [s].

        One that was re-homed, or whose scene was reset, is believed a moment later.
        """
        begun_s = time.monotonic()
        while self._may_be_elsewhere() and time.monotonic() < begun_s + _AGREEMENT_S:
            await self._ticked
        return time.monotonic() - begun_s

    def _may_be_elsewhere(self) -> bool:
        supervisor = self._supervisor
        return (
            supervisor is not None and supervisor.playing is None and bool(self._sense().elsewhere)
        )

    def _refuse(self, session_id: str, sequence: int, refusal: MotionRefusedError) -> None:
        assert self._supervisor is not None
        self._supervisor.reason = refusal.reason
        self._reports.refused(session_id, sequence, refusal.reason)

    def _on_output_fault(self, message: str) -> None:
        """A controller refused what it was sent, or gave it up."""
        if self._supervisor is not None and self._supervisor.playing is not None:
            self._stop_arm(Reason(Cause.TRACKING_ERROR, message))
        else:
            self.get_logger().error(message)

    def _stop_arm(self, reason: Reason) -> None:
        if self._supervisor is not None:
            self._supervisor.stop(reason, self._sense(to_stop=True), self.now_s())
        self._say_status()

    def _hold_arm(self) -> Future:
        """Stop at once, and move nothing until someone calls release; the future: it is kept."""
        self._hold.held = True
        self._stop_arm(Reason(Cause.HELD, HELD))
        self.get_logger().warning(HELD)
        return self._hold.keep()

    # Services.

    async def _on_hold(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        kept = self._hold_arm()
        await self._answer_at_rest(response)
        await kept
        response.message += "; it is held until someone calls release"
        response.message += "".join(f"; {warning}" for warning in self._hold.warnings)
        return response

    async def _on_release(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Take chunks again; nothing moves because of this."""
        held, self._hold.held = self._hold.held, False
        self._say_status()
        await self._hold.keep()
        response.success = True
        response.message = "released; give the goal again to go on" if held else "it was not held"
        response.message += "".join(f"; {warning}" for warning in self._hold.warnings)
        self.get_logger().info(response.message)
        return response

    async def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Stop at once, and answer when the arm has come to rest."""
        self._stop_arm(Reason(Cause.STOPPED, "a stop was asked for"))
        await self._answer_at_rest(response)
        return response

    async def _answer_at_rest(self, response: Trigger.Response) -> None:
        supervisor = self._supervisor
        if supervisor is None:
            response.message = f"{_REST_UNKNOWN}: ik_node is not configured"
        elif supervisor.stops.under_way:
            response.success, response.message = await self._at_rest.wait()
        else:
            response.success, response.message = supervisor.stops.rests(self._sense())

    async def _on_approve(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            chunk = self._configured().approve(self._sense(), self.now_s())
        except MotionRefusedError as error:
            response.message = str(error)
            return response
        refusal = await self._play(chunk)
        response.success = refusal is None
        response.message = "approved, and sent" if refusal is None else str(refusal)
        return response

    def _on_discard(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        supervisor = self._supervisor
        response.success = supervisor is not None and supervisor.intake.discard(
            "someone discarded it"
        )
        response.message = "discarded" if response.success else "no chunk waits for approval"
        self._say_status()
        return response

    async def _on_move_to_start(
        self, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        p = self.parameters
        goal, speed_share = np.array(p["start_posture"]), p["start_speed"] * p["speed_scale"]
        await self._wait_for_agreement()
        try:
            self._configured().move_to(goal, speed_share, self._sense(), self.now_s())
        except MotionRefusedError as error:
            response.message = str(error)
            return response
        self._say_status()
        response.success, response.message = await self._arrived.wait()
        return response


def main() -> NoReturn:
    """Entry point."""
    run_node(IkNode)


if __name__ == "__main__":
    main()
