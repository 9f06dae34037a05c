# SPDX-License-Identifier: Apache-2.0
"""Motion by action: played, refused, given up and replaced, as a real controller answers."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from vera_ros.embodiments import ActionSpace
from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.trajectory import GripperTrajectory
from vera_ros.nodes.common.conversions import ns_to_stamp, stamp_to_ns
from vera_ros.nodes.ik_node import IkNode
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress

from .controllers import FakeController
from .stage import STEPS, Stage, control_of, measured_by

_REASON = (
    "needs control_msgs, which a ROS installation has (ros-$ROS_DISTRO-control-msgs); "
    "the topic outputs are tested without it"
)
pytest.importorskip("control_msgs.action", reason=_REASON)

from control_msgs.action import FollowJointTrajectory, GripperCommand  # noqa: E402

from vera_ros.nodes.ik.outputs.goal_sender import GoalSender  # noqa: E402
from vera_ros.nodes.ik.outputs.gripper_action import GripperAction, Move, moves  # noqa: E402

ARM, GRIPPER = "arm_controller/follow_joint_trajectory", "gripper_controller/gripper_cmd"
LIMITS = GripperLimits(lower_m=0.005, upper_m=0.04, speed_m_s=0.1, duration_s=10.0)
OPEN, CLOSE = [0.0] * STEPS, [0.0] * 5 + [1.0] * (STEPS - 5)
EFFORT = 35.0


def chunk(sequence: int = 0, gripper: list[float] | None = None, rows: int = STEPS) -> ActionChunk:
    """Steps straight down."""
    deltas = np.zeros((rows, 6))
    deltas[:, 2] = -0.01
    return ActionChunk(
        sent=ns_to_stamp(time.time_ns()),
        session_id="session",
        sequence=sequence,
        embodiment="mimicgen",
        action_space=ActionSpace.EEF_DELTA.value,
        control_dt_s=0.05,
        horizon=rows,
        columns=6,
        actions=deltas.ravel().tolist(),
        gripper=gripper or [],
    )


class ActionStage:
    """An ik_node whose outputs are actions, and the two controllers that serve them."""

    def __init__(self, stage: Stage, **parameters: Any) -> None:
        self.stage = stage
        self.ik: IkNode = stage.add_ik(
            arm_output="action", gripper_output="action", grasp_force_n=EFFORT, **parameters
        )
        self.arm = FakeController(
            stage, FollowJointTrajectory, ARM, lambda goal: stage._on_arm(goal.trajectory)
        )
        self.gripper = FakeController(stage, GripperCommand, GRIPPER)
        stage.wait_until_active(self.ik)
        stage.wait_until(
            lambda: (
                stage.node.count_subscribers("action_chunk") >= 2
                and stage.node.count_publishers("chunk_progress") >= 1
                and measured_by(self.ik)
                and not control_of(self.ik).sensing.no_controller()
            ),
            "discovery",
        )

    def play(self, **of_chunk: Any) -> ChunkProgress:
        """Send a chunk; return the answer."""
        count = len(self.stage.progress)
        self.stage.chunk_publisher.publish(chunk(**of_chunk))
        self.stage.wait_until(lambda: len(self.stage.progress) > count, "an answer")
        return self.stage.progress[count]

    def wait_for_state(self, state: int) -> ChunkProgress:
        progress = self.stage.progress
        self.stage.wait_until(lambda: any(m.state == state for m in progress), f"state {state}")
        return next(message for message in progress if message.state == state)


@pytest.fixture
def acted(stage: Stage) -> Iterator[ActionStage]:
    made = ActionStage(stage)
    yield made
    made.arm.close()
    made.gripper.close()


# The arm.


def test_chunks_are_played_one_goal_each(acted: ActionStage) -> None:
    stage, arm = acted.stage, acted.arm
    for number in range(2):
        stage.progress.clear()
        assert acted.play(sequence=number).state == ChunkProgress.ACCEPTED
        acted.wait_for_state(ChunkProgress.FINISHED)
        assert len(arm.goals) == number + 1
        arm.end("succeed")
        stage.wait_until(lambda: len(arm.ended) == len(arm.goals), "the end of the goal")
    assert arm.ended == ["succeed", "succeed"]
    assert stage.node.count_publishers("arm_controller/joint_trajectory") == 0
    trajectory = arm.goals[0].trajectory
    assert stamp_to_ns(trajectory.header.stamp) > 0
    assert trajectory.joint_names == [f"panda_joint{number}" for number in range(1, 8)]
    assert not any(trajectory.points[-1].velocities)


def test_a_goal_that_is_rejected_stops_the_chunk(acted: ActionStage) -> None:
    acted.arm.accepts = False
    acted.play()
    stopped = acted.wait_for_state(ChunkProgress.ABORTED)
    assert stopped.cause == ChunkProgress.TRACKING_ERROR
    assert f"'/{ARM}'" in stopped.message
    assert "rejected" in stopped.message
    assert acted.arm.goals == []


def test_a_goal_that_is_aborted_stops_the_chunk_with_the_controllers_words(
    acted: ActionStage,
) -> None:
    acted.play(rows=40)
    acted.wait_for_state(ChunkProgress.PLAYING)
    acted.arm.end("abort", error_code=-4, error_string="panda_joint4 is 0.3 rad off")
    stopped = acted.wait_for_state(ChunkProgress.ABORTED)
    assert stopped.cause == ChunkProgress.TRACKING_ERROR
    assert "PATH_TOLERANCE_VIOLATED panda_joint4 is 0.3 rad off" in stopped.message
    acted.stage.wait_until(lambda: len(acted.arm.goals) == 2, "the brake")
    assert not any(acted.arm.goals[-1].trajectory.points[-1].velocities)


def test_a_goal_that_somebody_else_cancels_stops_the_chunk(acted: ActionStage) -> None:
    acted.play(rows=40)
    acted.wait_for_state(ChunkProgress.PLAYING)
    acted.stage.call(CancelGoal, f"{ARM}/_action/cancel_goal")
    stopped = acted.wait_for_state(ChunkProgress.ABORTED)
    assert stopped.cause == ChunkProgress.TRACKING_ERROR
    assert "cancelled a trajectory" in stopped.message
    assert acted.arm.ended[0] == "canceled"


def test_a_stop_replaces_the_goal_and_the_old_goals_end_is_no_fault(
    acted: ActionStage, capfd: pytest.CaptureFixture[str]
) -> None:
    stage = acted.stage
    acted.play(rows=40)
    acted.wait_for_state(ChunkProgress.PLAYING)
    assert stage.call(Trigger, "stop").message == "the arm has come to rest"
    assert acted.arm.ended == ["abort"]  # replaced
    acted.arm.end("succeed")
    stage.wait_until(lambda: len(acted.arm.ended) == 2, "the end of the stop")
    assert [m.cause for m in stage.progress if m.cause] == [ChunkProgress.STOPPED]
    stage.progress.clear()
    assert acted.play(sequence=1).state == ChunkProgress.ACCEPTED
    acted.wait_for_state(ChunkProgress.FINISHED)
    assert "aborted" not in capfd.readouterr().err


def test_without_a_controller_nothing_moves(acted: ActionStage) -> None:
    stage = acted.stage
    acted.arm.close()
    stage.wait_until(control_of(acted.ik).sensing.no_controller, "the server to go")
    refused = acted.play(gripper=CLOSE)
    assert (refused.state, refused.cause) == (ChunkProgress.REJECTED, ChunkProgress.NO_CONTROLLER)
    assert f"nothing moves without the action server '/{ARM}'" in refused.message
    assert acted.ik.health().message in refused.message
    moved = stage.call(Trigger, "move_to_start")
    assert not moved.success
    assert ARM in moved.message
    assert acted.gripper.goals == []
    acted.arm = FakeController(stage, FollowJointTrajectory, ARM)
    stage.wait_until(lambda: not control_of(acted.ik).sensing.no_controller(), "the server to come")
    assert acted.play(sequence=1).state == ChunkProgress.ACCEPTED


def test_a_node_that_is_cleaned_up_leaves_no_client_and_comes_up_again(acted: ActionStage) -> None:
    stage, ik = acted.stage, acted.ik
    assert ik.trigger_deactivate() is TransitionCallbackReturn.SUCCESS
    assert ik.trigger_cleanup() is TransitionCallbackReturn.SUCCESS
    assert not [waitable for waitable in ik.waitables if isinstance(waitable, ActionClient)]
    assert ik.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert ik.trigger_activate() is TransitionCallbackReturn.SUCCESS
    stage.wait_until(
        lambda: not control_of(ik).sensing.no_controller() and measured_by(ik),
        "discovery",
    )
    assert acted.play().state == ChunkProgress.ACCEPTED
    stage.wait_until(lambda: acted.arm.goals, "the goal")


@pytest.mark.parametrize("name", [ARM, GRIPPER])
def test_the_names_are_remapped(ros_domain: int, name: str) -> None:
    """What rcl does not do for the base name of an action."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    rule = ["--ros-args", "-r", f"{name}:=/panda/served"]
    node = rclpy.create_node("x", context=context, cli_args=rule, namespace="left")
    sender = GoalSender(node, GripperCommand, name, lambda *_: None)
    assert sender.name == "/panda/served"
    assert "'/panda/served'" in sender.waiting_for()
    sender.close()
    node.destroy_node()
    rclpy.shutdown(context=context)


