# SPDX-License-Identifier: Apache-2.0
"""Conversions between chunk messages and the arm side's types."""

import numpy as np

from vera_ros.embodiments import ActionSpace
from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ACTION_S, MOST_ACTIONS, ChunkRequest
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.nodes.common.conversions import ns_to_stamp, stamp_to_ns
from vera_ros.nodes.ik.setup.action_columns import ActionColumns
from vera_ros.printable import printable
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress


def read_chunk(
    message: ActionChunk, embodiment: str, columns: ActionColumns, base_frame: str
) -> ChunkRequest:
    """Convert an ActionChunk message for an arm of that embodiment, with such columns.

    Raises:
        MotionRefusedError: the message is for another embodiment or frame, or is malformed.
    """
    if message.embodiment != embodiment:
        raise _invalid(f"embodiment '{printable(message.embodiment)}'; valid is '{embodiment}'")
    if message.action_space != columns.space.value:
        raise _invalid(
            f"action space {_named(message.action_space)}; valid is {columns.space.name}"
        )
    shortest_s, longest_s = ACTION_S
    if not shortest_s <= message.control_dt_s <= longest_s:
        valid = f"valid is {shortest_s:g} to {longest_s:g} s"
        raise _invalid(f"control_dt_s {message.control_dt_s}; {valid}")
    rows, given, valid_columns = message.horizon, message.columns, columns.count
    fits = given == valid_columns and len(message.actions) == rows * given
    if not 1 <= rows <= MOST_ACTIONS or not fits:
        raise _invalid(
            f"{len(message.actions)} values for {rows} rows of {given} columns; valid is 1 to "
            f"{MOST_ACTIONS} rows of {valid_columns}"
        )
    if message.header.frame_id not in ("", base_frame):
        frame = printable(message.header.frame_id)
        raise _invalid(f"frame '{frame}'; valid is '{base_frame}'")
    actions = np.array(message.actions).reshape(rows, given)
    gripper = np.array(message.gripper)
    if len(gripper) not in (0, rows):
        raise _invalid(f"{len(gripper)} gripper values for {rows} rows; valid is one per row")
    if not (np.isfinite(actions).all() and np.isfinite(gripper).all()):
        raise _invalid("values that are not finite")
    sent_ns = stamp_to_ns(message.sent)
    if not sent_ns:
        raise _invalid("no time at which it was sent; valid is the present")
    start_ns, stamp_ns = stamp_to_ns(message.start), stamp_to_ns(message.header.stamp)
    return ChunkRequest(
        columns.actions(actions, message.control_dt_s),
        gripper > 0.5,
        message.control_dt_s,
        message.session_id,
        message.sequence,
        start_ns * 1e-9 if start_ns else None,
        stamp_ns * 1e-9 if stamp_ns else None,
        sent_ns * 1e-9,
    )


def progress_message(
    playing: Playing, state: int, now_s: float, reason: Reason, *, dry_run: bool
) -> ChunkProgress:
    """Return the progress message of a chunk.

    Without a cause in `reason`, it has the one that cut the chunk short, if any. What is not sent
    (dry run, awaiting approval) has no step times, since nothing moves then.
    """
    plan = playing.plan
    sent = not dry_run and state != ChunkProgress.AWAITING_APPROVAL
    times_s = playing.start_s + plan.step_times_s
    if reason.cause is Cause.NONE and plan.cut is not None:
        reason = plan.cut
    return ChunkProgress(
        session_id=playing.session_id,
        sequence=playing.sequence,
        state=state,
        cause=int(reason.cause),
        message=reason.message,
        step_times=[ns_to_stamp(round(t * 1e9)) for t in times_s] if sent else [],
        end=ns_to_stamp(round((playing.start_s + plan.duration_s) * 1e9)),
        steps_played=playing.steps_played(now_s) if sent else 0,
        rails_bound=playing.on_rails or plan.clipped or plan.cut is not None,
        executed_trans_m=plan.executed_trans_m,
        time_stretch=plan.time_stretch,
        ik_error_mm=plan.ik_error_m * 1e3,
        ik_error_mrad=plan.ik_error_rad * 1e3,
        arm_commanded=playing.arm_moves and sent,
        gripper_commanded=playing.gripper_moves and sent,
        steps_dropped=playing.steps_dropped,
        dry_run=dry_run,
    )


def _named(space: int) -> str:
    """Return the name of an action space's number; of an unknown one, the number."""
    return next((known.name for known in ActionSpace if known.value == space), str(space))


def _invalid(what: str) -> MotionRefusedError:
    return MotionRefusedError(Cause.INVALID_CHUNK, f"the chunk has {what}; nothing of it is played")
