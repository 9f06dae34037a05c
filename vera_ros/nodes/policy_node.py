# SPDX-License-Identifier: Apache-2.0
"""policy_node: camera views in, action chunks out; runs one episode at a time."""

import time
from typing import Any, NoReturn

from diagnostic_msgs.msg import DiagnosticStatus
from std_msgs.msg import Bool

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.health import Health
from vera_ros.nodes.common.lifecycle_node import STEADY, VeraNode
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.common.parameters.parameter_services import PatientParameterServices, Verdicts
from vera_ros.nodes.common.suspend_detector import SuspendDetector
from vera_ros.nodes.policy.arm_link import ArmLink
from vera_ros.nodes.policy.arm_watch import ArmWatch
from vera_ros.nodes.policy.body_reader import BodyReader
from vera_ros.nodes.policy.gripper_parameters import make_gripper_gate
from vera_ros.nodes.policy.health import policy_health
from vera_ros.nodes.policy.parameters import PARAMETERS, episode_timeouts, overlap_rules
from vera_ros.nodes.policy.pause_services import PauseServices
from vera_ros.nodes.policy.progress_messages import read_progress
from vera_ros.nodes.policy.rivals import find_doubles
from vera_ros.nodes.policy.server_side import ServerSide
from vera_ros.nodes.policy.status_messages import StatusTopics, log_result, status_message
from vera_ros.nodes.policy.task_action import TaskAction
from vera_ros.nodes.policy.views.policy_views import PolicyViews
from vera_ros.nodes.policy.world_link import WorldLink
from vera_ros.policy.episode import Episode
from vera_ros.policy.goal import Goal, Result
from vera_ros.policy.pacing.lockstep import LockstepPacing
from vera_ros.policy.pacing.overlap import OverlapPacing
from vera_ros.policy.pacing.settle import SettlePacing
from vera_ros.policy.ports import Instant
from vera_ros.policy.states import Cause, Outcome
from vera_ros.printable import printable
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress

SYNC, ASYNC = ExecuteTask.Goal.SYNC, ExecuteTask.Goal.ASYNC