# The gripper.


def test_a_close_is_sent_once_at_its_step(acted: ActionStage) -> None:
    stage, gripper = acted.stage, acted.gripper
    answer = acted.play(gripper=CLOSE)
    stage.wait_until(lambda: gripper.goals, "the close")
    begins_s = stamp_to_ns(answer.step_times[4]) * 1e-9  # when the step before is complete
    assert gripper.asked_at_s[0] >= begins_s - 1e-3
    assert gripper.goals[0].command.position == 0.0
    assert gripper.goals[0].command.max_effort == EFFORT
    acted.wait_for_state(ChunkProgress.FINISHED)
    stage.progress.clear()
    acted.play(sequence=1, gripper=[1.0] * STEPS)
    acted.wait_for_state(ChunkProgress.FINISHED)
    assert len(gripper.goals) == 1
    acted.play(sequence=2, gripper=OPEN)
    stage.wait_until(lambda: len(gripper.goals) == 2, "the open")
    assert gripper.goals[1].command.position == 0.04


def test_a_stop_before_the_step_leaves_the_gripper_alone(acted: ActionStage) -> None:
    stage = acted.stage
    acted.play(gripper=[0.0] * 30 + [1.0] * 10, rows=40)
    acted.wait_for_state(ChunkProgress.PLAYING)
    stage.call(Trigger, "stop")
    end_s = stage.now_s + 2.0
    stage.wait_until(lambda: stage.now_s > end_s, "the time of the close to pass")
    assert acted.gripper.goals == []


