# SPDX-License-Identifier: Apache-2.0
"""Who works with the system while faults strike: gives goals, sets scenes, presses buttons."""

import math
import time
from collections.abc import Sequence
from typing import Any

from action_msgs.srv import CancelGoal
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.node import Node
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.judge import Judge, Verdict
from vera_ros.demo.options import DEFAULT_PROMPT
from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros.policy.states import Outcome
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import StackTruth
from vera_ros_interfaces.srv import ResetScene
from verification.chaos.system.lifecycle import Lifecycle
from verification.chaos.system.recorder import Recorder

BUTTONS = ("stop", "hold", "release", "pause", "resume")
_ANSWER_S = 5.0
_TIME_LIMIT_S = 40.0
_STANDS_S = 0.3
_NEVER_S = 1e9
_ENDED_WELL = ("succeeded", "time_limit")
_SEEDS = 2**31


class Operator(Node):
    """Keeps episodes going, one goal at a time.

    Args:
        nodes: names of the lifecycle nodes of the system.
        asynchronous: the mode of the goals.
        seed: of the first scene.

    Attributes:
        recorder: what the system says.
        lifecycle: of its nodes.
        goals: how many were accepted.
        began_s: when the last one was, steady time [s]; infinite: whoever worked on it is gone, and
            what still plays of it shows nothing.
        outcomes: of goals, by number from 1.
        last_result: of the last goal that has ended, in words.
    """

    def __init__(self, nodes: Sequence[str], *, asynchronous: bool, seed: int) -> None:
        super().__init__("operator")
        self.recorder = Recorder(self)
        self.lifecycle = Lifecycle(self, nodes)
        self._mode = ExecuteTask.Goal.ASYNC if asynchronous else ExecuteTask.Goal.SYNC
        self._seed = seed
        self._scene_is_used = False
        self._truth: StackTruth | None = None
        self._judge = Judge(_STANDS_S, _NEVER_S)
        self._handle: Any = None
        self._result: Any = None
        self.goals = 0
        self.began_s = math.inf
        self.outcomes: dict[int, str] = {}
        self.last_result = ""
        self._success = self.create_publisher(Bool, "task_success", 10)
        self._buttons = {name: self.create_client(Trigger, name) for name in BUTTONS}
        self._reset = self.create_client(ResetScene, "reset_scene")
        self._cancel_all = self.create_client(CancelGoal, "execute_task/_action/cancel_goal")
        self._relay = self.create_client(SetParameters, "relay/set_parameters")
        self._action = ActionClient(self, ExecuteTask, "execute_task")
        self.create_subscription(StackTruth, "stack_truth", self._on_truth, 10)

    # Goals.

    @property
    def episode_runs(self) -> bool:
        """Whether a goal was accepted and has no result yet."""
        if self._result is not None and self._result.done():
            self._end(self._result.result().result)
        return self._result is not None

    def ended_well(self, goal: int) -> bool:
        """Whether the goal of this number has come to its own end."""
        return self.outcomes.get(goal) in _ENDED_WELL

    def forget_episode(self) -> None:
        """Whoever worked on the goal is gone."""
        self._handle = self._result = None
        self.began_s = math.inf

    def missing(self) -> str:
        """Name what is not there for an episode; empty: everything is."""
        inactive = self.lifecycle.missing()
        if inactive:
            return inactive
        for what, client in (("reset_scene", self._reset), ("stop", self._buttons["stop"])):
            if not client.service_is_ready():
                return f"the service {what}"
        if not self._action.server_is_ready():
            return "the action execute_task"
        return "" if self._truth else "stack_truth"

    def start_episode(self, waiter: Waiter) -> None:
        """Give a goal, in a new scene where the old one is used up.

        Raises:
            DemoError: it is not accepted.
        """
        if self._scene_is_used or (self._truth is not None and self._truth.success):
            self.reset_scene(waiter)
        goal = ExecuteTask.Goal(prompt=DEFAULT_PROMPT, time_limit_s=_TIME_LIMIT_S, mode=self._mode)
        self._judge = Judge(_STANDS_S, _NEVER_S)
        handle = waiter.result(
            self._action.send_goal_async(goal), "policy_node to answer a goal", _ANSWER_S
        )
        if not handle.accepted:
            # Perhaps one that was given up here still runs there.
            self._cancel_all.call_async(CancelGoal.Request())
            raise DemoError("policy_node refused the goal")
        self._handle, self._result = handle, handle.get_result_async()
        self.goals += 1
        self.began_s = time.monotonic()

    def cancel(self, waiter: Waiter) -> None:
        """Cancel the goal, if there is one."""
        if self._handle is not None:
            waiter.result(
                self._handle.cancel_goal_async(), "policy_node to answer the cancel", _ANSWER_S
            )

    def _end(self, result: ExecuteTask.Result) -> None:
        outcome = Outcome(result.outcome).name.lower() if result.outcome else "none"
        self.outcomes[self.goals] = outcome
        self.last_result = f"the last episode: {outcome}, {result.message}"
        self.recorder.see_result(result.cause, result.message)
        self._scene_is_used = outcome in _ENDED_WELL
        self._handle = self._result = None

    # Scenes.

    def reset_scene(self, waiter: Waiter) -> None:
        """Set the next scene, the arm at rest.

        Raises:
            DemoError: it cannot be set.
        """
        self.press("stop", waiter)
        self._seed = (self._seed + 1) % _SEEDS
        request = ResetScene.Request(seed=self._seed)
        answer = waiter.result(self._reset.call_async(request), "reset_scene", _ANSWER_S)
        if not answer.success:
            raise DemoError(f"reset_scene: {answer.message}")
        self._scene_is_used = False

    def _on_truth(self, truth: StackTruth) -> None:
        self._truth = truth
        verdict = self._judge.see(stamp_to_ns(truth.header.stamp), truth.success)
        if self._result is not None and verdict is Verdict.STANDS:
            self._success.publish(Bool(data=True))

    # Buttons.

    def has(self, button: str) -> bool:
        """Whether somebody serves a button."""
        return bool(self._buttons[button].service_is_ready())

    def press(self, button: str, waiter: Waiter) -> bool:
        """Press a button and wait for the answer; return whether it did what it should.

        Raises:
            DemoError: there is no answer.
        """
        future = self._buttons[button].call_async(Trigger.Request())
        return bool(waiter.result(future, f"the answer to {button}", _ANSWER_S).success)

    def tell_relay(self, fault: str, waiter: Waiter) -> None:
        """Set the relay's fault, in JSON; empty: none.

        Raises:
            DemoError: it does not take it.
        """
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=fault)
        request = SetParameters.Request(parameters=[Parameter(name="fault", value=value)])
        answer = waiter.result(self._relay.call_async(request), "the relay", _ANSWER_S)
        if not answer.results[0].successful:
            raise DemoError(f"the relay refuses {fault}: {answer.results[0].reason}")

    @property
    def relay_is_there(self) -> bool:
        """Whether the relay can be told something."""
        return bool(self._relay.service_is_ready())
