# SPDX-License-Identifier: Apache-2.0
"""The node that sends goals to the system while faults are injected."""

import math
from collections.abc import Sequence

from rclpy.node import Node

from vera_ros.bringup.waiter import Waiter
from vera_ros.policy.states import Outcome
from vera_ros.robots.registry import find_robot
from vera_ros_interfaces.action import ExecuteTask
from verification.chaos.system.controls import Controls
from verification.chaos.system.goal_client import GoalClient
from verification.chaos.system.lifecycle import Lifecycle
from verification.chaos.system.recorder import Recorder
from verification.chaos.system.scenes import Scenes

_ENDED_WELL = ("succeeded", "time_limit")


class Operator(Node):
    """Starts episodes, one goal at a time, and calls services.

    Args:
        nodes: names of the lifecycle nodes of the system.
        embodiment: which robot kind.
        asynchronous: the mode of the goals.
        seed: of the first scene.

    Attributes:
        recorder: events that the system reported.
        lifecycle: states of the system's nodes.
        controls: services of the system and the relay.
        goal: the active goal.
        goals: number of accepted goals.
        began_s: when the last goal was accepted, steady time [s]; infinite: its policy_node was
            killed, and chunks of it that still play do not count.
        outcomes: of goals, by number from 1.
        last_result: result of the last goal that has ended, as text.
    """

    def __init__(
        self, nodes: Sequence[str], embodiment: str, *, asynchronous: bool, seed: int
    ) -> None:
        super().__init__("operator")
        self.recorder = Recorder(self)
        self.lifecycle = Lifecycle(self, nodes)
        self.controls = Controls(self)
        self._robot = robot = find_robot(embodiment)
        self.goal = GoalClient(self, asynchronous=asynchronous)
        self._scenes = Scenes(self, seed, robot.task.hold_s, lambda: self.goal.under_way)
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
        """Whether the goal of this number ended with success or at its time limit."""
        return self.outcomes.get(goal) in _ENDED_WELL

    def forget_episode(self) -> None:
        """Forget the active goal, whose policy_node has ended."""
        self.goal.forget()
        self.began_s = math.inf

    def missing(self) -> str:
        """Return the name of what an episode needs and is not available; empty: nothing."""
        inactive = self.lifecycle.missing()
        if inactive:
            return inactive
        if not self.controls.has("stop"):
            return "the service stop"
        if not self.goal.server_is_ready:
            return "the action execute_task"
        return self._scenes.missing()

    def start_episode(self, waiter: Waiter) -> None:
        """Send a goal, after a reset of the scene if the present one is used up.

        Raises:
            DemoError: the goal is refused, or there is no response.
        """
        if self._scenes.used_up:
            self.controls.call("stop", waiter)  # the reset must find the arm at rest
            self._scenes.reset(waiter)
        self._scenes.begin()
        self.goal.send(self._robot.prompt_of(self._scenes.seed), waiter)
        self.goals += 1
        self.began_s = self.goal.accepted_s

    def _end(self, result: ExecuteTask.Result) -> None:
        outcome = Outcome(result.outcome).name.lower() if result.outcome else "none"
        self.outcomes[self.goals] = outcome
        self.last_result = f"the last episode: {outcome}, {result.message}"
        self.recorder.see_result(result.cause, result.message)
        self._scenes.used = outcome in _ENDED_WELL
