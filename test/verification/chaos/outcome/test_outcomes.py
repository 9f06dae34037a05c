# SPDX-License-Identifier: Apache-2.0
"""What became of a fault is told from what was recorded, and from nothing else."""

from dataclasses import replace

import pytest

from verification.chaos.faults.fault import Fault
from verification.chaos.outcome.outcomes import Outcome, Record, decide, summarise
from verification.chaos.system import events
from verification.chaos.system.events import Event

CUT = Record(Fault(0, "cut"), 10.0, 10.5, 12.0, goal_before=1, goal_after=1)
JITTER = replace(CUT, fault=Fault(0, "jitter", {"duration_s": 0.5, "delay_s": 0.1}))
RESTS = [{"from_s": 3.0, "until_s": 9.0}, {"from_s": 10.8, "until_s": 11.5}]


def one(record: Record, *happened: Event) -> Outcome:
    (outcome,) = decide([record], happened, RESTS)
    return outcome


def test_an_episode_that_goes_on_names_its_reconnect() -> None:
    outcome = one(CUT, Event(11.0, events.COUNTER, "reconnects"))
    assert (outcome.result, outcome.named, outcome.unnamed) == ("went on", ("reconnects",), False)
    assert outcome.went_on is True
    assert outcome.recover_s == 1.5
    assert outcome.rest_s is None


def test_an_episode_that_ends_did_not_go_on() -> None:
    record = replace(CUT, goal_after=2)
    outcome = one(record, Event(10.6, events.POLICY, "connection_lost"))
    assert (outcome.result, outcome.went_on) == ("ended", False)
    assert outcome.rest_s == pytest.approx(0.8)
    assert one(replace(record, fault=Fault(0, "cancel"))).went_on is None


def test_an_episode_that_succeeds_meanwhile_is_no_failure() -> None:
    outcome = one(replace(JITTER, goal_after=2, ended_well=True))
    assert (outcome.result, outcome.went_on) == ("absorbed", None)


def test_a_chunk_that_is_stopped_is_told_apart() -> None:
    outcome = one(CUT, Event(10.1, events.CHUNK, "tracking_error"))
    assert (outcome.result, outcome.went_on, outcome.named) == ("stopped", True, ())
    assert outcome.unnamed


def test_silence_is_a_fault_of_its_own_unless_nothing_came_of_it() -> None:
    assert one(CUT).unnamed
    outcome = one(JITTER)
    assert (outcome.result, outcome.unnamed, outcome.went_on) == ("absorbed", False, True)
    assert one(replace(JITTER, goal_after=2)).unnamed
    assert one(replace(JITTER, recovered_s=30.0)).unnamed
    assert one(JITTER, Event(10.1, events.CHUNK, "tracking_error")).unnamed


def test_an_arm_that_pushes_at_something_ends_an_episode_by_itself() -> None:
    """Once, a cube that stood in the way counted as what an answer had done that was a bit late."""
    pushes, ended = Event(10.1, events.CHUNK, "contact"), replace(JITTER, goal_after=2)
    outcome = one(ended, pushes)
    assert (outcome.result, outcome.went_on, outcome.unnamed) == ("ended", False, False)
    assert one(replace(ended, recovered_s=30.0), pushes).unnamed
    assert one(ended, pushes, Event(10.2, events.CHUNK, "tracking_error")).unnamed
    assert one(replace(CUT, goal_after=2), pushes).unnamed  # which must have been met since


def test_a_process_that_was_killed_must_be_named_by_others() -> None:
    """Once, that the injector had killed it counted as its name."""
    killed = replace(CUT, fault=Fault(0, "kill_ik_node"), goal_after=2)
    assert one(killed).unnamed
    assert not one(killed, Event(11.0, events.POLICY, "arm_silent")).unnamed


def test_joint_states_that_fail_to_come_are_not_named_by_an_arm_that_lags_behind() -> None:
    """Once, an arm that was measured too long ago was said to be far from where it should be."""
    dropped = Fault(0, "joints_dropped", {"duration_s": 0.12})
    ended = replace(CUT, fault=dropped, over_s=10.12, goal_after=2)
    far = "the trajectory starts 0.081 rad from where joint 7"
    assert one(ended, Event(10.1, events.CHUNK, "limit_exceeded", f"{far} is")).unnamed
    late = Event(10.1, events.CHUNK, "no_joint_states", f"{far} was 0.09 s ago")
    assert one(ended, late).named == ("no_joint_states",)


