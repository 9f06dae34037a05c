# SPDX-License-Identifier: Apache-2.0
"""A stage for nodes: a scripted arm, scripted cameras, a scripted policy, and someone who asks.

Everything runs in this process and one executor, so whatever blocks a node blocks the test too.
"""

import gc
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import rclpy
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Bool
from trajectory_msgs.msg import JointTrajectory

from vera_ros.embodiments import ActionSpace, find_embodiment
from vera_ros.motion.chunk import Measured
from vera_ros.nodes.common.conversions import (
    LATCHED,
    LATCHED_BY_MANY,
    doubles,
    ns_to_stamp,
    rgb_to_image,
    stamp_to_ns,
    trajectory_points,
)
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.ik.arm_control import ArmControl
from vera_ros.nodes.ik_node import IkNode
from vera_ros.nodes.policy_node import PolicyNode
from vera_ros.policy.states import Cause, Outcome
from vera_ros.resources import share_path
from vera_ros.server.host import PolicyHost
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress, PolicyStatus

PATIENCE_S = 60.0  # a busy machine is slow; nothing here takes long
ARM_JOINTS = [f"panda_joint{number}" for number in range(1, 8)]
FINGERS = ["panda_finger_joint1", "panda_finger_joint2"]
START_Q = np.array([0.0, 0.19634954, 0.0, -2.61799388, 0.0, 2.94159265, 0.78539816])
VIEWS = ("agentview", "robot0_eye_in_hand")
STEPS = 10
LONG = 80  # steps: time enough to disturb them

# Time-outs that no busy machine reaches; a test that wants one to pass shortens it.
PATIENT_IK: dict[str, Any] = {
    "chunk_max_delay_s": 60.0,
    "joint_state_timeout_s": 5.0,
    "tracking_delay_s": 1.0,
}
PATIENT_POLICY: dict[str, Any] = {
    "accept_timeout_s": 60.0,
    "body_max_age_s": 5.0,
    "settle_timeout_s": 60.0,
    "view_max_age_s": 5.0,
    "view_max_skew_s": 2.0,
    "view_timeout_s": 60.0,
}

Actions = npt.NDArray[np.float32]
N = TypeVar("N", bound=VeraNode)


def urdf() -> str:
    return share_path("description", "urdf", "panda.urdf").read_text()


def actions(rows: int = STEPS, down: float = 0.2, gripper: float = -1.0) -> Actions:
    """Steps straight down, in the unit of the wire."""
    chunk = np.zeros((rows, 7), np.float32)
    chunk[:, 2], chunk[:, 6] = -down, gripper
    return chunk


def chunk(**changes: Any) -> ActionChunk:
    """Steps straight down."""
    deltas = np.zeros((STEPS, 6))
    deltas[:, 2] = -0.01
    return ActionChunk(
        **{
            "sent": ns_to_stamp(time.time_ns()),
            "session_id": "session",
            "embodiment": "mimicgen",
            "action_space": ActionSpace.EEF_DELTA.value,
            "control_dt_s": 0.05,
            "horizon": STEPS,
            "columns": 6,
            "actions": deltas.ravel().tolist(),
            **changes,
        }
    )


class ScriptedPolicy:
    """Answers what a test wants, and writes down what it is asked.

    Attributes:
        answer: actions, or an exception to raise.
        refuses: settings that it does not know.
        applies: what it makes of a setting instead of what it is told.
        reloaded: what it says of itself after a reload, as far as that is different; an exception
            to raise.
        may_infer, may_reload: it waits for these.
    """

    def __init__(self, answer: Any = None, **config: Any) -> None:
        self.answer = actions() if answer is None else answer
        self.refuses: tuple[str, ...] = ()
        self.applies: dict[str, Any] = {}
        self.reloaded: Any = {}
        self.may_infer, self.may_reload = threading.Event(), threading.Event()
        self.may_infer.set()
        self.may_reload.set()
        self.calls: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.observed: list[dict[str, Any]] = []
        self.configured: list[dict[str, Any]] = []
        self.reloads: list[dict[str, Any]] = []
        self.resets: list[str] = []
        self._config = config

    def server_config(self) -> dict[str, Any]:
        mimicgen = find_embodiment("mimicgen")
        return {
            "embodiment": "mimicgen",
            "view_keys": list(mimicgen.view_keys),
            "action_space": "eef_delta",
            "action_horizon": STEPS,
            "action_dim": 7,
            "context_frames": 21,
            "control_dt": 0.05,
            "gripper_is_raw": True,
            "actions_already_metric": True,
            "needs_prompt": False,
            "proprio_keys": ["robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"],
            **self._config,
        }

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append("infer")
        self.requests.append(dict(request))
        assert self.may_infer.wait(PATIENCE_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"action": self.answer}

    def reset(self, reason: str) -> None:
        self.resets.append(reason)

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append("configure")
        self.configured.append(dict(settings))
        for name in settings:
            if name in self.refuses:
                raise TypeError(f"unexpected keyword argument '{name}'")
        return {name: self.applies.get(name, value) for name, value in settings.items()}

    def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append("observe")
        self.observed.append(dict(request))
        return {"ok": True, "retro_rendered": False}

    def reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append("reload")
        self.reloads.append(dict(request))
        assert self.may_reload.wait(PATIENCE_S)
        if isinstance(self.reloaded, Exception):
            raise self.reloaded
        self._config |= self.reloaded
        return self.server_config()


