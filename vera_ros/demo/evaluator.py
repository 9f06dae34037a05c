# SPDX-License-Identifier: Apache-2.0
"""evaluator: sets the scene, gives the task, and judges by the simulator's truth."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.action import ActionClient
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.lifecycle import Lifecycle
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.episode_report import EpisodeReport
from vera_ros.demo.judge import Judge, Verdict
from vera_ros.demo.measurements import EpisodeMeasurements
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.recorder import Recorder
from vera_ros.nodes.common.conversions import LATCHED, LOSSLESS_DEPTH, sensor_qos, stamp_to_ns
from vera_ros.nodes.judge.verdicts import Verdicts
from vera_ros.policy.states import Cause, Outcome, State
from vera_ros.vision.images import to_rgb
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus, StackTruth
from vera_ros_interfaces.srv import ResetScene

_HOLD_S = 0.3
_ANSWER_S = 10.0
_TRUTH_SILENCE_S = 10.0
# Only for the case that nothing else ends the episode: the judge's limit comes first.
_SPARE_FACTOR = 5.0
_SPARE_S = 60.0


class Evaluator(Node):
    """Plays one episode at a time.

    Args:
        views: view names and the base of their topics, e.g. `agentview`.
        lifecycle_nodes: names of the nodes that must be active.
        recorder: gets the pictures; None: no film, no pictures.
        lockstep: time stands still while the server thinks, and the policy side awaits verdicts.
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
        self._lockstep = lockstep
        self._verdicts = Verdicts(self._speak)
        self._views = tuple(views)
        self._recorder = recorder
        self._picture_ns: dict[str, int] = {}
        self._truth: StackTruth | None = None
        self._scene_since_ns = 0
        self._truth_arrived_s = time.monotonic()
        self._status: PolicyStatus | None = None
        self._judge: Judge | None = None
        self._measurements = EpisodeMeasurements("", self._views, 1.0)
        self._diagnostics: dict[str, str] = {}
        self._goal_handle: Any = None
        self.on_progress: Callable[[PolicyStatus, float], None] = lambda status, elapsed_s: None

        self._success = self.create_publisher(Bool, "task_success", 10)
        self._reset_client = self.create_client(ResetScene, "reset_scene")
        self._stop_client = self.create_client(Trigger, "stop")
        self._action = ActionClient(self, ExecuteTask, "execute_task")
        self._lifecycle = Lifecycle(self, lifecycle_nodes)
        self.create_subscription(StackTruth, "stack_truth", self._on_truth, LOSSLESS_DEPTH)
        self.create_subscription(PolicyStatus, "policy_status", self._on_status, LATCHED)
        self.create_subscription(ChunkProgress, "chunk_progress", self._on_chunk_progress, 10)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        for view, topic in views.items():
            self._subscribe_view(view, topic)

    def _subscribe_view(self, view: str, topic: str) -> None:
        """Pictures when there is a film to make; otherwise their camera_info is enough to count."""
        kind, name, callback = (
            (CameraInfo, "camera_info", self._on_camera_info)
            if self._recorder is None
            else (Image, "image_raw", self._on_image)
        )
        self.create_subscription(
            kind,
            f"{topic}/{name}",
            partial(callback, view),
            sensor_qos("reliable", LOSSLESS_DEPTH) if self._lockstep else sensor_qos("best_effort"),
        )

    # Readiness.

    def missing(self) -> str:
        """Name what is not there yet; empty: everything is ready."""
        inactive = self._lifecycle.missing()
        if inactive:
            return inactive
        if not self._reset_client.service_is_ready():
            return "sim_node's service reset_scene"
        if not self._stop_client.service_is_ready():
            return "ik_node's service stop"
        if not self._action.server_is_ready():
            return "policy_node's action execute_task"
        if self._truth is None:
            return "sim_node's stack_truth"
        unseen = [view for view in self._views if view not in self._picture_ns]
        return f"sim_node's pictures {', '.join(unseen)}" if unseen else ""

    # An episode.

    def play(self, seed: int, options: DemoOptions, waiter: Waiter) -> EpisodeReport:
        """Play one episode in the present scene and report on it.

        Raises:
            DemoError: the graph does not do what it should.
        """
        stale_session = self._status.session_id if self._status else ""
        self._measurements = EpisodeMeasurements(
            stale_session, self._views, options.realtime_factor
        )
        self._judge = judge = Judge(_HOLD_S, options.time_limit_s)
        if self._lockstep and self._truth is not None:
            self._see_truth(self._truth, judge)  # time stands still: the episode begins right here
        began_s = time.monotonic()
        try:
            result = self._execute(options, waiter)
            duration_s = time.monotonic() - began_s
            waiter.until(self._missing_last_status, _ANSWER_S)
            if self._lockstep:
                waiter.until(lambda: self._missing_pictures(judge.latest_ns), _ANSWER_S)
        finally:
            self._judge = self._goal_handle = None
        return self._report(seed, judge, result, duration_s)

    def reset_scene(self, seed: int, waiter: Waiter) -> None:
        """Set the scene of a seed, when the arm rests, and wait until it can be seen.

        Raises:
            DemoError: it cannot be set.
        """
        # A stop that reached the controller after the reset would move the arm out of its start.
        future = self._stop_client.call_async(Trigger.Request())
        waiter.result(future, "ik_node to bring the arm to rest", _ANSWER_S)
        resets = self._truth.resets if self._truth else 0
        future = self._reset_client.call_async(ResetScene.Request(seed=seed))
        response = waiter.result(future, "sim_node to answer reset_scene", _ANSWER_S)
        if not response.success:
            raise DemoError(f"sim_node cannot set the scene of seed {seed}: {response.message}")
        waiter.until(lambda: self._missing_of_scene(seed, resets), _ANSWER_S)

    def _missing_of_scene(self, seed: int, resets: int) -> str:
        truth = self._truth
        if truth is None or truth.seed != seed or truth.resets <= resets:
            return f"sim_node's stack_truth of the scene of seed {seed}"
        return self._missing_pictures(self._scene_since_ns)

    def _missing_pictures(self, since_ns: int) -> str:
        unseen = [view for view in self._views if self._picture_ns.get(view, 0) < since_ns]
        since_s = since_ns * 1e-9
        return f"sim_node's pictures {', '.join(unseen)} of {since_s:.3f} s" if unseen else ""

    def _execute(self, options: DemoOptions, waiter: Waiter) -> ExecuteTask.Result:
        limit_s = _SPARE_S + _SPARE_FACTOR * options.time_limit_s / options.realtime_factor
        # In lockstep the limit is simulated time, and the server may take all the time it wants:
        # policy_node bounds that.
        patience_s = math.inf if self._lockstep else limit_s + _ANSWER_S
        mode = ExecuteTask.Goal.ASYNC if options.mode == "async" else ExecuteTask.Goal.SYNC
        goal = ExecuteTask.Goal(prompt=options.prompt, time_limit_s=limit_s, mode=mode)
        self._goal_handle = handle = waiter.result(
            self._action.send_goal_async(goal), "policy_node to accept the goal", _ANSWER_S
        )
        if not handle.accepted:
            raise DemoError("policy_node refused the goal")
        future = handle.get_result_async()
        self._truth_arrived_s = time.monotonic()

        def missing() -> str:
            if time.monotonic() - self._truth_arrived_s > _TRUTH_SILENCE_S:
                raise DemoError(
                    f"sim_node has not published stack_truth for {_TRUTH_SILENCE_S:g} s"
                )
            return "" if future.done() else "policy_node to end the episode"

        waiter.until(missing, patience_s)
        result = future.result().result
        if result.outcome == 0:  # not a value of the action: its execution raised
            raise DemoError("policy_node ended the episode without an outcome")
        return result

    def _missing_last_status(self) -> str:
        status = self._measurements.status
        ended = status is not None and not State(status.state).running
        return "" if ended else "policy_node's last policy_status of the episode"

    def _report(
        self, seed: int, judge: Judge, result: ExecuteTask.Result, duration_s: float
    ) -> EpisodeReport:
        outcome, cause, message = Outcome(result.outcome), Cause(result.cause), result.message
        if judge.verdict is Verdict.TIME_IS_UP and outcome is Outcome.CANCELLED:
            outcome, cause = Outcome.TIME_LIMIT, Cause.TIME_LIMIT
            message = f"no tower after {judge.elapsed_s:.0f} s of simulated time"
        measured = self._measurements
        window_fill, window_size = measured.window
        return EpisodeReport(
            seed=seed,
            success=judge.verdict is Verdict.STANDS,
            outcome=outcome.name.lower(),
            cause=cause.name.lower(),
            message=message,
            steps=result.steps,
            chunks=result.chunks,
            duration_s=duration_s,
            sim_duration_s=judge.elapsed_s,
            server_latency_s=measured.server_latency_s,
            server_infer_s=measured.server_infer_s,
            pipeline_latency_s=measured.pipeline_latency_s,
            planning_s=measured.planning_s,
            moving_share=measured.moving_share,
            counters=measured.counters,
            realtime_factor=tuple(measured.realtime_factors),
            camera_rate_hz=measured.camera_rate_hz(judge.latest_ns),
            views=measured.views,
            window_fill=window_fill,
            window_size=window_size,
            diagnostics=self._diagnostics,
        )

    # What comes in.

    def _on_truth(self, truth: StackTruth) -> None:
        stamp_ns = stamp_to_ns(truth.header.stamp)
        if self._truth is None or truth.resets != self._truth.resets:
            self._scene_since_ns = stamp_ns
        self._truth = truth
        self._truth_arrived_s = time.monotonic()
        judge = self._judge
        if judge is None:
            return
        if self._lockstep:
            self._see_truth(truth, judge)
        elif self._goal_handle is not None:
            self._measurements.realtime_factors.append(truth.realtime_factor)
            before = judge.verdict
            self._see_truth(truth, judge)
            if judge.verdict is not before or judge.verdict is Verdict.STANDS:
                self._speak()

    def _see_truth(self, truth: StackTruth, judge: Judge) -> None:
        judge.see(stamp_to_ns(truth.header.stamp), truth.success)
        if self._lockstep:
            self._verdicts.see_truth(truth)

    def _speak(self) -> bool:
        """Tell the policy side the verdict; return whether that was possible already."""
        if self._judge is None or self._goal_handle is None:
            return False
        if self._judge.verdict is Verdict.TIME_IS_UP:
            self._goal_handle.cancel_goal_async()
        else:
            self._success.publish(Bool(data=self._judge.verdict is Verdict.STANDS))
        return True

    def _on_status(self, status: PolicyStatus) -> None:
        self._status = status
        if self._lockstep:
            self._verdicts.see_status(status)
        if self._judge is not None and self._measurements.see_status(status):
            self.on_progress(status, self._judge.elapsed_s)

    def _on_chunk_progress(self, progress: ChunkProgress) -> None:
        if self._judge is not None:
            self._measurements.see_progress(progress)

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name.rsplit("/", 1)[-1] == "policy_node":
                self._diagnostics = {value.key: value.value for value in status.values}

    def _on_camera_info(self, view: str, message: CameraInfo) -> None:
        self._note_picture(view, stamp_to_ns(message.header.stamp))

    def _on_image(self, view: str, message: Image) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        is_new = stamp_ns != self._picture_ns.get(view)
        self._note_picture(view, stamp_ns)
        if self._recorder is not None and self._recorder.rolling and is_new:
            self._recorder.see(view, stamp_ns, to_rgb(message))

    def _note_picture(self, view: str, stamp_ns: int) -> None:
        self._picture_ns[view] = stamp_ns
        if self._judge is not None:
            self._measurements.see_picture(view, stamp_ns)
