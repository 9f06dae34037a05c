# SPDX-License-Identifier: Apache-2.0
"""The fingers go on from where they are told to be, or are, within their limits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.chaos.monitor.arm_verifier import Judgement
from verification.chaos.monitor.finger_verifier import FingerTrajectory, FingerVerifier
from verification.chaos.monitor.recording import JointHistory, JointSample
from verification.rig import GRIPPER_LIMITS, START_Q

OPEN_M, SPEED_M_S = GRIPPER_LIMITS.upper_m, GRIPPER_LIMITS.speed_m_s
AT_S = 10.0
CLOSING = FingerTrajectory(0, AT_S, AT_S, AT_S, np.array([0.2, 0.6]), np.array([OPEN_M, 0.0]))


def before(trajectory: FingerTrajectory, by_s: float) -> FingerTrajectory:
    """The same, so much earlier."""
    at_s = trajectory.published_s - by_s
    begins_s = trajectory.begins_s - by_s
    return replace(trajectory, begins_s=begins_s, published_s=at_s, arrived_s=at_s)


def verifier(*fingers_m: float) -> FingerVerifier:
    """One who has seen the finger in these places, a tenth of a second apart until AT_S."""
    history = JointHistory()
    for index, finger_m in enumerate(fingers_m):
        stamp_s = AT_S - 0.1 * (len(fingers_m) - 1 - index)
        history.add(JointSample(stamp_s, START_Q, np.zeros(7), finger_m))
    return FingerVerifier(GRIPPER_LIMITS, history)


def test_fingers_that_begin_where_they_are_are_good() -> None:
    judgement = verifier(OPEN_M).judge(CLOSING)
    assert (judgement.source, judgement.violations) == ("measured", ())
    assert judgement.of == "fingers"


@given(after_s=st.floats(0.0, 2.0), until_m=st.floats(0.0, OPEN_M))
def test_whatever_goes_on_from_the_command_is_good(after_s: float, until_m: float) -> None:
    """Also where the fingers hold a cube, and are not where they are told to be."""
    one = verifier(OPEN_M)
    assert one.judge(CLOSING).violations == ()
    begins_s = AT_S + after_s
    now_m = float(np.interp(after_s, [0.2, 0.6], [OPEN_M, 0.0]))
    needed_s = abs(until_m - now_m) / SPEED_M_S + 1e-3
    judgement = one.judge(
        FingerTrajectory(1, begins_s, begins_s, begins_s, np.array([needed_s]), np.array([until_m]))
    )
    assert (judgement.source, judgement.violations) == ("plan", ())


def going_on(at_s: float, number: int = 1) -> FingerTrajectory:
    """What is left of CLOSING, with what led there."""
    times_s = np.arange(0.0, 0.7, 0.05)
    begins_s = at_s - 0.05
    positions_m = np.interp(begins_s + times_s - AT_S, [0.2, 0.6], [OPEN_M, 0.0])
    return FingerTrajectory(number, begins_s, at_s, at_s + 0.002, times_s, positions_m)


@given(after_s=st.floats(0.0, 0.5), off_m=st.floats(-0.01, 0.01))
def test_fingers_may_be_told_again_what_led_to_where_they_are(after_s: float, off_m: float) -> None:
    one = verifier(OPEN_M)
    one.judge(CLOSING)
    good = going_on(AT_S + after_s)
    assert one.judge(good).violations == ()
    aside = replace(good, positions_m=np.clip(good.positions_m + off_m, 0.0, OPEN_M))
    at_m, aside_m = (float(np.interp(0.05, t.times_s, t.positions_m)) for t in (good, aside))
    jumps = min(abs(aside_m - at_m), abs(aside_m - OPEN_M)) > 0.001 + 1e-9
    words = "; ".join(one.judge(aside).violations)
    assert not jumps or "the fingers jump" in words


def test_a_clock_that_nobody_can_know_moves_the_fingers_too() -> None:
    one = verifier(OPEN_M)
    one.judge(CLOSING)
    shifted = replace(going_on(AT_S + 0.4), published_s=AT_S + 0.45)
    assert one.judge(replace(shifted, uncertainty_s=0.1)).violations == ()


def test_fingers_that_jump_are_found() -> None:
    one = verifier(0.0)
    one.judge(before(CLOSING, 1.0))
    jump = FingerTrajectory(1, AT_S, AT_S, AT_S, np.array([0.01]), np.array([OPEN_M]))
    (violation,) = one.judge(jump).violations
    assert "the fingers move at" in violation


def test_a_stop_that_came_late_may_be_refused_and_the_fingers_go_on() -> None:
    """A hold is then good from where they are to be without it, and from nowhere else."""
    for held_m, good in ((0.02, True), (OPEN_M, True), (0.01, False)):
        one = verifier(OPEN_M)
        one.judge(CLOSING)
        stop = FingerTrajectory(
            1, AT_S, AT_S + 0.01, AT_S + 0.02, np.array([0.1]), np.array([OPEN_M])
        )
        assert one.judge(stop).violations == ()
        at_s = AT_S + 0.4  # closing since 0.2 s
        hold = FingerTrajectory(2, at_s, at_s, at_s + 0.01, np.array([0.01]), np.array([held_m]))
        assert (one.judge(hold).violations == ()) is good


def test_an_arm_side_that_begins_anew_goes_on_from_the_fingers() -> None:
    one = verifier(OPEN_M, 0.02)
    assert one.judge(before(CLOSING, 1.0)).violations == ()
    grip = FingerTrajectory(1, AT_S, AT_S, AT_S, np.array([0.2]), np.array([0.0]))
    hold = FingerTrajectory(2, AT_S, AT_S, AT_S, np.array([0.01]), np.array([0.02]))
    assert one.judge(hold).source == "measured"
    assert one.judge(grip).source == "plan"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"positions_m": np.array([OPEN_M, -0.01]), "times_s": np.array([0.2, 1.0])}, "go from"),
        ({"times_s": np.array([0.2, 0.3])}, "the fingers move at"),
        ({"times_s": np.array([0.2, 0.2])}, "do not increase"),
        ({"positions_m": np.array([np.nan, 0.0])}, "not finite"),
        ({"times_s": np.array([]), "positions_m": np.array([])}, "shape"),
        ({"times_s": np.array([0.2, 100.0])}, "takes 100.0 s"),
    ],
)
def test_bad_fingers_are_blamed(changed: dict[str, object], words: str) -> None:
    judgement: Judgement = verifier(OPEN_M).judge(replace(CLOSING, **changed))  # type: ignore[arg-type]
    assert words in "; ".join(judgement.violations)


def test_fingers_that_nobody_has_seen_are_not_blamed_for_their_start() -> None:
    judgement = verifier().judge(CLOSING)
    assert (judgement.source, judgement.violations) == ("", ())


def test_fingers_that_were_put_elsewhere_begin_from_there() -> None:
    one = verifier(OPEN_M)
    one.judge(before(CLOSING, 1.0))
    assert one.judge(CLOSING).source == "measured"


def test_fingers_that_were_put_somewhere_unseen_are_not_blamed() -> None:
    one = verifier()
    one.judge(before(CLOSING, 1.0))
    times_s, positions_m = np.array([0.02, 0.8]), np.array([OPEN_M, 0.0])
    assert one.judge(replace(CLOSING, times_s=times_s, positions_m=positions_m)).violations == ()


@pytest.mark.parametrize("ahead_s", [0.3, 0.45, 0.75])
def test_a_clock_that_has_just_jumped_is_not_the_senders_fault(ahead_s: float) -> None:
    """With 0.75 s, all of the trajectory is in the past for its controller."""
    late = replace(CLOSING, begins_s=AT_S - ahead_s)
    judgement = verifier(OPEN_M).judge(late)
    assert judgement.violations != ()
    assert judgement.evidence["measured"]["finger_m"] == [OPEN_M]
    assert verifier(OPEN_M).judge(replace(late, uncertainty_s=ahead_s + 0.01)).violations == ()
    elsewhere = replace(late, uncertainty_s=ahead_s + 0.01, positions_m=np.array([0.04, 0.03]))
    assert verifier(0.0).judge(elsewhere).violations != ()  # wherever the clock is
