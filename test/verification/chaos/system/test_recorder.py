# SPDX-License-Identifier: Apache-2.0
"""The recorder keeps what is said once, when it is new, and what states say by themselves."""

import math

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from vera_ros.motion.causes import Cause as ArmCause
from vera_ros.policy.states import Cause, State
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus
from verification.chaos.system import events
from verification.chaos.system import recorder as recorder_module
from verification.chaos.system.recorder import Recorder

from ..topics import Topics


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def recorder(topics: Topics) -> Recorder:
    return Recorder(topics)


def heard(recorder: Recorder) -> list[tuple[str, str, str]]:
    return [(event.source, event.name, event.words) for event in recorder.events]


def diagnostics(*, part: str = "", **values: str) -> DiagnosticArray:
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticArray(status=[DiagnosticStatus(name=f"/arm/ik_node{part}", values=pairs)])


def test_a_warning_that_stands_is_noted_once(topics: Topics, recorder: Recorder) -> None:
    """Once, a standing warning named every fault that struck meanwhile."""
    topics.say(*(diagnostics(causes="view_slow a") for _ in range(3)))
    assert heard(recorder) == [(events.DIAGNOSTICS, "view_slow", "a")]
    topics.say(diagnostics(causes="view_slow a, views_stale b c"))
    assert heard(recorder)[1:] == [(events.DIAGNOSTICS, "views_stale", "b c")]


def test_a_warning_that_comes_back_is_new(topics: Topics, recorder: Recorder) -> None:
    topics.say(*(diagnostics(causes=causes) for causes in ("held", "none", "held")))
    assert len(recorder.events) == 2


def test_the_statuses_of_parts_leave_the_causes_as_they_are(
    topics: Topics, recorder: Recorder
) -> None:
    for _ in range(2):
        topics.say(diagnostics(causes="held"), diagnostics(part=": chunks", planning_s="0.1"))
    assert heard(recorder) == [(events.DIAGNOSTICS, "held", "")]


def test_a_counter_that_goes_up_is_noted(topics: Topics, recorder: Recorder) -> None:
    for count in ("0", "2", "2", "0", "1"):
        topics.say(diagnostics(part=": joint states", bad_joint_states=count))
    assert heard(recorder) == [(events.COUNTER, "bad_joint_states", "")] * 2


def test_a_clock_is_noted_when_it_begins_to_be_off(topics: Topics, recorder: Recorder) -> None:
    for offset_s in ("0.001", "-0.3", "-0.4", "0.01", "0.05"):
        topics.say(diagnostics(clock_offset_s=offset_s))
    assert heard(recorder) == [(events.COUNTER, "clock_offset_s", "")] * 2


@pytest.mark.parametrize("state", [ChunkProgress.ACCEPTED, ChunkProgress.REJECTED])
def test_a_chunk_is_answered_either_way(topics: Topics, recorder: Recorder, state: int) -> None:
    topics.say(ChunkProgress(state=ChunkProgress.PLAYING))
    assert recorder.chunks.answered_s == -math.inf
    topics.say(ChunkProgress(state=state))
    assert recorder.chunks.answered_s > 0.0


def test_a_policy_node_that_began_anew_has_forgotten_the_episode(
    topics: Topics, recorder: Recorder
) -> None:
    topics.say(PolicyStatus(state=int(State.PLAYING)), PolicyStatus(state=int(State.IDLE)))
    assert heard(recorder) == [(events.POLICY, "episode_forgotten", "")]


def test_a_new_policy_nodes_first_status_may_be_that_of_its_next_episode(
    topics: Topics, recorder: Recorder
) -> None:
    playing = PolicyStatus(state=int(State.PLAYING), view_received=[90, 88])
    topics.say(PolicyStatus(state=int(State.CONNECTING), view_received=[90, 88]), playing)
    assert not heard(recorder)
    topics.say(PolicyStatus(state=int(State.CONNECTING), view_received=[2, 2]))
    assert heard(recorder) == [(events.POLICY, "episode_forgotten", "")]


