# SPDX-License-Identifier: Apache-2.0
"""Gives goals to the system while faults strike."""

import math
import time
from collections.abc import Sequence

from rclpy.node import Node

from vera_ros.bringup.waiter import Waiter
from vera_ros.policy.states import Outcome
from vera_ros_interfaces.action import ExecuteTask
from verification.chaos.system.controls import Controls
from verification.chaos.system.goal_client import GoalClient
from verification.chaos.system.lifecycle import Lifecycle
from verification.chaos.system.recorder import Recorder
from verification.chaos.system.scenes import Scenes

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
        goal: the one under way.
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
        self.goal = GoalClient(self, asynchronous=asynchronous)
        self._scenes = Scenes(self, seed, lambda: self.goal.under_way)
        self.goals = 0
        self.began_s = math.inf
        self.outcomes: dict[int, str] = {}
        self.last_result = ""

    # Goals.

    @property
    def episode_runs(self) -> bool:
        """Whether a goal was accepted and has no result yet."""
        result = self.goal.take_result()
        if result is not None:
            self._end(result)
        return self.goal.under_way

    def ended_well(self, goal: int) -> bool:
        """Whether the goal of this number has come to its own end."""
        return self.outcomes.get(goal) in _ENDED_WELL

    def forget_episode(self) -> None:
        """What worked on the goal is gone."""
        self.goal.forget()
        self.began_s = math.inf

    def missing(self) -> str:
        """Name what is not there for an episode; empty: everything is."""
        inactive = self.lifecycle.missing()
        if inactive:
            return inactive
        if not self.controls.has("stop"):
            return "the service stop"
        if not self.goal.server_is_ready:
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
        self.goal.send(waiter)
        self.goals += 1
        self.began_s = time.monotonic()

    def _end(self, result: ExecuteTask.Result) -> None:
        outcome = Outcome(result.outcome).name.lower() if result.outcome else "none"
        self.outcomes[self.goals] = outcome
        self.last_result = f"the last episode: {outcome}, {result.message}"
        self.recorder.see_result(result.cause, result.message)
        self._scenes.used = outcome in _ENDED_WELL
