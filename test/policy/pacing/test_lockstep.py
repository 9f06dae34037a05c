# SPDX-License-Identifier: Apache-2.0
"""The episode in lockstep: time passes when it says so, and nothing else changes anything."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import PolicyServerError
from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.ports import ChunkState
from vera_ros.policy.states import Cause, State

from ..lockstep_rig import START_MS, Advance, LockstepRig, frames_ms
from ..rig import reply

STOP_SPAN = Advance(1000, arm=True, gripper=False)


def ask(judged: bool = False, bounds: EpisodeTimeouts | None = None, **start: Any) -> LockstepRig:
    """An episode that has just asked the server for the first time."""
    rig = LockstepRig(bounds, judged=judged)
    rig.start(**start)
    assert rig.episode.state is State.INFERRING
    return rig


def result_of(rig: LockstepRig) -> Any:
    assert rig.episode.record.result is not None, rig.episode.message
    return rig.episode.record.result


# Time.


def test_it_looks_at_the_present_before_it_asks() -> None:
    rig = ask()
    assert rig.world.asked == [Advance(0, arm=False, gripper=False)]
    assert frames_ms(rig.server.requests[0]) == [START_MS]


@given(
    steps=st.integers(1, 24),
    stretch=st.sampled_from([1.0, 1.3, 2.0, 3.7]),
    arm=st.booleans(),
    gripper=st.booleans(),
)
def test_time_passes_while_a_chunk_plays_and_no_longer(
    steps: int, stretch: float, arm: bool, gripper: bool
) -> None:
    """Only trajectories that come are awaited: a first chunk of zeros has none for the arm."""
    rig = ask()
    rig.wait(5.0)
    rig.answer(reply(steps))
    assert rig.arm.chunks[0].start_ns == START_MS * 1_000_000
    rig.accept(steps, stretch, arm_commanded=arm, gripper_commanded=gripper)
    length_ms = round(50 * steps * stretch)
    assert rig.let_time_pass() == Advance(length_ms, arm=arm, gripper=gripper)
    rig.wait()
    assert rig.episode.state is State.INFERRING  # without any settling
    rig.answer(reply(steps))
    assert rig.arm.chunks[1].start_ns == (START_MS + length_ms) * 1_000_000


@given(steps=st.integers(1, 20))
def test_each_steps_frame_enters_once_and_the_present_is_the_last(steps: int) -> None:
    rig = ask()
    rig.play(steps)
    expected = [START_MS + 50 * step for step in range(steps + 1)]
    assert frames_ms(rig.server.requests[1]) == expected
    rig.play(1)
    assert frames_ms(rig.server.requests[2]) == [*expected, expected[-1] + 50][-21:]


@given(
    steps=st.integers(1, 20),
    times_ms=st.lists(st.integers(51, 190), min_size=20, max_size=20),
)
def test_a_stretched_chunk_has_its_frames_at_its_steps(steps: int, times_ms: list[int]) -> None:
    rig = ask()
    rig.answer(reply(steps))
    at_ms, step_times_ms = START_MS, []
    for step_ms in times_ms[:steps]:
        at_ms += step_ms
        step_times_ms.append(at_ms)
    rig.progress(ChunkState.ACCEPTED, step_times_ns=tuple(t * 1_000_000 for t in step_times_ms))
    rig.let_time_pass()
    rig.wait()
    frames = frames_ms(rig.server.requests[1])
    assert frames[-1] == at_ms
    assert len(frames) == steps + 1
    for frame_ms, step_ms in zip(frames[1:], step_times_ms, strict=True):
        assert -50 < frame_ms - step_ms <= 25
    assert sorted(set(frames)) == frames
    assert rig.episode.observer.window is not None
    assert rig.episode.observer.window.skipped == 0


def test_warm_up_frames_are_a_control_period_apart() -> None:
    rig = LockstepRig(EpisodeTimeouts(warmup_frames=3))
    rig.start()
    for _ in range(2):
        assert rig.let_time_pass() == Advance(50, arm=False, gripper=False)
        rig.wait()
    assert frames_ms(rig.server.requests[0]) == [START_MS, START_MS + 50, START_MS + 100]


def test_it_asks_only_with_pictures_and_joint_states_of_the_present() -> None:
    rig = ask()
    rig.answer()
    rig.accept()
    rig.let_time_pass(pictures=False)
    rig.body.felt_ns = 0
    rig.wait(1.0)
    assert len(rig.server.requests) == 1
    rig.show_pictures()
    rig.wait(1.0)
    assert len(rig.server.requests) == 1
    rig.body.felt_ns = rig.now.ros_ns
    rig.wait()
    assert frames_ms(rig.server.requests[1]) == [START_MS + 50 * step for step in range(11)]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_how_long_anybody_takes_changes_nothing(data: st.DataObject) -> None:
    """Two episodes with the same answers: one at once, one with delays, late and old news."""
    requests = []
    for slow in (False, True):
        rig = LockstepRig(judged=True)

        def dawdle(rig: LockstepRig = rig, slow: bool = slow) -> None:
            if slow:
                rig.wait(data.draw(st.sampled_from([0.02, 0.1, 1.0])))

        rig.start()
        for _ in range(4):
            dawdle()
            rig.answer()
            dawdle()
            rig.accept(stretch=1.3)
            dawdle()
            times_ns = rig.step_times_ns(10, 1.3)
            if slow:
                steps = data.draw(st.integers(0, 10))
                state = data.draw(st.sampled_from([ChunkState.PLAYING, ChunkState.ACCEPTED]))
                rig.progress(state, step_times_ns=times_ns, steps_played=steps)
            late = slow and data.draw(st.booleans())
            rig.let_time_pass(pictures=not late)
            dawdle()
            if late:
                rig.show_pictures(view_by_view=data.draw(st.booleans()))
            rig.progress(
                ChunkState.PLAYING, step_times_ns=times_ns, steps_played=7, executed_trans_m=slow
            )
            rig.episode.pacing.on_undecided(rig.now)
            rig.wait(0.04)
        rig.episode.on_success(rig.now)
        result = result_of(rig)
        seen = [
            (frames_ms(request), request.executed_trans, request.rails_bound)
            for request in rig.server.requests
        ]
        requests.append((seen, rig.world.asked, result.chunks, result.steps))
    assert requests[0] == requests[1]


def test_steps_are_those_of_the_plan() -> None:
    rig = ask()
    rig.play(10)
    rig.play(4, rails_bound=True)
    assert rig.episode.record.counters.steps == 14
    rig.answer(reply(10))
    rig.progress(ChunkState.ACCEPTED)  # cut off before its first step
    assert rig.let_time_pass().duration_ms == 50
    assert rig.episode.record.counters.steps == 14


# The judge.


def test_the_judge_is_waited_for_after_each_chunk() -> None:
    rig = ask(judged=True)
    rig.answer()
    rig.accept()
    rig.let_time_pass()
    rig.wait(1.0)
    assert (rig.episode.state, len(rig.server.requests)) == (State.SETTLING, 1)
    rig.episode.pacing.on_undecided(rig.now)
    rig.wait()
    assert len(rig.server.requests) == 2
    rig.answer()
    rig.accept()
    rig.let_time_pass()
    rig.episode.on_success(rig.now)
    result = result_of(rig)
    assert (result.cause, result.chunks, result.steps) == (Cause.TASK_SUCCESS, 2, 20)


def test_a_word_of_the_judge_that_nobody_waits_for_changes_nothing() -> None:
    rig = ask()
    rig.episode.pacing.on_undecided(rig.now)
    assert rig.episode.state is State.INFERRING


def test_a_silent_judge_ends_it() -> None:
    rig = ask(judged=True)
    rig.answer()
    rig.accept()
    rig.let_time_pass()
    rig.wait(rig.bounds.settle_timeout_s + 0.1)
    assert result_of(rig).cause is Cause.INTERNAL_ERROR
    assert "task_success" in result_of(rig).message


# The end.


def test_the_time_limit_is_simulated_time() -> None:
    rig = ask(time_limit_s=1.0)
    rig.wait(500.0)
    rig.play()
    assert rig.episode.running
    rig.play()
    result = result_of(rig)
    assert (result.cause, result.chunks, result.steps) == (Cause.TIME_LIMIT, 2, 20)


def end_by_success(rig: LockstepRig) -> None:
    rig.episode.on_success(rig.now)


def end_by_cancel(rig: LockstepRig) -> None:
    rig.episode.cancel(rig.now)


def end_by_server(rig: LockstepRig) -> None:
    rig.server.pending = ""
    rig.episode.sessions.on_server_failed(PolicyServerError("out of memory"), rig.now)


ENDS = (end_by_success, end_by_cancel, end_by_server)


@pytest.mark.parametrize("end", ENDS)
def test_after_the_end_time_passes_until_the_arm_rests(end: Any) -> None:
    rig = ask()
    rig.play()
    rig.arm.rests = False
    end(rig)
    assert rig.arm.stops == 1
    rig.wait(1.0)
    assert not rig.pacing.at_rest
    assert rig.let_time_pass() == STOP_SPAN
    rig.wait(0.1)
    assert not rig.pacing.at_rest
    rig.arm.rests = True
    rig.wait()
    assert rig.pacing.at_rest
    assert rig.world.pending is None


@pytest.mark.parametrize("end", ENDS)
def test_an_end_while_time_passes_waits_for_that_first(end: Any) -> None:
    rig = ask()
    rig.answer()
    rig.accept()
    rig.arm.rests = False
    end(rig)
    assert rig.arm.stops == 1
    rig.let_time_pass()
    assert rig.let_time_pass() == STOP_SPAN
    rig.arm.rests = True
    rig.wait()
    assert rig.pacing.at_rest


def test_an_arm_that_never_says_that_it_rests_is_given_up() -> None:
    rig = ask()
    rig.play()
    rig.arm.rests = False
    end_by_success(rig)
    for _ in range(3):
        rig.let_time_pass()
        rig.wait(2.5)
    assert rig.pacing.at_rest
    assert [asked.duration_ms for asked in rig.world.asked[-3:]] == [1000] * 3


def test_an_end_before_anything_moved_needs_no_rest() -> None:
    rig = ask()
    end_by_cancel(rig)
    assert rig.pacing.at_rest
    assert rig.arm.stops == 0


def test_a_stop_without_a_trajectory_is_waited_for_all_the_same() -> None:
    rig = ask()
    rig.play()
    rig.arm.rests = False
    end_by_success(rig)
    rig.fail("no trajectory for the arm")
    assert rig.let_time_pass() == Advance(1000, arm=False, gripper=False)
    rig.arm.rests = True
    rig.wait()
    assert rig.pacing.at_rest


def test_time_that_does_not_pass_ends_it() -> None:
    rig = ask()
    rig.answer()
    rig.accept()
    rig.fail("no trajectory for the arm")
    assert result_of(rig).cause is Cause.ARM_SILENT
    assert result_of(rig).message == "advance_time failed: no trajectory for the arm"
    assert rig.arm.stops == 1


def test_a_world_that_does_not_answer_ends_it_and_is_not_asked_again() -> None:
    rig = ask()
    rig.answer()
    rig.accept()
    rig.arm.rests = False
    rig.wait(rig.bounds.advance_timeout_s + 0.1)
    assert result_of(rig).cause is Cause.ARM_SILENT
    assert "advance_time" in result_of(rig).message
    assert rig.pacing.at_rest
    rig.pacing.on_advanced(rig.now)  # too late
    assert rig.pacing.at_rest


@pytest.mark.parametrize("states_before", [0, 1])
def test_a_refused_chunk_ends_it_and_stops_what_still_plays(states_before: int) -> None:
    rig = ask()
    for _ in range(states_before):
        rig.play()
    rig.arm.rests = False
    rig.answer()
    rig.progress(ChunkState.REJECTED, message="outside the workspace")
    assert result_of(rig).cause is Cause.ARM_REJECTED
    assert rig.arm.stops == 1
    assert rig.let_time_pass().arm == bool(states_before)
    rig.arm.rests = True
    rig.wait()
    assert rig.pacing.at_rest


def test_a_plan_that_is_cut_short_while_the_server_thinks_ends_it() -> None:
    rig = ask()
    rig.play()
    rig.progress(ChunkState.ABORTED, message="contact")
    assert result_of(rig).cause is Cause.ARM_ABORTED
    assert rig.server.calls[-1] == "abandon"


def test_news_of_the_chunk_before_change_nothing() -> None:
    rig = ask()
    rig.play()
    rig.answer()
    rig.progress(ChunkState.SUPERSEDED, sequence=0)
    rig.progress(ChunkState.ABORTED, sequence=0)
    assert rig.episode.state is State.PLAYING


def test_a_plan_that_began_before_the_present_makes_no_sense() -> None:
    """An arm side with a late clock would have less time pass than the chunk takes."""
    rig = ask()
    rig.answer()
    start_ns = rig.arm.chunks[-1].start_ns
    rig.progress(ChunkState.ACCEPTED, step_times_ns=(start_ns, start_ns + 50_000_000))
    assert result_of(rig).cause is Cause.INTERNAL_ERROR
    assert "not after its start" in result_of(rig).message


def test_the_next_episode_begins_afresh() -> None:
    rig = ask()
    rig.play()
    end_by_success(rig)
    rig.let_time_pass()
    rig.wait()
    assert rig.pacing.at_rest
    rig.present_ms += 200  # a reset
    rig.start()
    assert rig.episode.state is State.INFERRING
    assert frames_ms(rig.server.requests[-1]) == [rig.present_ms]
