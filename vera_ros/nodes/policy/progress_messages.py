# SPDX-License-Identifier: Apache-2.0
"""Conversion of chunk_progress messages."""

from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros.policy.ports import ChunkState, Progress
from vera_ros.printable import printable
from vera_ros_interfaces.msg import ChunkProgress

_CHUNK_STATES = [state.value for state in ChunkState]


def read_progress(message: ChunkProgress) -> Progress:
    """Convert a ChunkProgress message.

    Raises:
        VeraRosError: the state is not one that a chunk can have.
    """
    if message.state not in _CHUNK_STATES:
        raise VeraRosError(
            f"chunk_progress with state {message.state}; valid is one of {_CHUNK_STATES}"
        )
    return Progress(
        session_id=message.session_id,
        sequence=message.sequence,
        state=ChunkState(message.state),
        stamp_ns=stamp_to_ns(message.header.stamp),
        message=printable(message.message, 2000),
        step_times_ns=tuple(stamp_to_ns(stamp) for stamp in message.step_times),
        steps_played=message.steps_played,
        rails_bound=message.rails_bound,
        time_stretch=message.time_stretch,
        executed_trans_m=message.executed_trans_m,
        arm_commanded=message.arm_commanded,
        gripper_commanded=message.gripper_commanded,
        steps_dropped=message.steps_dropped,
        held=message.cause == ChunkProgress.HELD,
        too_late=message.cause == ChunkProgress.CHUNK_TOO_OLD,
        end_ns=stamp_to_ns(message.end),
        planning_s=message.planning_s,
    )