def test_a_process_that_was_killed_as_an_episode_ended_well_must_say_that_it_began_anew() -> None:
    killed = replace(CUT, fault=Fault(0, "kill_ik_node"), goal_after=2, ended_well=True)
    refused = Event(11.0, events.CHUNK, "internal_error", "ik_node failed")
    assert one(killed, refused).unnamed
    anew = Event(10.9, events.ARM, "inactive")
    assert not one(killed, refused, anew).unnamed
    assert one(replace(killed, ended_well=False), anew).unnamed  # then others must miss it
    slow = replace(killed, recovered_s=16.0)
    assert one(slow).unnamed
    assert not one(slow, Event(10.9, events.ARM, "inactive")).unnamed


@pytest.mark.parametrize(
    "event",
    [
        Event(9.9, events.POLICY, "connection_lost"),  # before it
        Event(12.1, events.POLICY, "connection_lost"),  # after it
        Event(11.0, events.COUNTER, "frames_dropped"),  # of elsewhere
        Event(11.0, events.DIAGNOSTICS, "views_stale", "a"),  # of elsewhere
    ],
)
def test_what_has_nothing_to_do_with_it_names_nothing(event: Event) -> None:
    assert one(CUT, event).named == ()


def test_diagnostics_may_come_a_little_later_but_not_after_the_next_fault() -> None:
    late = replace(CUT, fault=Fault(0, "view_dropped", {"duration_s": 0.5, "view": "all"}))
    warning = Event(12.8, events.DIAGNOSTICS, "views_stale", "a")
    assert one(late, warning).named == (warning.name,)
    following = replace(late, struck_s=12.5, over_s=13.0, recovered_s=14.0)
    first, second = decide([late, following], [warning], RESTS)
    assert first.named == ()
    assert second.named == (warning.name,)


def test_an_episode_that_ends_by_the_fault_before_needs_no_other_name() -> None:
    garbage = replace(CUT, fault=Fault(0, "garbage"), struck_s=8.0, over_s=8.1, recovered_s=9.0)
    ends = replace(JITTER, goal_after=2)
    ended = Event(11.0, events.POLICY, "protocol_error")
    assert [each.unnamed for each in decide([garbage, ends], [ended], RESTS)] == [True, False]
    counted = replace(ended, source=events.DIAGNOSTICS)
    assert decide([garbage, ends], [counted], RESTS)[1].unnamed
    assert one(ends, ended).unnamed


@pytest.mark.parametrize(
    ("record", "result"),
    [
        (replace(CUT, recovered_s=None, failure="nothing played within 60 s"), "hang"),
        (replace(CUT, recovered_s=None, failure="ik_node ended", crashed=True), "crash"),
        (replace(CUT, struck_s=None), "missed"),
    ],
)
def test_what_was_not_played_to_its_end(record: Record, result: str) -> None:
    outcome = one(record)
    assert outcome.result == result
    assert outcome.went_on is (None if result == "missed" else False)


@pytest.mark.parametrize(("late_s", "unnamed"), [((), False), ((11.0,), True), ((13.0,), False)])
def test_trajectories_that_are_delayed_and_in_time_need_no_word(
    late_s: tuple[float, ...], unnamed: bool
) -> None:
    delayed = replace(CUT, fault=Fault(0, "late_delivery", {"duration_s": 1.5, "delay_s": 0.17}))
    (outcome,) = decide([delayed], [], RESTS, late_s)
    assert outcome.unnamed is unnamed
    assert outcome.result == ("went on" if unnamed else "absorbed")


def test_summaries_add_up() -> None:
    records = [CUT, replace(CUT, fault=Fault(1, "garbage"), goal_after=2), JITTER]
    named = Event(10.6, events.POLICY, "connection_lost")
    by_kind, whole = summarise(decide(records, [named], RESTS))
    assert list(by_kind) == ["jitter", "cut", "garbage"]
    assert whole.times == 3
    assert by_kind["cut"].results == {"went on": 1}
    assert by_kind["garbage"].results == {"ended": 1}
    assert (whole.could, whole.did) == (2, 2)
    assert by_kind["cut"].named == {"connection_lost": 1}
    assert len(whole.recover_s) == 3
