# SPDX-License-Identifier: Apache-2.0
"""The status of an episode, as a message and as text in rviz."""

from typing import Any

from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from vera_ros.nodes.common.conversions import LATCHED, ns_to_stamp
from vera_ros.nodes.policy.server_side import ServerSide
from vera_ros.policy.episode import Episode
from vera_ros.policy.goal import Result
from vera_ros.policy.pacing.overlap import OverlapPacing
from vera_ros.policy.states import Cause, Outcome, State
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.wire.provenance import describe_code
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import PolicyStatus

_TEXT_M = 0.05  # height of the text in rviz


def log_result(logger: Any, session_id: str, result: Result, unrest: str) -> None:
    """Log how an episode ended. `unrest`: why the arm may not rest; empty: it does."""
    outcome = f"{result.outcome.name} ({result.cause.name}): {result.message}"
    if result.outcome is Outcome.ABORTED:  # rclpy allows one severity per call site
        logger.error(f"episode {session_id}: {outcome}")
    else:
        logger.info(f"episode {session_id}: {outcome}")
    if unrest:
        logger.error(unrest)


def status_message(
    episode: Episode, buffer: FrameBuffer, server: ServerSide, now_ns: int
) -> PolicyStatus:
    """Return the status of an episode at ROS time `now_ns`."""
    counters, result = episode.record.counters, episode.record.result
    window, config = episode.observer.window, server.config
    ages, overlaps = buffer.ages_ns(now_ns), isinstance(episode.pacing, OverlapPacing)
    return PolicyStatus(
        header=Header(stamp=ns_to_stamp(now_ns)),
        state=int(episode.state),
        cause=int(result.cause if result else Cause.NONE),
        message=episode.message,
        session_id=episode.dialogue.session_id,
        prompt=episode.goal.prompt,
        server_url=server.url,
        viewer_url=server.viewer_url,
        server_code=describe_code(config) if config else "",
        planner_model=config.planner_model if config else "",
        idm_model=config.idm_model if config else "",
        chunk=counters.chunks,
        steps=counters.steps,
        window_fill=window.fill if window else 0,
        window_size=window.size if window else 0,
        server_latency_s=counters.server_latency_s,
        server_infer_s=counters.server_infer_s,
        pipeline_latency_s=counters.pipeline_latency_s,
        phase=counters.phase,
        views=list(ages),
        view_age_s=[-1.0 if ns is None else max(0, ns) * 1e-9 for ns in ages.values()],
        view_received=[buffer.counts[view].received for view in ages],
        view_dropped=[buffer.counts[view].dropped for view in ages],
        frames_dropped=sum(count.dropped for count in buffer.counts.values()),
        ticks_skipped=episode.observer.ticks_skipped,
        rails_bound_chunks=counters.rails_bound_chunks,
        slowed_chunks=counters.slowed_chunks,
        clipped_rows=counters.clipped_rows,
        collapsed_chunks=counters.collapsed_chunks,
        mode=ExecuteTask.Goal.ASYNC if overlaps else ExecuteTask.Goal.SYNC,
        inferring=episode.dialogue.asking,
        late_chunks=counters.late_chunks,
        steps_dropped=counters.steps_dropped,
        steps_blended=counters.steps_blended,
        holds=counters.holds,
        connection_attempts=counters.connection_attempts,
        reconnects=counters.reconnects,
        moving_share=episode.record.moving_share,
    )


def status_marker(status: PolicyStatus, base_frame: str) -> Marker:
    """Return the status as text that floats over the robot in rviz.

    Args:
        status: the status.
        base_frame: frame of the arm's base.
    """
    lines = [State(status.state).name.replace("_", " ").lower()]
    if status.message:
        lines.append(status.message)
    lines.append(f"chunk {status.chunk}, {status.steps} steps, {status.phase}".rstrip(", "))
    lines.append(f"server {status.server_latency_s:.2f} s")
    marker = Marker(
        header=Header(frame_id=base_frame),
        ns="policy_status",
        type=Marker.TEXT_VIEW_FACING,
        action=Marker.ADD,
        scale=Vector3(x=_TEXT_M, y=_TEXT_M, z=_TEXT_M),  # rviz spaces the words by x
        color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
        text="\n".join(lines),
    )
    marker.pose.position.z = 1.1
    marker.pose.orientation.w = 1.0
    return marker


class StatusTopics:
    """Publishes the status of a policy_node, as a message and for rviz.

    Args:
        node: the rclpy node.
    """

    def __init__(self, node: Any) -> None:
        self._status = node.create_publisher(PolicyStatus, "policy_status", LATCHED)
        self._marker = node.create_publisher(Marker, "status_marker", LATCHED)
        self._said: object = None

    def is_news(self, what: object) -> bool:
        """Return whether `what` differs from that of the last call."""
        before, self._said = self._said, what
        return before != what

    def say(self, status: PolicyStatus, base_frame: str) -> None:
        """Publish a status. `base_frame`: frame of the arm's base."""
        self._status.publish(status)
        if self._marker.get_subscription_count():
            self._marker.publish(status_marker(status, base_frame))