def test_fingers_that_stop_on_an_object_are_no_fault(
    acted: ActionStage, capfd: pytest.CaptureFixture[str]
) -> None:
    acted.play(gripper=[1.0] * STEPS)
    acted.stage.wait_until(lambda: acted.gripper.goals, "the close")
    acted.gripper.end("abort", position=0.02, stalled=True)
    acted.wait_for_state(ChunkProgress.FINISHED)
    assert "taken as closed on an object" in capfd.readouterr().err


@pytest.mark.parametrize("rejected", [True, False], ids=["rejected", "aborted"])
def test_a_gripper_that_does_not_open_stops_the_chunk(acted: ActionStage, rejected: bool) -> None:
    acted.play(gripper=[1.0] * STEPS)
    acted.wait_for_state(ChunkProgress.FINISHED)
    acted.stage.progress.clear()
    acted.gripper.accepts = not rejected
    acted.play(sequence=1, gripper=[0.0] * 40, rows=40)
    if not rejected:
        acted.stage.wait_until(lambda: len(acted.gripper.goals) == 2, "the open")
        acted.gripper.end("abort", position=0.01)
    stopped = acted.wait_for_state(ChunkProgress.ABORTED)
    assert f"('/{GRIPPER}') {'rejected' if rejected else 'aborted'} to open" in stopped.message


def test_moves_of_a_trajectory() -> None:
    times, positions = [0.1, 0.2, 0.3, 0.5, 0.7, 0.9], [0.04, 0.03, 0.02, 0.02, 0.04, 0.04]
    trajectory = GripperTrajectory(np.array(times), np.array(positions), 0.04)
    assert moves(trajectory, 10.0) == [Move(True, 10.1, 10.3), Move(False, 10.5, 10.7)]
    assert moves(trajectory, 10.0, closes_up=True) == [
        Move(False, 10.1, 10.3),
        Move(True, 10.5, 10.7),
    ]
    assert moves(GripperTrajectory(np.array([0.1]), np.array([0.02]), 0.02), 0.0) == []


