# SPDX-License-Identifier: Apache-2.0
"""The verifier lets good motion pass and blames bad motion for what is bad about it."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from verification.chaos.monitor import set_point
from verification.chaos.monitor.arm_verifier import ArmVerifier, Judgement
from verification.chaos.monitor.recording import JointHistory, JointSample, Published
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker
from verification.rig import START_Q

from ..swings import PAST_S, Swing

STILL = np.zeros(7)
AT_S = 10.0


@pytest.fixture
def history() -> JointHistory:
    """An arm that stands at the start posture."""
    history = JointHistory()
    for stamp_s in np.arange(AT_S - 1.0, AT_S + 0.05, 0.01):
        history.add(JointSample(float(stamp_s), START_Q, STILL))
    return history


@pytest.fixture
def verifier(checker: Checker, bounds: TrajectoryBounds, history: JointHistory) -> ArmVerifier:
    return ArmVerifier(checker, bounds, history)


def judge(verifier: ArmVerifier, published: Published) -> Judgement:
    return verifier.judge(published)[0]


def told_from_rest(verifier: ArmVerifier, swing: Swing) -> None:
    """The set-point is known: it stood, and plays the swing from AT_S on."""
    verifier.judge(Swing(far_rad=0.0, duration_s=0.1).approached(AT_S - 0.5))
    assert judge(verifier, swing.published(AT_S)).violations == ()


def test_what_leads_to_somewhere_else_than_the_arm_is_blamed(verifier: ArmVerifier) -> None:
    away = moved(Swing().approached(AT_S, 2.0), 0.06)
    assert judge(verifier, away).violations == (
        "it begins 0.0600 rad from the arm; valid is up to 0.05 rad",
    )


@pytest.mark.parametrize("joint", range(7))
def test_a_motion_from_where_the_arm_rests_is_good(verifier: ArmVerifier, joint: int) -> None:
    judgement = judge(verifier, Swing(joint).approached(AT_S))
    assert judgement.violations == ()
    assert judgement.source == "rest"
    assert judgement.duration_s == pytest.approx(1.8, abs=0.02)


@pytest.mark.parametrize("joint", range(7))
def test_a_motion_from_the_set_point_at_rest_is_good(verifier: ArmVerifier, joint: int) -> None:
    verifier.judge(Swing(far_rad=0.0, duration_s=0.1).approached(AT_S - 0.5))
    judgement = judge(verifier, Swing(joint).published(AT_S))
    assert (judgement.source, judgement.violations) == ("plan", ())
    assert 0.0 < judgement.lead_s < 0.1  # it begins to move at once, but slowly


@pytest.mark.parametrize("later_s", [0.013, 0.31, 0.75, 1.2, 1.49])
def test_a_motion_that_goes_on_is_good(verifier: ArmVerifier, later_s: float) -> None:
    whole = Swing()
    told_from_rest(verifier, whole)
    judgement = judge(verifier, whole.published(AT_S + later_s, later_s))
    assert judgement.violations == ()
    assert judgement.source == "plan"
    assert judgement.lead_s == pytest.approx(0.25, abs=0.01)  # for as long as one looks


def turned(lead_s: float, at_s: float) -> Published:
    """A swing of joint 1 that goes on for a lead, when joint 3 begins to move as well."""
    base, other = Swing(), Swing(2, 0.05, 0.8)
    goes_on = base.published(at_s, at_s - AT_S)
    after_s = goes_on.times_s - PAST_S - lead_s
    q, dq, ddq = other.at(after_s)
    return replace(goes_on, q=goes_on.q + q - START_Q, dq=goes_on.dq + dq, ddq=goes_on.ddq + ddq)


@pytest.mark.parametrize("lead_s", [0.0125, 0.05, 0.1])
@pytest.mark.parametrize("late_s", [0.0, 0.011, 0.2])
def test_the_lead_is_what_a_trajectory_leaves_and_only_the_way_may_be_longer(
    verifier: ArmVerifier, lead_s: float, late_s: float
) -> None:
    told_from_rest(verifier, Swing())
    published = turned(lead_s, AT_S + 0.5)
    published = replace(published, arrived_s=published.published_s + late_s)
    judgement, playing = verifier.judge(published)
    assert judgement.violations == ()
    assert lead_s - 0.002 <= judgement.lead_s <= lead_s + 0.05  # it begins slowly
    assert judgement.late_s == pytest.approx(max(0.0, late_s - judgement.lead_s))
    assert playing is not None
    assert playing.steps is (judgement.late_s > 0.0)
    assert (judgement.step_rad > 1e-3) is (late_s == 0.2), "a step that begins slowly"


def test_what_asks_for_nothing_is_never_late(verifier: ArmVerifier) -> None:
    told_from_rest(verifier, Swing(far_rad=0.0, duration_s=0.1))
    stays = replace(Swing(far_rad=0.0, duration_s=1.0).published(AT_S + 0.5), arrived_s=AT_S + 0.9)
    judgement = judge(verifier, stays)
    assert (judgement.violations, judgement.late_s) == ((), 0.0)


def test_what_is_published_behind_its_own_lead_is_blamed(verifier: ArmVerifier) -> None:
    told_from_rest(verifier, Swing())
    published = replace(turned(0.0125, AT_S + 0.5), published_s=AT_S + 0.6, arrived_s=AT_S + 0.602)
    assert "no continuation of the plan" in judge(verifier, published).violations[0]


def test_a_step_of_the_set_point_is_blamed_however_small(verifier: ArmVerifier) -> None:
    """By 0.1 mrad, which a controller would command within one period."""
    told_from_rest(verifier, Swing())
    good = Swing().published(AT_S + 0.75, 0.75)
    assert judge(verifier, moved(good, 1e-4)).violations != ()


def test_a_clock_that_nobody_can_know_so_well_is_not_blamed(verifier: ArmVerifier) -> None:
    told_from_rest(verifier, Swing())
    shifted = Swing().published(AT_S + 0.752, 0.75)
    shifted = replace(shifted, published_s=AT_S + 0.75, uncertainty_s=0.005)
    judgement, playing = verifier.judge(shifted)
    assert judgement.violations == ()
    assert playing is not None
    assert playing.steps  # the arm feels it nevertheless
    told_from_rest(verifier, Swing())
    assert judge(verifier, replace(shifted, uncertainty_s=0.0)).violations != ()


@pytest.mark.parametrize(("by_s", "step_s"), [(0.1, set_point.CLOCK_STEP_S), (1.5, 0.25)])
def test_a_clock_that_jumped_as_the_trajectory_was_sent_is_not_blamed(
    verifier: ArmVerifier, monkeypatch: pytest.MonkeyPatch, by_s: float, step_s: float
) -> None:
    """By 1.5 s, all of it is in the past: the arm rests before it and after it."""
    monkeypatch.setattr(set_point, "CLOCK_STEP_S", step_s)  # a second for each error that is tried
    told_from_rest(verifier, Swing())
    good = Swing().published(AT_S + 0.75, 0.75)
    late = replace(good, begins_s=good.begins_s - by_s)
    assert judge(verifier, late).violations != ()
    told_from_rest(verifier, Swing())
    assert judge(verifier, replace(late, uncertainty_s=by_s + 0.01)).violations == ()


def test_a_brake_from_the_measured_motion_is_blamed_where_the_set_point_is_another(
    verifier: ArmVerifier, history: JointHistory
) -> None:
    """The arm has left its plan by 0.2 rad: from there the set-point would jump."""
    whole, elsewhere = Swing(), Swing(2, 0.2)
    told_from_rest(verifier, whole)
    for sample in elsewhere.samples(AT_S, AT_S + 0.05, AT_S + 0.76):
        history.add(sample)
    slowing = elsewhere.published(AT_S + 0.75, 0.75)
    assert "no continuation of the plan" in judge(verifier, slowing).violations[0]


def test_what_ends_before_it_comes_is_not_taken(verifier: ArmVerifier) -> None:
    """What plays goes on, and so does the next trajectory."""
    told_from_rest(verifier, Swing())
    late = replace(Swing().published(AT_S + 1.3, 1.3), arrived_s=AT_S + 1.6)
    judgement, playing = verifier.judge(late)
    assert (judgement.taken, playing, judgement.violations) == (False, None, ())
    again = judge(verifier, replace(Swing().published(AT_S + 1.4, 1.4), arrived_s=AT_S + 1.7))
    assert again.violations == ()


def test_one_may_go_on_from_what_is_still_under_way(verifier: ArmVerifier) -> None:
    """Whoever sent it cannot know when it came."""
    told_from_rest(verifier, Swing())
    verifier.judge(replace(turned(0.0125, AT_S + 0.5), arrived_s=AT_S + 0.8))
    follows = turned(0.0125 - 0.2, AT_S + 0.7)
    assert judge(verifier, replace(follows, arrived_s=AT_S + 0.801)).violations == ()


def with_value(good: Published, name: str, value: float) -> Published:
    values = getattr(good, name).copy()
    values[len(values) // 2] = value
    return replace(good, **{name: values})


BAD: list[tuple[str, Callable[[], Published]]] = [
    ("no points", lambda: cut(Swing().published(AT_S), 0)),
    *(
        (
            "not finite",
            lambda name=name, value=value: with_value(Swing().published(AT_S), name, value),
        )
        for name in ("times_s", "q", "dq", "ddq")
        for value in (np.nan, np.inf, -np.inf)
    ),
    ("increase", lambda: with_value(Swing().published(AT_S), "times_s", 0.1)),
    ("increase", lambda: later(Swing().published(AT_S), -0.0125)),
    ("no continuation", lambda: moved(Swing(1).approached(AT_S, 0.02), 0.01)),
    ("takes", lambda: Swing(0, 0.1, 31.0).published(AT_S)),
    ("zero velocity", lambda: cut(Swing().published(AT_S), 60)),
    ("joint velocity", lambda: Swing(6, 2.0, 1.0).published(AT_S)),
    ("joint acceleration", lambda: Swing(1, 0.2, 0.35).published(AT_S)),
    ("joint jerk", lambda: with_value(Swing().published(AT_S), "q", START_Q[0] + 1e-3)),
    ("position limit", lambda: Swing(3, -0.6, 3.0).published(AT_S)),
    ("outside the workspace", lambda: Swing(0, 1.4, 4.0).published(AT_S)),
    ("TCP linear velocity", lambda: Swing(0, 2.5, 0.5).published(AT_S)),
    ("no continuation", lambda: moved(Swing().published(AT_S), 0.06)),
    ("no continuation", lambda: moved(Swing().published(AT_S), 0.001)),
    ("no continuation", lambda: Swing().published(AT_S, 0.4)),
]


def cut(good: Published, count: int) -> Published:
    return replace(
        good,
        times_s=good.times_s[:count],
        q=good.q[:count],
        dq=good.dq[:count],
        ddq=good.ddq[:count],
    )


def later(good: Published, by_s: float) -> Published:
    return replace(good, times_s=good.times_s + by_s)


def moved(good: Published, by_rad: float) -> Published:
    return replace(good, q=good.q + by_rad)


@pytest.mark.parametrize(("words", "make"), BAD, ids=[f"{n}-{w}" for n, (w, _) in enumerate(BAD)])
def test_a_bad_motion_is_blamed_for_it(
    verifier: ArmVerifier, words: str, make: Callable[[], Published]
) -> None:
    verifier.judge(Swing(far_rad=0.0, duration_s=0.1).approached(AT_S - 0.5))
    found = judge(verifier, make()).violations
    assert any(words in text for text in found), found


@pytest.mark.parametrize(
    "make",
    [
        lambda: Swing().published(AT_S + 0.75),  # as from rest, while it moves
        lambda: Swing().published(AT_S + 0.75, 0.6),  # back in time
        lambda: Swing().published(AT_S + 0.75, 0.9),  # a piece is left out
        lambda: Swing(1).published(AT_S + 0.75, 0.75),  # another joint
        lambda: Swing(0, -0.1).published(AT_S + 0.75, 0.75),  # the other way
    ],
)
def test_what_does_not_go_on_is_blamed(
    verifier: ArmVerifier,
    history: JointHistory,
    make: Callable[[], Published],
) -> None:
    verifier.judge(Swing().published(AT_S))
    for sample in Swing().samples(AT_S, AT_S + 0.05, AT_S + 0.8):
        history.add(sample)
    found = judge(verifier, make()).violations
    assert any("no continuation" in text or "step in velocity" in text for text in found), found


def test_a_start_where_the_arm_is_no_longer_is_blamed(
    verifier: ArmVerifier, history: JointHistory
) -> None:
    """As from joint states that are half a second old."""
    one = Swing(0, 0.3)
    for sample in one.samples(AT_S, AT_S + 0.05, AT_S + 0.8):
        history.add(sample)
    stale = Swing(0, 0.3).published(AT_S + 0.75)
    stale = replace(stale, q=stale.q - START_Q + one.at(np.array([0.3]))[0])
    found = judge(verifier, stale).violations
    assert any("no continuation of the measured" in text for text in found), found


def test_a_trajectory_that_comes_far_too_late_is_blamed(verifier: ArmVerifier) -> None:
    """A controller that gets it in the middle would start at full speed."""
    verifier.judge(Swing(far_rad=0.0, duration_s=0.1).approached(AT_S - 0.5))
    late = replace(Swing(0, 0.3).approached(AT_S), published_s=AT_S + 0.9, arrived_s=AT_S + 0.9)
    assert any("no continuation of the plan" in text for text in judge(verifier, late).violations)


def test_a_stop_of_what_has_ended_goes_on_from_its_end(verifier: ArmVerifier) -> None:
    verifier.judge(Swing().published(AT_S))
    back = Swing()
    ended = back.published(AT_S + 2.0)
    ended = replace(ended, q=ended.q + 0.1 * np.eye(7)[0])
    judgement = judge(verifier, ended)
    assert judgement.violations == ()
    assert judgement.source == "plan"


def test_what_an_unseen_arm_does_is_not_blamed_but_limits_count(
    checker: Checker, bounds: TrajectoryBounds
) -> None:
    good = judge(ArmVerifier(checker, bounds, JointHistory()), Swing().published(AT_S))
    assert (good.source, good.violations) == ("", ())
    fast = judge(ArmVerifier(checker, bounds, JointHistory()), Swing(6, 2.0, 1.0).published(AT_S))
    assert any("joint velocity" in text for text in fast.violations)


def test_a_violation_comes_with_its_evidence(verifier: ArmVerifier) -> None:
    verifier.judge(Swing().approached(AT_S))
    bad = judge(verifier, Swing(1).published(AT_S + 0.5, 0.5))
    assert len(bad.evidence["points"]["q"]) == len(bad.evidence["points"]["times_s"])
    assert bad.evidence["before"]["begins_s"] == AT_S
    assert bad.evidence["before"]["from_s"] == AT_S + 0.002
    assert bad.evidence["arm"]["q"] == START_Q.tolist()
    json.dumps(bad.evidence)


def test_what_was_put_elsewhere_may_not_play_any_more(verifier: ArmVerifier) -> None:
    verifier.judge(Swing().published(AT_S - 0.75))
    verifier.mark_uncertain()
    assert judge(verifier, Swing().published(AT_S)).source == "rest"


def test_what_was_told_while_a_scene_was_set_may_still_be_gone_on_from(
    verifier: ArmVerifier,
) -> None:
    swing = Swing()
    verifier.judge(swing.published(AT_S))
    verifier.mark_uncertain()
    good = judge(verifier, swing.published(AT_S + 0.25, 0.25))
    assert (good.source, good.violations) == ("plan", ())


@pytest.mark.parametrize(("late_s", "good"), [(0.12, True), (0.2, False)])
def test_a_controller_may_take_a_trajectory_up_a_little_later(
    verifier: ArmVerifier, history: JointHistory, late_s: float, good: bool
) -> None:
    """The arm shows that it still plays what was before, and that is gone on from."""
    verifier.judge(Swing(far_rad=0.0, duration_s=0.1).approached(AT_S - 0.5))
    assert judge(verifier, Swing(1, 0.3, 0.8).published(AT_S)).violations == ()
    for stamp_s in np.arange(AT_S + 0.05, AT_S + late_s + 0.01, 0.01):
        history.add(JointSample(float(stamp_s), START_Q, STILL))
    stays = judge(verifier, Swing(far_rad=0.0, duration_s=0.1).published(AT_S + late_s))
    assert (stays.violations == ()) is good


def test_an_arm_that_was_put_elsewhere_is_led_from_there(
    verifier: ArmVerifier, history: JointHistory
) -> None:
    """Its controller has begun anew: what it was told to do before is far away."""
    swing = Swing()
    verifier.judge(swing.published(AT_S))
    verifier.mark_uncertain()
    resting = JointSample(AT_S + 2.0, START_Q + 0.2, STILL)
    history.add(resting)
    approach = moved(Swing().approached(AT_S + 2.1, 1.0), 0.2)
    judgement, playing = verifier.judge(approach)
    assert (judgement.source, judgement.violations) == ("rest", ())
    assert playing is not None
    assert np.abs(playing.at(AT_S + 2.2).q - resting.q).max() < 0.01


def test_what_goes_on_from_something_unheard_is_not_blamed_for_its_start(
    checker: Checker, bounds: TrajectoryBounds
) -> None:
    swing, history = Swing(), JointHistory()
    for sample in swing.samples(AT_S, AT_S - 0.5, AT_S + 0.3):
        history.add(sample)
    one = ArmVerifier(checker, bounds, history)
    wild = Swing(1, 0.3).published(AT_S + 0.25, 0.25)
    one.mark_uncertain()
    late = replace(wild, published_s=wild.begins_s + 0.02)
    assert judge(one, late).source == ""
    one.mark_uncertain()
    assert judge(one, late).violations == ()
    other = Swing(2, 0.3).published(AT_S + 0.25, 0.25)
    assert judge(one, other).violations != ()  # the next one goes on from what was heard