def test_an_episode_that_ends_with_a_cause_is_not_forgotten(
    topics: Topics, recorder: Recorder
) -> None:
    ended = PolicyStatus(
        state=int(State.ABORTED), cause=int(Cause.ARM_SILENT), message="ik_node says nothing"
    )
    topics.say(PolicyStatus(state=int(State.PLAYING)), ended, PolicyStatus(state=int(State.IDLE)))
    assert heard(recorder) == [(events.POLICY, "arm_silent", "ik_node says nothing")]


def test_states_that_say_it_all_are_noted(topics: Topics, recorder: Recorder) -> None:
    topics.say(PolicyStatus(state=int(State.PLAYING)), PolicyStatus(state=int(State.PAUSED)))
    topics.say(ArmStatus(state=ArmStatus.READY), ArmStatus(state=ArmStatus.INACTIVE))
    assert [name for _, name, _ in heard(recorder)] == ["paused", "inactive"]


def test_a_state_that_lasts_while_an_episode_waits_is_noted_once(
    topics: Topics, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_WAIT_S", 0.0)
    for state in (State.INFERRING, State.PLAYING, State.CONNECTING):
        topics.say(*(PolicyStatus(state=int(state), message=f"attempt {n}") for n in range(4)))
    assert heard(recorder) == [
        (events.WAITS, "inferring", "attempt 1"),
        (events.WAITS, "connecting", "attempt 1"),
    ]


def test_a_chunk_that_is_refused_is_noted_with_its_words(
    topics: Topics, recorder: Recorder
) -> None:
    refused = ChunkProgress(
        state=ChunkProgress.REJECTED, cause=int(ArmCause.LIMIT_EXCEEDED), message="too far"
    )
    topics.say(refused)
    assert heard(recorder) == [(events.CHUNK, "limit_exceeded", "too far")]


def progress(sequence: int, state: int, steps: int = 0) -> ChunkProgress:
    return ChunkProgress(session_id="s", sequence=sequence, state=state, steps_played=steps)


def test_a_chunk_plays_from_its_first_step_on(topics: Topics, recorder: Recorder) -> None:
    before = recorder.chunks.played
    topics.say(progress(0, ChunkProgress.ACCEPTED))
    assert recorder.chunks.played == before
    topics.say(progress(0, ChunkProgress.PLAYING, 1))
    played = recorder.chunks.played
    assert before.at_s < played.accepted_s <= played.at_s
    topics.say(progress(0, ChunkProgress.PLAYING, 2))
    assert recorder.chunks.played == played
    assert recorder.chunks.finished == before
    topics.say(progress(0, ChunkProgress.FINISHED, 2))
    assert recorder.chunks.played == played
    assert recorder.chunks.finished.accepted_s == played.accepted_s


def test_a_chunk_that_the_next_one_takes_over_from_has_been_played(
    topics: Topics, recorder: Recorder
) -> None:
    """Once, an arm that moved all the while seemed to stand: chunks came long before their time."""
    topics.say(progress(0, ChunkProgress.ACCEPTED), progress(0, ChunkProgress.SUPERSEDED))
    assert recorder.chunks.played.accepted_s == recorder.chunks.finished.accepted_s > -math.inf


@pytest.mark.parametrize("state", [ChunkProgress.REJECTED, ChunkProgress.ABORTED])
def test_a_chunk_that_is_given_up_before_its_first_step_was_not_played(
    topics: Topics, recorder: Recorder, state: int
) -> None:
    before = recorder.chunks.played
    topics.say(progress(0, ChunkProgress.ACCEPTED), progress(0, state))
    assert (recorder.chunks.played, recorder.chunks.finished) == (before, before)


def test_an_episode_is_over_when_its_status_says_so(topics: Topics, recorder: Recorder) -> None:
    assert not recorder.episode_over
    for state, over in ((State.PLAYING, False), (State.DONE, True), (State.CONNECTING, False)):
        topics.say(PolicyStatus(state=int(state)))
        assert recorder.episode_over is over
