# SPDX-License-Identifier: Apache-2.0
"""chunk_progress as an episode takes it: nothing is lost, and no state is made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.nodes.policy.progress_messages import read_progress
from vera_ros.policy.ports import ChunkState
from vera_ros_interfaces.msg import ChunkProgress

KNOWN = [state.value for state in ChunkState]
nanoseconds = st.integers(0, 2**31 * 1_000_000_000 - 1)


@given(st.sampled_from(ChunkState), nanoseconds, st.lists(nanoseconds, max_size=5), nanoseconds)
def test_state_and_times_are_those_of_the_message(
    state: ChunkState, stamp_ns: int, times_ns: list[int], end_ns: int
) -> None:
    message = ChunkProgress(state=state.value, step_times=[ns_to_stamp(ns) for ns in times_ns])
    message.end = ns_to_stamp(end_ns)
    message.header.stamp = ns_to_stamp(stamp_ns)
    progress = read_progress(message)
    assert progress.state is state
    assert progress.stamp_ns == stamp_ns
    assert progress.step_times_ns == tuple(times_ns)
    assert progress.end_ns == end_ns


@pytest.mark.parametrize(
    ("cause", "held", "too_late"),
    [
        (ChunkProgress.HELD, True, False),
        (ChunkProgress.CHUNK_TOO_OLD, False, True),
        (ChunkProgress.STOPPED, False, False),
    ],
)
def test_causes_that_matter_to_an_episode_are_told(cause: int, held: bool, too_late: bool) -> None:
    message = ChunkProgress(state=ChunkState.ABORTED.value, cause=cause, message="why")
    progress = read_progress(message)
    assert (progress.held, progress.too_late) == (held, too_late)
    assert progress.message == "why"


@given(st.integers(0, 255).filter(lambda state: state not in KNOWN))
def test_a_state_that_is_none_is_refused_with_those_that_are(state: int) -> None:
    with pytest.raises(VeraRosError, match=f"state {state}; valid is one of .1, 2"):
        read_progress(ChunkProgress(state=state))