class SimulatedTime:
    """A gripper's output on a node whose time is a test's."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clock = stage.node.create_publisher(Clock, "/clock", 10)
        self.gripper = FakeController(stage, GripperCommand, GRIPPER)
        self.faults: list[str] = []
        node = rclpy.create_node(
            "timed",
            context=stage._context,
            parameter_overrides=[Parameter("use_sim_time", value=True)],
        )
        self.node = node
        stage.node.executor.add_node(node)
        self.output = GripperAction(
            node, GRIPPER, LIMITS, 20.0, self.faults.append, lambda: self.now_s
        )
        stage.wait_until(lambda: not self.output.waiting_for(), "the server")

    def go_to(self, time_s: float) -> None:
        """Let the node's time be this."""
        stamp = ns_to_stamp(round(time_s * 1e9))
        ns = stamp_to_ns(stamp)

        def arrived() -> bool:
            self.clock.publish(Clock(clock=stamp))
            return bool(self.node.get_clock().now().nanoseconds == ns)

        self.stage.wait_until(arrived, "the clock")
        for _ in range(10):  # room for what must not happen
            self.stage.spin()

    def send(self, trajectory: GripperTrajectory) -> None:
        """Send a trajectory that begins now."""
        self.output.send(trajectory, self.node.get_clock().now().nanoseconds * 1e-9)

    @property
    def now_s(self) -> float:
        return float(self.node.get_clock().now().nanoseconds) * 1e-9

    def positions(self) -> list[float]:
        return [goal.command.position for goal in self.gripper.goals]


@pytest.fixture
def timed(stage: Stage) -> Iterator[SimulatedTime]:
    made = SimulatedTime(stage)
    yield made
    made.output.close()
    made.gripper.close()
    made.node.destroy_node()


def fingers(*knots: tuple[float, float], start_m: float = 0.04) -> GripperTrajectory:
    times, positions = zip(*knots, strict=True)
    return GripperTrajectory(np.array(times), np.array(positions), start_m)


def test_where_time_stands_still_commands_wait(timed: SimulatedTime) -> None:
    timed.go_to(100.0)
    timed.send(fingers((0.2, 0.04), (0.6, 0.005), (1.0, 0.005), (1.4, 0.04)))
    timed.go_to(100.0)
    timed.go_to(100.19)
    assert timed.positions() == []
    timed.go_to(100.2)
    timed.stage.wait_until(timed.positions, "the close")
    timed.go_to(100.9)
    assert timed.positions() == [0.005]
    timed.go_to(103.0)  # in a leap, as where /clock is slow
    timed.stage.wait_until(lambda: len(timed.positions()) == 2, "the open")
    assert timed.positions() == [0.005, 0.04]


def test_a_new_trajectory_replaces_what_waits_and_lets_a_move_go_on(timed: SimulatedTime) -> None:
    timed.go_to(100.0)
    timed.send(fingers((0.35, 0.005), (0.8, 0.005), (1.2, 0.04)))
    timed.stage.wait_until(timed.positions, "the close")
    timed.go_to(100.1)
    timed.send(fingers((0.25, 0.005), start_m=0.03))  # the close goes on, no open
    timed.go_to(102.0)
    assert timed.positions() == [0.005]
    # Somebody else opened the gripper since: closing is a command again.
    timed.send(fingers((0.35, 0.005)))
    timed.stage.wait_until(lambda: len(timed.positions()) == 2, "the close")
    assert timed.faults == []


def test_a_gripper_that_went_away_is_a_fault(timed: SimulatedTime) -> None:
    timed.go_to(100.0)
    timed.send(fingers((0.2, 0.04), (0.6, 0.005)))
    timed.gripper.close()
    timed.stage.wait_until(timed.output.waiting_for, "the server to go")
    timed.go_to(101.0)
    assert len(timed.faults) == 1
    assert f"without the action server '/{GRIPPER}'" in timed.faults[0]
