# SPDX-License-Identifier: Apache-2.0
"""Gives goals to the system while faults strike."""

import math
import time
from collections.abc import Sequence
from typing import Any

from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.node import Node

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.options import DEFAULT_PROMPT
from vera_ros.policy.states import Outcome
from vera_ros_interfaces.action import ExecuteTask
from verification.chaos.system.controls import Controls
from verification.chaos.system.lifecycle import Lifecycle
from verification.chaos.system.recorder import Recorder
from verification.chaos.system.scenes import Scenes

_ANSWER_S = 5.0
_TIME_LIMIT_S = 40.0
_ENDED_WELL = ("succeeded", "time_limit")


class Operator(Node):
    """Keeps episodes going, one goal at a time.

    Args:
        nodes: names of the lifecycle nodes of the system.
        asynchronous: the mode of the goals.
        seed: of the first scene.

    Attributes:
        recorder: what the system says.
        lifecycle: of its nodes.
        controls: services to call.
        goals: how many were accepted.
        began_s: when the last one was, steady time [s]; infinite: what worked on it is gone, and
            what still plays of it shows nothing.
        outcomes: of goals, by number from 1.
        last_result: of the last goal that has ended, in words.
    """

    def __init__(self, nodes: Sequence[str], *, asynchronous: bool, seed: int) -> None:
        super().__init__("operator")
        self.recorder = Recorder(self)
        self.lifecycle = Lifecycle(self, nodes)
        self.controls = Controls(self)
        self._scenes = Scenes(self, seed, lambda: self._result is not None)
        self._mode = ExecuteTask.Goal.ASYNC if asynchronous else ExecuteTask.Goal.SYNC
        self._handle: Any = None
        self._result: Any = None
        self.goals = 0
        self.began_s = math.inf
        self.outcomes: dict[int, str] = {}
        self.last_result = ""
        self._cancel_all = self.create_client(CancelGoal, "execute_task/_action/cancel_goal")
        self._action = ActionClient(self, ExecuteTask, "execute_task")

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
        """What worked on the goal is gone."""
        self._handle = self._result = None
        self.began_s = math.inf

    def missing(self) -> str:
        """Name what is not there for an episode; empty: everything is."""
        inactive = self.lifecycle.missing()
        if inactive:
            return inactive
        if not self.controls.has("stop"):
            return "the service stop"
        if not self._action.server_is_ready():
            return "the action execute_task"
        return self._scenes.missing()

    def start_episode(self, waiter: Waiter) -> None:
        """Give a goal, in a new scene where the old one is used up.

        Raises:
            DemoError: it is not accepted.
        """
        if self._scenes.used_up:
            self.controls.press("stop", waiter)  # the arm must rest where it will be found
            self._scenes.reset(waiter)
        self._scenes.begin()
        goal = ExecuteTask.Goal(prompt=DEFAULT_PROMPT, time_limit_s=_TIME_LIMIT_S, mode=self._mode)
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
        self._scenes.used = outcome in _ENDED_WELL
        self._handle = self._result = None