class PolicyNode(VeraNode):
    """Runs episodes for the execute_task action."""

    def __init__(self, **options: Any) -> None:
        super().__init__("policy_node", PARAMETERS, **options)
        self._episode: Episode | None = None
        self._episodes: dict[int, Episode] = {}
        self._server: ServerSide | None = None
        self._world: WorldLink | None = None
        self._suspension = SuspendDetector()
        # Exists in every lifecycle state: a goal that a transition ends must get its result.
        self._task = TaskAction(
            self,
            [SYNC] if self.parameters["lockstep"] else [SYNC, ASYNC],
            self._why_no_goal,
            self._begin,
            self._cancel_episode,
        )
        PatientParameterServices(self, self._verdicts)

    def setup(self) -> None:
        """Create the episodes with their links, subscriptions and services."""
        p = self.parameters
        chosen = self.get_parameter("control_view_keys").value  # may have been set since the start
        embodiment = find_embodiment(p["embodiment"]).with_views(chosen)
        self._arm_watch = ArmWatch(self, p["arm_timeout_s"])
        self._body = BodyReader(
            self,
            p["body_max_age_s"],
            p["arm_joints"],
            p["finger_joints"],
            self._arm_watch,
            p["gripper_open_m"],
            p["gripper_closed_m"],
            has_tcp=embodiment.has_tcp,
        )
        self._server = ServerSide(
            self, embodiment, lambda: self._episode, self._now, self._after_event
        )
        events = self._on_picture, self._on_view_fault
        self._views = PolicyViews(self, embodiment, *events, lambda: self._task.busy)
        self._arm = ArmLink(
            self,
            embodiment,
            lambda: self._now().ros_ns,
            lambda: self._arm_watch.arm,
            lambda: self._body.base_frame,
            p["settle_timeout_s"],
        )
        ports = self._server.link, self._arm, self._body, self._views
        gate = make_gripper_gate(self, embodiment)
        pacings: dict[int, SettlePacing] = (
            {SYNC: self._make_lockstep()}
            if p["lockstep"]
            else {SYNC: SettlePacing(), ASYNC: OverlapPacing(overlap_rules(p))}
        )
        self._episodes = {
            mode: Episode(embodiment, episode_timeouts(p), *ports, pacing=pacing, gripper_gate=gate)
            for mode, pacing in pacings.items()  # one of them runs at a time
        }
        self._episode = self._episodes[SYNC]
        self._status = StatusTopics(self)
        self.create_subscription(Bool, "task_success", self._on_task_success, 10)
        self.create_subscription(ChunkProgress, "chunk_progress", self._on_progress, 10)
        PauseServices(self, lambda: self._episode, self._now, self._after_event)
        self._episode_timers = [  # active during an episode
            self.create_timer(1.0 / p["tick_rate_hz"], self._tick, clock=STEADY),
            self.create_timer(1.0 / p["status_rate_hz"], self._publish_status, clock=STEADY),
        ]
        for timer in self._episode_timers:
            timer.cancel()
        self._publish_status()

    def _make_lockstep(self) -> LockstepPacing:
        def on_advanced() -> None:
            pacing.on_advanced(self._now())
            self._after_event()

        def on_failed(message: str) -> None:
            pacing.on_advance_failed(message, self._now())
            self._after_event()

        self._world = WorldLink(self, on_advanced, on_failed)
        pacing = LockstepPacing(self._world, judged=self.parameters["await_verdict"])
        return pacing

    def stop(self) -> None:
        """End the episode, with the arm at rest or coming to rest."""
        if self._episode is not None:
            self._episode.end(Cause.DEACTIVATED, "policy_node is being deactivated", self._now())
            self._after_event(wait_for_rest=False)  # the process may be about to end
        if self._server is not None:
            self._server.give_up()

    def teardown(self) -> None:
        """Disconnect from the server."""
        self._episode = self._world = None
        self._episodes = {}
        if self._server is not None:
            self._server.close()
            self._server = None

    def destroy_node(self) -> None:
        """Accept no more goals, then destroy the node."""
        self._task.close()
        super().destroy_node()

    def health(self) -> Health:
        """Report on views, window, server and arm."""
        if self._episode is None or self._server is None:
            return Health(message="not configured")
        health = policy_health(
            self._episode,
            self._views,
            self._server,
            self.parameters,
            1.0 / find_embodiment(self.parameters["embodiment"]).control_dt_s,
            self._now().ros_ns,
        )
        health.values["arm"] = self._arm_watch.arm or "not known"
        double = find_doubles(self, self._arm_watch)
        if double:
            health.level, health.message = DiagnosticStatus.ERROR, double
            health.causes = ["runs_twice"]
        return health

    async def _verdicts(self) -> Verdicts:
        return {} if self._server is None else await self._server.settings.verdicts()

    # Goals.

    def _why_no_goal(self) -> str:
        if not self.active or self._episode is None:
            return "policy_node is not active; activate it first"
        if self._task.busy:
            return "an episode is running already; cancel it, or wait for its end"
        if self._server is not None and self._server.reloading:
            return "the policy server is loading other models; wait for reload to return"
        if self._arm_watch.held:
            return "the arm is held; call release first"
        return find_doubles(self, self._arm_watch)

    def _begin(self, goal: ExecuteTask.Goal, cancelled: bool) -> None:
        if self._episode is None:  # cleaned up after the goal was accepted
            self._task.finish(
                Result(Outcome.ABORTED, Cause.DEACTIVATED, "policy_node was cleaned up", 0, 0, 0.0)
            )
            return
        self._episode = episode = self._episodes[goal.mode]
        self._arm_watch.begin()
        self._views.buffer.clear()  # cameras may change between episodes
        limit_s = goal.time_limit_s or self.parameters["default_time_limit_s"]
        episode.start(Goal(goal.prompt, limit_s), self._now())
        self.get_logger().info(f"episode {episode.dialogue.session_id}: '{printable(goal.prompt)}'")
        for timer in self._episode_timers:
            timer.reset()
        if cancelled:
            episode.cancel(self._now())
        if not self.active:
            self.stop()
        self._after_event()

    def _cancel_episode(self) -> None:
        if self._episode is not None:
            self._episode.cancel(self._now())
            self._after_event()

    # Events.

    def _on_picture(self) -> None:
        waits = self._episode is not None and self._episode.pacing.awaits_frame()
        if waits or self._world is not None:  # in lockstep, a chunk's pictures arrive at once
            self._tick()  # the episode may wait for this picture: do not wait for the timer

    def _on_view_fault(self, message: str) -> None:
        if self._episode is not None and self._episode.running:
            self._episode.end(Cause.IMAGE_ERROR, message, self._now())
            self._after_event()

    def _on_progress(self, message: ChunkProgress) -> None:
        if self._episode is None:
            return
        try:
            progress = read_progress(message)
        except VeraRosError as error:
            self.get_logger().error(str(error))
            return
        self._episode.on_progress(progress, self._now())
        self._after_event()

    def _on_task_success(self, message: Bool) -> None:
        episode = self._episode
        if episode is not None:
            (episode.on_success if message.data else episode.pacing.on_undecided)(self._now())
            self._after_event()

    def _tick(self) -> None:
        if self._world is not None:
            self._world.poll()
        if self._episode is None or self._suspension.was_suspended():
            return
        trouble = self._arm_watch.trouble() if self._episode.running else None
        if trouble is not None:
            self._episode.end(*trouble, self._now())
        self._episode.tick(self._now())
        self._after_event()

    def _after_event(self, *, wait_for_rest: bool = True) -> None:
        """Publish what changed; once the episode is over, finish the goal."""
        episode = self._episode
        if episode is None or self._server is None:
            return
        session_id = episode.dialogue.session_id
        if self._status.is_news((episode.state, session_id, self._server.config)):
            self._publish_status()
        # A client that gets the result may move the arm at once: the stop must be over by then.
        result = episode.record.result if not wait_for_rest or self._rests(episode) else None
        if result is not None and self._task.unfinished:
            for timer in self._episode_timers:
                timer.cancel()
            log_result(self.get_logger(), session_id, result, self._arm.unrest())
            self._task.finish(result)

    def _rests(self, episode: Episode) -> bool:
        pacing = episode.pacing
        return pacing.at_rest if isinstance(pacing, LockstepPacing) else self._arm.settled()

    # Status.

    def _publish_status(self) -> None:
        episode = self._episode
        if episode is None or self._server is None:
            return
        now = self._now()
        status = status_message(episode, self._views.buffer, self._server, now.ros_ns)
        self._status.say(status, self._body.base_frame)
        self._task.tell(status, episode.elapsed_s(now))

    def _now(self) -> Instant:
        """Return the present; in lockstep that of the last advance_time, since /clock may lag."""
        if self._world is not None and self._world.present_ns:
            return Instant(time.monotonic(), self._world.present_ns)
        return Instant(time.monotonic(), self.get_clock().now().nanoseconds)


def main() -> NoReturn:
    """Entry point."""
    run_node(PolicyNode)


if __name__ == "__main__":
    main()
