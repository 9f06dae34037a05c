# SPDX-License-Identifier: Apache-2.0
"""What tests of the running graph share: its processes, and one who asks it to do something."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
import yaml
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from trajectory_msgs.msg import JointTrajectory

from vera_ros.embodiments import find_embodiment
from vera_ros.policy.states import Cause
from vera_ros.resources import share_path
from vera_ros.robots.registry import find_robot
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress, PolicyStatus

PROMPT = "stack the red block on the green block"
PATIENCE_S = 120.0  # a busy machine is slow; nothing here takes long
ASK_AGAIN_S = 5.0
HEARD_DEPTH = 1000  # messages that wait while this process does not get to them


def write_patient_config(folder: Path, embodiment: str = "mimicgen") -> Path:
    """Return the packaged configuration with time-outs for a machine that is busy with tests."""
    config = yaml.safe_load(share_path("config", find_robot(embodiment).config).read_text())
    config["/**/ik_node"]["ros__parameters"] |= {
        "chunk_max_delay_s": 30.0,
        "joint_state_timeout_s": 5.0,
        "tracking_delay_s": 1.0,
    }
    config["/**/policy_node"]["ros__parameters"] |= {
        "accept_timeout_s": 30.0,
        "body_max_age_s": 5.0,
        "settle_timeout_s": 30.0,
        "view_max_age_s": 2.0,
        "view_timeout_s": 30.0,
    }
    path = folder / "patient.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


class Processes:
    """Processes of a test, one log each; none outlives the `with` block."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = dict(os.environ if environment is None else environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def start(self, name: str, command: Sequence[str]) -> None:
        with self.log_of(name).open("ab") as log:  # after what an earlier process said
            self._running[name] = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process, which is then no longer missed."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def send(self, name: str, number: int) -> None:
        """Send a process a signal."""
        self._running[name].send_signal(number)

    def check(self) -> None:
        """Fail if a process has ended."""
        for name, process in self._running.items():
            assert process.poll() is None, (
                f"{name} ended with exit code {process.returncode}:\n{self.log(name)}"
            )

    def end(self, number: int = signal.SIGINT) -> dict[str, int]:
        """Ask all to end; return their exit codes."""
        for process in self._running.values():
            process.send_signal(number)
        return {name: self.wait(name) for name in self._running}

    def wait(self, name: str) -> int:
        """Wait for one to end; return its exit code."""
        return self._running[name].wait(PATIENCE_S)

    def log_of(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def log(self, name: str) -> str:
        return self.log_of(name).read_text(errors="replace")


class Operator:
    """A ROS node in this process that gives goals to a graph and sees what it does."""

    def __init__(self, namespace: str = "", check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node("operator", namespace=namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.heard: dict[str, list[Any]] = {}
        self._client = ActionClient(self.node, ExecuteTask, "execute_task")
        self._goal: Any = None
        self.feedback: list[Any] = []

    def __enter__(self) -> "Operator":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.destroy()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def listen(self, topic: str, kind: Any) -> None:
        """Keep what is published on a topic from now on in `heard[topic]`."""
        self.heard[topic] = []
        self.node.create_subscription(kind, topic, self.heard[topic].append, HEARD_DEPTH)

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Take part in ROS until the condition holds; fail after a long while."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            self._check()
            assert time.monotonic() < deadline_s, f"waited {PATIENCE_S} s for {what}"
            self._executor.spin_once(timeout_sec=0.05)

    def wait_for_answer(self, future: Any, what: str) -> Any:
        self.wait_until(future.done, what)
        return future.result()

    def wait_until_active(self, nodes: Sequence[str]) -> None:
        """Wait until these lifecycle nodes are active."""
        for name in nodes:
            client = self.node.create_client(GetState, f"{name}/get_state")
            self.wait_until(client.service_is_ready, f"{name} to appear")
            state, deadline_s = 0, time.monotonic() + PATIENCE_S
            while state != State.PRIMARY_STATE_ACTIVE:
                assert time.monotonic() < deadline_s, f"{name} is in state {state}, not active"
                state = self._ask_for_state(client, name, state)
            self.node.destroy_client(client)

    def _ask_for_state(self, client: Any, name: str, unknown: int) -> int:
        """Ask once; `unknown` when the answer is lost, as one is that leaves too early."""
        future = client.call_async(GetState.Request())
        again_s = time.monotonic() + ASK_AGAIN_S
        self.wait_until(
            lambda: future.done() or time.monotonic() > again_s, f"{name} to say its state"
        )
        if future.done():
            return int(future.result().current_state.id)
        client.remove_pending_request(future)
        return unknown

    def give_goal(
        self,
        prompt: str = PROMPT,
        time_limit_s: float = 0.0,
        mode: int = ExecuteTask.Goal.SYNC,
    ) -> bool:
        """Send a goal; return whether it has begun, and was not refused."""
        self.wait_until(self._client.server_is_ready, "the action execute_task")
        self.feedback.clear()
        self._goal = self.wait_for_answer(
            self._client.send_goal_async(
                ExecuteTask.Goal(prompt=prompt, time_limit_s=time_limit_s, mode=mode),
                feedback_callback=lambda message: self.feedback.append(message.feedback),
            ),
            "the answer to the goal",
        )
        result = self.result()
        self.wait_until(lambda: self.feedback or result.done(), "the goal to begin")
        return not (result.done() and result.result().result.cause == Cause.GOAL_REFUSED)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """Call a service; return its answer."""
        client = self.node.create_client(kind, name)
        self.wait_until(client.service_is_ready, f"the service {name}")
        answer = self.wait_for_answer(client.call_async(request), f"{name} to answer")
        self.node.destroy_client(client)
        return answer

    def cancel(self) -> None:
        self.wait_for_answer(self._goal.cancel_goal_async(), "the answer to the cancellation")

    def result(self) -> Any:
        """The future of the answer to the goal."""
        return self._goal.get_result_async()

    def wait_for_result(self) -> Any:
        return self.wait_for_answer(self.result(), "the result").result


def play_a_chunk(operator: Operator, nodes: Sequence[str], embodiment: str = "mimicgen") -> None:
    """The scenario: the graph comes up, takes a goal, plays a chunk, and the goal is cancelled."""
    for topic, kind in (
        ("action_chunk", ActionChunk),
        ("arm_controller/joint_trajectory", JointTrajectory),
        ("chunk_progress", ChunkProgress),
        ("tcp_pose", PoseStamped),
    ):
        operator.listen(topic, kind)
    operator.wait_until_active(nodes)
    assert operator.give_goal(), "the goal was refused"

    heard = operator.heard
    operator.wait_until(
        lambda: any(m.steps_played > 0 for m in heard["chunk_progress"]), "a step to be played"
    )
    chunk, trajectory = heard["action_chunk"][0], heard["arm_controller/joint_trajectory"][0]
    assert (chunk.embodiment, chunk.sequence) == (embodiment, 0)
    duration = trajectory.points[-1].time_from_start
    assert duration.sec + duration.nanosec * 1e-9 >= chunk.horizon * chunk.control_dt_s
    first = heard["chunk_progress"][0]
    assert first.state == ChunkProgress.ACCEPTED, first
    assert find_embodiment(embodiment).control_dt_s == chunk.control_dt_s
    operator.wait_until(lambda: operator.feedback, "feedback")

    operator.cancel()
    result = operator.wait_for_result()
    assert result.outcome == ExecuteTask.Result.CANCELLED, result.message
    assert result.cause == PolicyStatus.CANCEL_REQUESTED
    assert result.chunks >= 1