class Stage:
    """Nodes under test and the world around them, in one ROS domain.

    Attributes:
        joints: whether the arm says where it is.
        cameras: which views publish.
        picture: what they show.
        joint_message: the joint states as they go out, for a test to spoil.
    """

    def __init__(self, domain: int, port: int) -> None:
        self.port = port
        self.joints = True
        self.cameras: tuple[str, ...] = VIEWS
        self.picture: Callable[[int], Image] = _picture
        self.joint_message: Callable[[JointState], JointState] = lambda message: message
        self.stamp_now_ns: Callable[[], int] = lambda: self.now_ns  # on the senders' clock
        self._waited_ns = 0
        self.feedback: list[Any] = []
        self._hosts: list[PolicyHost] = []
        self._under_test: list[VeraNode] = []
        self._neighbours: list[Node] = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self._executor = SingleThreadedExecutor(context=self._context)
        self.node = rclpy.create_node("stage", context=self._context)
        self._executor.add_node(self.node)
        self.stand_in(ARM_JOINTS, START_Q)
        self._fingers = TrajectoryFollower(FINGERS[:1], [0.04])
        self.arm_trajectories: list[JointTrajectory] = []
        self.gripper_trajectories: list[JointTrajectory] = []
        self.chunks: list[ActionChunk] = []
        self.progress: list[ChunkProgress] = []
        self.status: list[PolicyStatus] = []
        self.arm_status: list[ArmStatus] = []
        make = self.node.create_subscription
        self.add_controller()
        make(JointTrajectory, "gripper_controller/joint_trajectory", self._on_gripper, 10)
        make(ActionChunk, "action_chunk", self.chunks.append, 10)
        make(ChunkProgress, "chunk_progress", self.progress.append, 10)
        make(PolicyStatus, "policy_status", self.status.append, LATCHED)
        make(ArmStatus, "arm_status", self.arm_status.append, LATCHED_BY_MANY)
        self._joint_states = self.node.create_publisher(JointState, "joint_states", 10)
        self._images = {
            view: self.node.create_publisher(Image, f"{view}/image_raw", 5) for view in VIEWS
        }
        self.chunk_publisher = self.node.create_publisher(ActionChunk, "action_chunk", 10)
        self._judge = self.node.create_publisher(Bool, "task_success", 10)
        self._client = ActionClient(self.node, ExecuteTask, "execute_task")
        self.node.create_timer(0.02, self._say_joints)
        self.node.create_timer(0.05, self._show_views)

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for node in self._under_test:
            node.release()
            node.destroy_node()
        for neighbour in self._neighbours:
            neighbour.destroy_node()
        for host in self._hosts:
            host.stop()
        self._client.destroy()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)
        self._under_test.clear()
        self._neighbours.clear()
        del self.node, self._executor
        gc.collect()  # a participant lives as long as its last handle does

    def stand_in(self, joints: Sequence[str], q: npt.NDArray[np.float64]) -> None:
        """Have another arm in place of the Panda, with these joints at rest at `q`."""
        self._arm_joints = list(joints)
        self._arm = TrajectoryFollower(self._arm_joints, q)

    # Nodes and servers.

    def add(self, kind: Callable[..., N], **parameters: Any) -> N:
        """Make a node and let it spin here."""
        node = kind(
            context=self._context,
            parameter_overrides=[
                Parameter(name, value=value) for name, value in parameters.items()
            ],
        )
        self._under_test.append(node)
        self._executor.add_node(node)
        return node

    def add_neighbour(self, name: str) -> Node:
        """Make a node that is not under test; it does not spin."""
        node = rclpy.create_node(name, context=self._context)
        self._neighbours.append(node)
        return node

    def remove(self, node: VeraNode) -> None:
        """End a node, as its process would in the end."""
        self._under_test.remove(node)
        self._executor.remove_node(node)
        node.release()
        node.destroy_node()

    def add_ik(self, **parameters: Any) -> IkNode:
        """An ik_node for the Panda, patient."""
        return self.add(IkNode, **{"robot_description": urdf(), **PATIENT_IK, **parameters})

    def add_controller(self) -> None:
        """The arm's controller, by default there from the beginning."""
        topic = "arm_controller/joint_trajectory"
        self.node.create_subscription(JointTrajectory, topic, self._on_arm, 10)

    def remove_controller(self) -> None:
        """Take the arm's controller away."""
        for subscription in list(self.node.subscriptions):
            if subscription.topic_name == "/arm_controller/joint_trajectory":
                self.node.destroy_subscription(subscription)

    def add_ready_ik(self, **parameters: Any) -> IkNode:
        """The same, active, and in touch with arm and policy side."""
        ik = self.add_ik(**parameters)
        self.wait_until_active(ik)
        self.wait_until(
            lambda: (
                self.chunk_publisher.get_subscription_count() >= 2
                and self.node.count_publishers("chunk_progress") >= 1
                and self.node.count_publishers("arm_status") >= 1
                and ik._sense().fault is None
            ),
            "discovery",
        )
        return ik

    def play_long(self, **changes: Any) -> None:
        """Have a long chunk played."""
        deltas = np.zeros((LONG, 6))
        deltas[:, 0] = 0.003
        changes.setdefault("sent", self.node.get_clock().now().to_msg())
        self.chunk_publisher.publish(
            chunk(horizon=LONG, actions=deltas.ravel().tolist(), **changes)
        )
        self.wait_until(
            lambda: any(m.state == ChunkProgress.PLAYING for m in self.progress), "a step"
        )

    def progress_of(self, sequence: int) -> list[ChunkProgress]:
        """What was said of a chunk."""
        return [message for message in self.progress if message.sequence == sequence]

    def add_policy(self, **parameters: Any) -> PolicyNode:
        """A policy_node that asks the server of this stage, patient."""
        url = f"ws://127.0.0.1:{self.port}"
        return self.add(PolicyNode, **{"server_url": url, **PATIENT_POLICY, **parameters})

    def serve(self, policy: ScriptedPolicy | None = None, delay_s: float = 0.0) -> PolicyHost:
        """Start the server."""
        host = PolicyHost(policy or ScriptedPolicy(), "127.0.0.1", self.port, delay_s=delay_s)
        host.start()
        self._hosts.append(host)
        return host

    # Time.

    def spin(self) -> None:
        self._executor.spin_once(timeout_sec=0.05)

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Let everything run until the condition holds; fail after a long while."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"waited {PATIENCE_S} s for {what}"
            self.spin()

    def wait_for(self, future: Any, what: str) -> Any:
        self.wait_until(future.done, what)
        return future.result()

    def wait_until_active(self, *nodes: VeraNode) -> None:
        self.wait_until(lambda: all(node.active for node in nodes), "the nodes to be active")

    def wait_for_exchange(self) -> None:
        """Wait until joint states and chunks have found their way, so that nothing is lost."""
        self.wait_until(
            lambda: (
                self.chunk_publisher.get_subscription_count() >= 2
                and self.node.count_publishers("chunk_progress") >= 1
                and self.node.count_subscribers("arm_controller/joint_trajectory") >= 1
            ),
            "discovery",
        )

    # What is asked.

    def goal(self, prompt: str = "stack", **goal: Any) -> Any:
        """Send a goal; return its handle. One that is refused is aborted at once."""
        self.wait_until(self._client.server_is_ready, "the action server")
        return self.wait_for(
            self._client.send_goal_async(
                ExecuteTask.Goal(prompt=prompt, **goal),
                feedback_callback=lambda message: self.feedback.append(message.feedback),
            ),
            "the answer to the goal",
        )

    def refused_goal(self, prompt: str = "stack", **goal: Any) -> str:
        """Send a goal that must be refused; return the reason that its client gets."""
        result = self.result(self.goal(prompt, **goal))
        assert (result.outcome, result.cause) == (Outcome.ABORTED, Cause.GOAL_REFUSED)
        assert (result.chunks, result.steps) == (0, 0)
        return str(result.message)

    def begin_goal(self, prompt: str = "stack", **goal: Any) -> Any:
        """Send a goal that must begin; return its handle."""
        self.feedback.clear()
        handle = self.goal(prompt, **goal)
        self.wait_until(lambda: self.feedback, "the goal to begin")
        return handle

    def result(self, handle: Any) -> Any:
        return self.wait_for(handle.get_result_async(), "the result").result

    def wait_for_state(self, state: int) -> None:
        self.wait_until(
            lambda: any(message.state == state for message in self.status), f"state {state}"
        )

    def call(self, kind: Any, name: str, request: Any = None) -> Any:
        """Call a service and return its answer."""
        client = self.node.create_client(kind, name)
        self.wait_until(client.service_is_ready, f"the service {name}")
        answer = self.wait_for(client.call_async(request or kind.Request()), f"{name} to answer")
        self.node.destroy_client(client)
        return answer

    def set_parameters(self, name: str, **values: Any) -> list[SetParametersResult]:
        """Set parameters of a node, as `ros2 param set` does; return the answers."""
        changes = [Parameter(key, value=value).to_parameter_msg() for key, value in values.items()]
        request = SetParameters.Request(parameters=changes)
        results = self.call(SetParameters, f"{name}/set_parameters", request).results
        return list(results)

    def judge(self, success: bool) -> None:
        self._judge.publish(Bool(data=success))

    # The arm.

    @property
    def now_ns(self) -> int:
        return int(self.node.get_clock().now().nanoseconds)

    @property
    def now_s(self) -> float:
        return self.now_ns * 1e-9

    def q(self) -> npt.NDArray[np.float64]:
        """Where the arm is."""
        return self._arm.advance_to(self.now_ns).q

    def rests(self) -> bool:
        """Whether the arm has come to the end of all that it was told."""
        return not self._arm.advance_to(self.now_ns).active

    def end_q(self) -> npt.NDArray[np.float64]:
        """Where the last trajectory ends."""
        return np.array(self.arm_trajectories[-1].points[-1].positions)

    def ends_smoothly(self) -> None:
        """The last trajectory is a stop: it leads on from the one before, and ends at rest."""
        stop = self.arm_trajectories[-1]
        assert not np.any(stop.points[-1].velocities)
        first_step = np.abs(np.array(stop.points[0].positions) - self.q()).max()
        assert first_step < 0.1
        self.wait_until(self.rests, "the arm to rest")
        np.testing.assert_allclose(self.q(), self.end_q())

    def _on_arm(self, message: JointTrajectory, info: Mapping[str, Any] | None = None) -> None:
        self.arm_trajectories.append(message)
        self._note_wait(info)
        self._follow(self._arm, message)

    def _on_gripper(self, message: JointTrajectory, info: Mapping[str, Any] | None = None) -> None:
        self.gripper_trajectories.append(message)
        self._note_wait(info)
        self._follow(self._fingers, message)

    def _note_wait(self, info: Mapping[str, Any] | None) -> None:
        """Note how long a trajectory has waited for this busy thread: no controller does."""
        sent_ns = info["source_timestamp"] if info else time.time_ns()
        self._waited_ns = max(0, time.time_ns() - sent_ns)

    def _follow(self, follower: TrajectoryFollower, message: JointTrajectory) -> None:
        received_ns = self.now_ns - self._waited_ns
        stamp_ns = stamp_to_ns(message.header.stamp)
        points = trajectory_points(message)
        if stamp_ns:
            stamp_ns += self.now_ns - self.stamp_now_ns()
            if stamp_ns + points.times_s[-1] * 1e9 < received_ns:
                return  # refused, as by a controller: a busy machine has sent it after its end
        follower.advance_to(received_ns)
        follower.accept(list(message.joint_names), points, stamp_ns, received_ns)

    def _say_joints(self) -> None:
        if not self.joints:
            return
        arm, finger = (
            controller.advance_to(self.now_ns) for controller in (self._arm, self._fingers)
        )
        message = JointState(
            name=[*self._arm_joints, *FINGERS],
            position=doubles(np.concatenate((arm.q, finger.q, finger.q))),
            velocity=doubles(np.concatenate((arm.dq, np.zeros(2)))),
        )
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._joint_states.publish(self.joint_message(message))

    def _show_views(self) -> None:
        stamp_ns = self.node.get_clock().now().nanoseconds
        for view in self.cameras:
            self._images[view].publish(self.picture(stamp_ns))


def _picture(stamp_ns: int) -> Image:
    return rgb_to_image(np.full((32, 32, 3), 128, np.uint8), stamp_ns, "camera")


def configure_and_activate(node: VeraNode) -> None:
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS, node.fault
    assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS, node.fault


def control_of(ik: IkNode) -> ArmControl:
    """What a configured ik_node consists of."""
    assert ik._control is not None
    return ik._control


def measured_by(ik: IkNode) -> Measured | None:
    """What an ik_node knows of the arm."""
    return None if ik._control is None else ik._control.sensing.reader.measured
