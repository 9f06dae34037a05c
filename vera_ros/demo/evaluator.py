# SPDX-License-Identifier: Apache-2.0
"""The evaluator node: sets the scene, sends the goal, and judges by the simulator's truth."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from std_msgs.msg import Bool

from vera_ros.bringup.failures import DemoError, InterruptedRunError
from vera_ros.bringup.lifecycle import Lifecycle
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.episode_report import EpisodeReport
from vera_ros.demo.film.recorder import Recorder
from vera_ros.demo.judge import Judge, Verdict
from vera_ros.demo.measurements import EpisodeMeasurements
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.scene_reset import SceneReset
from vera_ros.demo.spectator import Spectator
from vera_ros.nodes.common.conversions import LATCHED, stamp_to_ns
from vera_ros.nodes.judge.verdicts import Verdicts
from vera_ros.policy.states import Cause, Outcome, State
from vera_ros.robots.registry import find_robot
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus, TaskTruth

_ANSWER_S = 10.0
_TRUTH_SILENCE_S = 10.0
# The goal's own time limit, in case that nothing else ends the episode: the judge's comes first.
_SPARE_FACTOR = 5.0
_SPARE_S = 60.0


class Evaluator(Node):
    """Plays one episode at a time.

    Args:
        views: view names and the base of their topics, e.g. `agentview`.
        lifecycle_nodes: names of the nodes that must be active.
        recorder: records the pictures; None: no film, and no pictures are received.
        lockstep: time stands still during inference, and the policy side awaits verdicts.

    Attributes:
        scene: sets the scene before an episode.
        on_progress: called with each status of the present episode, and its simulated time [s].
    """

    def __init__(
        self,
        views: Mapping[str, str],
        lifecycle_nodes: Sequence[str],
        recorder: Recorder | None = None,
        *,
        lockstep: bool = False,
    ) -> None:
        super().__init__("evaluator")
        self._verdicts = Verdicts(self._speak) if lockstep else None  # None: not in lockstep
        self._status: PolicyStatus | None = None
        self._judge: Judge | None = None
        self._measurements = EpisodeMeasurements("", tuple(views), 1.0)
        self._goal_handle: Any = None
        self._spectator = Spectator(
            self,
            views,
            recorder,
            lossless=lockstep,
            on_truth=self._on_truth,
            on_picture=self._on_picture,
        )
        self.scene = SceneReset(self, self._spectator, lockstep=lockstep)
        self.on_progress: Callable[[PolicyStatus, float], None] = lambda status, elapsed_s: None

        self._success = self.create_publisher(Bool, "task_success", 10)
        self._action = ActionClient(self, ExecuteTask, "execute_task")
        self._lifecycle = Lifecycle(self, lifecycle_nodes)
        self.create_subscription(PolicyStatus, "policy_status", self._on_status, LATCHED)
        self.create_subscription(ChunkProgress, "chunk_progress", self._on_chunk_progress, 10)

    # Readiness.

    def missing(self) -> str:
        """Return what is not ready yet; empty: everything is."""
        inactive = self._lifecycle.missing()
        if inactive:
            return inactive
        unset = self.scene.missing()
        if unset:
            return unset
        if not self._action.server_is_ready():
            return "policy_node's action execute_task"
        return self._spectator.missing()

    # An episode.

    def play(self, seed: int, options: DemoOptions, waiter: Waiter) -> EpisodeReport:
        """Play one episode in the present scene and report on it, also if it is interrupted.

        Raises:
            DemoError: a node does not respond, or ends the episode without an outcome.
        """
        stale_session = self._status.session_id if self._status else ""
        self._measurements = EpisodeMeasurements(
            stale_session, self._spectator.views, options.realtime_factor
        )
        task = find_robot(options.embodiment).task
        self._judge = judge = Judge(task.hold_s, options.time_limit_s)
        truth = self._spectator.truth
        if self._verdicts is not None and truth is not None:
            self._see_truth(truth, judge)  # time stands still: the episode begins at this truth
        began_s = time.monotonic()
        try:
            result = self._execute(options.prompt_of(seed), options, waiter)
            duration_s = time.monotonic() - began_s
            waiter.until(self._missing_last_status, _ANSWER_S)
            if self._verdicts is not None:
                unseen = partial(self._spectator.missing_pictures, judge.latest_ns)
                waiter.until(unseen, _ANSWER_S)
        except InterruptedRunError as error:
            result, duration_s = self._result_so_far(str(error)), time.monotonic() - began_s
        finally:
            self._judge = self._goal_handle = None
        diagnostics = self._spectator.diagnostics
        return self._measurements.report(seed, judge, result, duration_s, diagnostics, task.undone)

    def _result_so_far(self, why: str) -> ExecuteTask.Result:
        """Return the result of an episode that is interrupted, from its last status."""
        outcome, cause = int(Outcome.CANCELLED), int(Cause.CANCEL_REQUESTED)
        result = ExecuteTask.Result(outcome=outcome, cause=cause, message=f"interrupted: {why}")
        status = self._measurements.status
        if status is not None:
            result.chunks, result.steps = status.chunk, status.steps
        return result

    def _execute(self, prompt: str, options: DemoOptions, waiter: Waiter) -> ExecuteTask.Result:
        limit_s = _SPARE_S + _SPARE_FACTOR * options.time_limit_s / options.realtime_factor
        # In lockstep the limit is simulated time: real time depends on the server, and policy_node
        # bounds that.
        patience_s = math.inf if self._verdicts is not None else limit_s + _ANSWER_S
        mode = ExecuteTask.Goal.ASYNC if options.mode == "async" else ExecuteTask.Goal.SYNC
        goal = ExecuteTask.Goal(prompt=prompt, time_limit_s=limit_s, mode=mode)
        self._goal_handle = handle = waiter.result(
            self._action.send_goal_async(goal), "policy_node to accept the goal", _ANSWER_S
        )
        future = handle.get_result_async()
        spectator = self._spectator
        spectator.truth_arrived_s = time.monotonic()

        def missing() -> str:
            if time.monotonic() - spectator.truth_arrived_s > _TRUTH_SILENCE_S:
                raise DemoError(f"sim_node has not published task_truth for {_TRUTH_SILENCE_S:g} s")
            return "" if future.done() else "policy_node to end the episode"

        waiter.until(missing, patience_s)
        result = future.result().result
        if result.outcome == 0:  # the action has no such outcome: its execution raised an error
            raise DemoError("policy_node ended the episode without an outcome")
        if result.cause == Cause.GOAL_REFUSED:
            raise DemoError(f"policy_node refused the goal: {result.message}")
        return result

    def _missing_last_status(self) -> str:
        status = self._measurements.status
        ended = status is not None and not State(status.state).running
        return "" if ended else "policy_node's last policy_status of the episode"

    # Callbacks.

    def _on_truth(self, truth: TaskTruth) -> None:
        judge = self._judge
        if judge is None:
            return
        if self._verdicts is not None:
            self._see_truth(truth, judge)
        elif self._goal_handle is not None:
            self._measurements.realtime_factors.append(truth.realtime_factor)
            before = judge.verdict
            self._see_truth(truth, judge)
            if judge.verdict is not before or judge.verdict is Verdict.DONE:
                self._speak()

    def _see_truth(self, truth: TaskTruth, judge: Judge) -> None:
        judge.see(stamp_to_ns(truth.header.stamp), truth.success)
        if self._verdicts is not None:
            self._verdicts.see_truth(truth)

    def _speak(self) -> bool:
        """Send the verdict to the policy side; return whether there is an episode that needs it."""
        if self._judge is None or self._goal_handle is None:
            return False
        if self._judge.verdict is Verdict.TIME_IS_UP:
            self._goal_handle.cancel_goal_async()
        else:
            self._success.publish(Bool(data=self._judge.verdict is Verdict.DONE))
        return True

    def _on_status(self, status: PolicyStatus) -> None:
        self._status = status
        if self._verdicts is not None:
            self._verdicts.see_status(status)
        if self._judge is not None and self._measurements.see_status(status):
            self.on_progress(status, self._judge.elapsed_s)

    def _on_chunk_progress(self, progress: ChunkProgress) -> None:
        if self._judge is not None:
            self._measurements.see_progress(progress)

    def _on_picture(self, view: str, stamp_ns: int) -> None:
        if self._judge is not None:
            self._measurements.see_picture(view, stamp_ns)
