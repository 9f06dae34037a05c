# SPDX-License-Identifier: Apache-2.0
"""policy_node: camera views in, action chunks out; runs one episode at a time."""

import time
from functools import partial
from typing import Any, NoReturn

import numpy as np
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError, VeraRosError
from vera_ros.nodes.arm_link import ArmLink
from vera_ros.nodes.arm_watch import ArmWatch
from vera_ros.nodes.body_reader import BodyReader
from vera_ros.nodes.conversions import (
    LATCHED,
    LOSSLESS_DEPTH,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.node import STEADY, Health, VeraNode, run_node
from vera_ros.nodes.parameter_services import PatientParameterServices, Verdicts
from vera_ros.nodes.policy_health import policy_health
from vera_ros.nodes.policy_parameters import PARAMETERS, overlap_rules
from vera_ros.nodes.server_side import ServerSide
from vera_ros.nodes.status_messages import status_marker, status_message
from vera_ros.nodes.wakefulness import Wakefulness
from vera_ros.nodes.world_link import WorldLink
from vera_ros.policy.async_episode import AsyncEpisode
from vera_ros.policy.episode import Episode
from vera_ros.policy.goal import Bounds, Goal
from vera_ros.policy.lockstep_episode import LockstepEpisode
from vera_ros.policy.ports import ChunkState, Instant, Progress
from vera_ros.policy.states import Cause, Outcome, State
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.images import to_rgb
from vera_ros.vision.window import RollingWindow, SamplingRules
from vera_ros.wire.server_config import ServerConfig
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

_CHUNK_STATES = [state.value for state in ChunkState]

_NEVER_LATE_NS = 2**62  # lockstep: a picture may take any real time to arrive
_RESULT_PATIENCE_S = 1.0  # for the arm to rest, before a goal is answered all the same


class PolicyNode(VeraNode):
    """Runs episodes for the execute_task action."""

    def __init__(self, **options: Any) -> None:
        super().__init__("policy_node", PARAMETERS, **options)
        self._episode: Episode | None = None
        self._episodes: dict[int, Episode] = {}
        self._server: ServerSide | None = None
        self._world: WorldLink | None = None
        self._actions: ActionServer | None = None
        self._finished: Future | None = None
        self._shown: tuple[State, str] | None = None
        self._goal_handle: Any = None
        self._wakefulness = Wakefulness()
        PatientParameterServices(self, self._verdicts)

    def setup(self) -> None:
        """Subscribe to everything and be ready for goals."""
        p = self.parameters
        self._embodiment = find_embodiment(p["embodiment"])
        self._buffer = FrameBuffer(self._embodiment.view_keys, p["frame_buffer_size"])
        self._body = BodyReader(self, p["body_max_age_s"], p["arm_joints"], p["finger_joints"])
        self._server = ServerSide(
            self, self._embodiment, lambda: self._episode, self._now, self._after_event
        )
        bounds = Bounds(
            connect_s=p["connect_timeout_s"] + 1.0,  # the client's own time-outs come first
            infer_s=p["infer_timeout_s"] + 1.0,
            views_s=p["view_timeout_s"],
            view_stall_s=p["view_stall_s"],
            accept_s=p["accept_timeout_s"],
            settle_s=p["settle_timeout_s"],
            advance_s=p["advance_timeout_s"],
            warmup_frames=p["warmup_frames"],
            restart=p["on_connection_lost"] == "restart",
        )
        self._arm = ArmLink(
            self, self._embodiment, lambda: self._now().ros_ns, p["settle_timeout_s"]
        )
        link = self._server.link
        parts = (self._embodiment, bounds, link, self._arm, self._body, self._make_window)
        self._arm_watch = ArmWatch(self, p["arm_timeout_s"])
        self._episodes = (
            {ExecuteTask.Goal.SYNC: self._make_lockstep_episode(parts)}
            if p["lockstep"]
            else {
                ExecuteTask.Goal.SYNC: Episode(*parts),
                ExecuteTask.Goal.ASYNC: AsyncEpisode(*parts, rules=overlap_rules(p)),
            }
        )
        self._episode = self._episodes[ExecuteTask.Goal.SYNC]
        self._status = self.create_publisher(PolicyStatus, "policy_status", LATCHED)
        self._marker = self.create_publisher(Marker, "status_marker", LATCHED)
        self._subscribe_views()
        self.create_subscription(Bool, "task_success", self._on_task_success, 10)
        self.create_subscription(ChunkProgress, "chunk_progress", self._on_progress, 10)
        self.create_service(Trigger, "pause", self._on_pause)
        self.create_service(Trigger, "resume", self._on_resume)
        self._actions = ActionServer(
            self,
            ExecuteTask,
            "execute_task",
            execute_callback=self._execute,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )
        self._tick_timer = self.create_timer(1.0 / p["tick_rate_hz"], self._tick, clock=STEADY)
        self._tick_timer.cancel()
        self._status_timer = self.create_timer(
            1.0 / p["status_rate_hz"], self._publish_status, clock=STEADY
        )
        self._status_timer.cancel()
        self._publish_status()

    def _make_lockstep_episode(self, parts: tuple[Any, ...]) -> Episode:
        def on_advanced() -> None:
            episode.on_advanced(self._now())
            self._after_event()

        def on_failed(message: str) -> None:
            episode.on_advance_failed(message, self._now())
            self._after_event()

        self._world = WorldLink(self, on_advanced, on_failed)
        judged = self.parameters["await_verdict"]
        episode = LockstepEpisode(*parts, world=self._world, judged=judged)
        return episode

    def stop(self) -> None:
        """End the episode, the arm at rest or coming to rest."""
        if self._episode is not None:
            self._episode.abort(Cause.DEACTIVATED, "policy_node is being deactivated", self._now())
            self._after_event(wait_for_rest=False)  # the process may be about to end
        if self._server is not None:
            self._server.give_up()

    def teardown(self) -> None:
        """Disconnect, and take no more goals."""
        self._episode = self._world = None
        self._episodes = {}
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._actions is not None:
            self._actions.destroy()
            self._actions = None

    def health(self) -> Health:
        """Views, window, server."""
        if self._episode is None or self._server is None:
            return Health(message="not configured")
        return policy_health(
            self._episode,
            self._buffer,
            self._server,
            self.parameters,
            1.0 / self._embodiment.control_dt_s,
            self._now().ros_ns,
        )

    async def _verdicts(self) -> Verdicts:
        return {} if self._server is None else await self._server.settings.verdicts()

    # Views.

    def _subscribe_views(self) -> None:
        p = self.parameters
        views = self._embodiment.view_keys
        if len(p["view_topics"]) != len(views):
            raise ConfigurationError(
                f"view_topics has {len(p['view_topics'])} topics; valid is one for each of "
                f"{list(views)}"
            )
        compressed = p["image_transport"] == "compressed"
        for view, topic in zip(views, p["view_topics"], strict=True):
            self.create_subscription(
                CompressedImage if compressed else Image,
                f"{topic}/compressed" if compressed else topic,
                partial(self._on_image, view),
                sensor_qos(p["image_reliability"], LOSSLESS_DEPTH)
                if p["lockstep"]
                else sensor_qos(p["image_reliability"]),
            )

    def _on_image(self, view: str, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        if self._world is not None and stamp_ns == self._buffer.newest_stamp_ns(view):
            return  # while time stands still, the present is shown again and again
        try:
            self._buffer.add(view, stamp_ns, to_rgb(message))
        except VeraRosError as error:
            self.get_logger().error(f"view '{view}': {error}", throttle_duration_sec=5.0)
            if self._episode is not None and self._episode.running:
                self._episode.abort(Cause.IMAGE_ERROR, f"view '{view}': {error}", self._now())
                self._after_event()
            return
        waits = self._episode is not None and self._episode.awaits_frame
        if waits or self._world is not None:  # in lockstep, every picture of a chunk comes at once
            self._tick()  # this may be the picture that it waits for: every millisecond counts

    def _make_window(self, config: ServerConfig) -> RollingWindow:
        p = self.parameters
        rules = SamplingRules(
            period_ns=round(config.control_dt * 1e9),
            max_age_ns=round(p["view_max_age_s"] * 1e9),
            max_skew_ns=round(p["view_max_skew_s"] * 1e9),
            max_delay_ns=_NEVER_LATE_NS if p["lockstep"] else round(p["view_max_delay_s"] * 1e9),
        )
        # In lockstep, one view's pictures may all be there before the other's first.
        capacity = max(p["frame_buffer_size"], LOSSLESS_DEPTH if p["lockstep"] else 0)
        # The server's order is the order of concatenation; pictures of before the episode go.
        counts = self._buffer.counts
        self._buffer = FrameBuffer(config.view_keys, capacity)
        self._buffer.counts |= {view: counts[view] for view in config.view_keys}
        height, width = config.image_resolution or self._embodiment.resolution
        return RollingWindow(
            self._buffer,
            config.context_frames,
            (height, width),
            rules,
            widths=config.view_widths,
            crop=p["crop"],
        )

    # Goals.

    def _on_goal(self, goal: ExecuteTask.Goal) -> GoalResponse:
        reason = self._why_not(goal)
        if reason:
            self.get_logger().warning(f"goal refused: {reason}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _why_not(self, goal: ExecuteTask.Goal) -> str:
        if not self.active or self._episode is None:
            return "policy_node is not active; activate it first"
        if self._goal_handle is not None:
            return "an episode is running already; cancel it, or wait for its end"
        if self._server is not None and self._server.reloading:
            return "the policy server loads other models; wait for the answer of reload"
        if self._arm_watch.held:
            return "the arm is held; call release first"
        if goal.mode not in self._episodes:
            return f"mode {goal.mode} is not possible; valid is {self._modes()}"
        if not (np.isfinite(goal.time_limit_s) and goal.time_limit_s >= 0):
            return f"time_limit_s is {goal.time_limit_s}; valid is 0 (the default) or more"
        return ""

    def _modes(self) -> str:
        names = {ExecuteTask.Goal.SYNC: "SYNC", ExecuteTask.Goal.ASYNC: "ASYNC"}
        valid = " or ".join(f"{mode} ({names[mode]})" for mode in self._episodes)
        return f"{valid} in lockstep" if self._world is not None else valid

    def _on_accepted(self, handle: Any) -> None:
        self._goal_handle = handle  # from now on, other goals are refused
        handle.execute()

    def _on_cancel(self, _: Any) -> CancelResponse:
        if self._episode is not None:
            self._episode.cancel(self._now())
            self._after_event()
        return CancelResponse.ACCEPT

    async def _execute(self, handle: Any) -> ExecuteTask.Result:
        goal = handle.request
        self._episode = self._episodes[goal.mode]
        self._buffer.clear()  # between episodes, cameras may change
        self._finished = Future(executor=self.executor)
        limit_s = goal.time_limit_s or self.parameters["default_time_limit_s"]
        try:
            self._episode.start(Goal(goal.prompt, limit_s), self._now())
            self.get_logger().info(f"episode {self._episode.session_id}: '{goal.prompt}'")
            self._tick_timer.reset()
            self._status_timer.reset()
            if handle.is_cancel_requested:
                self._episode.cancel(self._now())
            if not self.active:
                self.stop()
            self._after_event()
            result = await self._finished
        finally:
            self._finished = self._goal_handle = None
        if result.outcome is Outcome.CANCELLED:
            handle.canceled()
        elif result.outcome is Outcome.SUCCEEDED:
            handle.succeed()
        else:
            handle.abort()
        return ExecuteTask.Result(
            outcome=int(result.outcome),
            cause=int(result.cause),
            message=result.message,
            chunks=result.chunks,
            steps=result.steps,
            duration_s=result.duration_s,
        )

    # Events.

    def _on_pause(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, "pause", "the arm comes to rest; call resume to go on")

    def _on_resume(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, "resume", "it looks again, and goes on")

    def _serve(self, response: Trigger.Response, what: str, done: str) -> Trigger.Response:
        """Pause or resume the episode."""
        response.message = "policy_node is not active; activate it first"
        if self._episode is None or not self.active:
            return response
        try:
            getattr(self._episode, what)(self._now())
        except ConfigurationError as error:
            response.message = str(error)
            return response
        self._after_event()
        response.success, response.message = True, done
        return response

    def _on_progress(self, message: ChunkProgress) -> None:
        if self._episode is None:
            return
        if message.state not in _CHUNK_STATES:
            self.get_logger().error(
                f"chunk_progress with state {message.state}; valid is one of {_CHUNK_STATES}"
            )
            return
        self._episode.on_progress(
            Progress(
                session_id=message.session_id,
                sequence=message.sequence,
                state=ChunkState(message.state),
                stamp_ns=stamp_to_ns(message.header.stamp),
                message=message.message,
                step_times_ns=tuple(stamp_to_ns(stamp) for stamp in message.step_times),
                steps_played=message.steps_played,
                rails_bound=message.rails_bound,
                time_stretch=message.time_stretch,
                executed_trans_m=message.executed_trans_m,
                gripper_commanded=message.gripper_commanded,
                steps_dropped=message.steps_dropped,
                held=message.cause == ChunkProgress.HELD,
                planning_s=message.planning_s,
            ),
            self._now(),
        )
        self._after_event()

    def _on_task_success(self, message: Bool) -> None:
        if self._episode is None:
            return
        if message.data:
            self._episode.on_success(self._now())
        else:
            self._episode.on_undecided(self._now())
        self._after_event()

    def _tick(self) -> None:
        if self._world is not None:
            self._world.poll()
        if self._episode is None or self._wakefulness.slept():
            return
        trouble = self._arm_watch.trouble() if self._episode.running else None
        if trouble is not None:
            self._episode.abort(*trouble, self._now())
        self._episode.tick(self._now())
        self._after_event()

    def _after_event(self, *, wait_for_rest: bool = True) -> None:
        """Show what changed; when the episode is over, let the goal answer."""
        episode = self._episode
        if episode is None:
            return
        if (episode.state, episode.session_id) != self._shown:
            self._shown = (episode.state, episode.session_id)
            self._publish_status()
        finished = self._finished
        # Whoever gets the result may move the arm at once: the stop must be over by then.
        result = episode.result if not wait_for_rest or self._rests(episode) else None
        if finished is not None and not finished.done() and result is not None:
            self._tick_timer.cancel()
            self._status_timer.cancel()
            summary = (
                f"episode {episode.session_id}: {result.outcome.name} ({result.cause.name}): "
                f"{result.message}"
            )
            if result.outcome is Outcome.ABORTED:
                self.get_logger().error(summary)
            else:
                self.get_logger().info(summary)
            unrest = self._arm.unrest()
            if unrest:
                self.get_logger().error(unrest)
            finished.set_result(result)

    def _rests(self, episode: Episode) -> bool:
        if isinstance(episode, LockstepEpisode):
            return episode.at_rest
        arm = self._arm
        return arm.resting() or bool(arm.unrest()) or arm.stopping_s > _RESULT_PATIENCE_S

    # Status.

    def _publish_status(self) -> None:
        episode = self._episode
        if episode is None:
            return
        status = status_message(
            episode, self._buffer, self.parameters["server_url"], self._now().ros_ns
        )
        self._status.publish(status)
        if self._marker.get_subscription_count():
            self._marker.publish(status_marker(status))
        if self._goal_handle is not None and self._goal_handle.is_active:
            self._goal_handle.publish_feedback(
                ExecuteTask.Feedback(
                    state=status.state,
                    message=status.message,
                    chunk=status.chunk,
                    steps=status.steps,
                    window_fill=status.window_fill,
                    server_latency_s=status.server_latency_s,
                    elapsed_s=episode.elapsed_s(self._now()),
                )
            )

    def _status_of(self, episode: Episode) -> PolicyStatus:
        url = self.parameters["server_url"]
        return status_message(episode, self._buffer, url, self._now().ros_ns)

    def _now(self) -> Instant:
        """The present; in lockstep what advance_time said last, however late /clock is."""
        if self._world is not None and self._world.present_ns:
            return Instant(time.monotonic(), self._world.present_ns)
        return Instant(time.monotonic(), self.get_clock().now().nanoseconds)


def main() -> NoReturn:
    """Entry point."""
    run_node(PolicyNode)


if __name__ == "__main__":
    main()
