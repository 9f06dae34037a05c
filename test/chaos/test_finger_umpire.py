# SPDX-License-Identifier: Apache-2.0
"""The fingers go on from where they are told to be, or are, within their limits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.rig import GRIPPER_LIMITS, START_Q
from chaos.finger_umpire import FingerTrajectory, FingerUmpire
from chaos.recording import JointHistory, JointSample
from chaos.umpire import Judgement

OPEN_M, SPEED_M_S = GRIPPER_LIMITS.upper_m, GRIPPER_LIMITS.speed_m_s
AT_S = 10.0
CLOSING = FingerTrajectory(0, AT_S, AT_S, np.array([0.2, 0.6]), np.array([OPEN_M, 0.0]))


def umpire(*fingers_m: float) -> FingerUmpire:
    """One who has seen the finger in these places, a tenth of a second apart until AT_S."""
    history = JointHistory()
    for index, finger_m in enumerate(fingers_m):
        stamp_s = AT_S - 0.1 * (len(fingers_m) - 1 - index)
        history.add(JointSample(stamp_s, START_Q, np.zeros(7), finger_m))
    return FingerUmpire(GRIPPER_LIMITS, history)


def test_fingers_that_begin_where_they_are_are_good() -> None:
    judgement = umpire(OPEN_M).judge(CLOSING)
    assert (judgement.source, judgement.violations) == ("measured", ())
    assert judgement.of == "fingers"


@given(after_s=st.floats(0.0, 2.0), until_m=st.floats(0.0, OPEN_M))
def test_whatever_goes_on_from_the_command_is_good(after_s: float, until_m: float) -> None:
    """Also where the fingers hold a cube, and are not where they are told to be."""
    one = umpire(OPEN_M)
    assert one.judge(CLOSING).violations == ()
    begins_s = AT_S + after_s
    now_m = float(np.interp(after_s, [0.2, 0.6], [OPEN_M, 0.0]))
    needed_s = abs(until_m - now_m) / SPEED_M_S + 1e-3
    judgement = one.judge(
        FingerTrajectory(1, begins_s, begins_s, np.array([needed_s]), np.array([until_m]))
    )
    assert (judgement.source, judgement.violations) == ("plan", ())


def test_fingers_that_jump_are_found() -> None:
    one = umpire(0.0)
    one.judge(replace(CLOSING, begins_s=AT_S - 1.0))
    jump = FingerTrajectory(1, AT_S, AT_S, np.array([0.01]), np.array([OPEN_M]))
    assert one.judge(jump).violations == ("the fingers move too fast",)


def test_an_arm_side_that_begins_anew_goes_on_from_the_fingers() -> None:
    one = umpire(OPEN_M, 0.02)
    assert one.judge(replace(CLOSING, begins_s=AT_S - 1.0)).violations == ()
    grip = FingerTrajectory(1, AT_S, AT_S, np.array([0.2]), np.array([0.0]))
    hold = FingerTrajectory(2, AT_S, AT_S, np.array([0.01]), np.array([0.02]))
    assert one.judge(hold).source == "measured"
    assert one.judge(grip).source == "plan"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"positions_m": np.array([OPEN_M, -0.01]), "times_s": np.array([0.2, 1.0])}, "go from"),
        ({"times_s": np.array([0.2, 0.3])}, "too fast"),
        ({"times_s": np.array([0.2, 0.2])}, "do not increase"),
        ({"positions_m": np.array([np.nan, 0.0])}, "not finite"),
        ({"times_s": np.array([]), "positions_m": np.array([])}, "shape"),
        ({"times_s": np.array([0.2, 100.0])}, "takes 100.0 s"),
    ],
)
def test_bad_fingers_are_blamed(changed: dict[str, object], words: str) -> None:
    judgement: Judgement = umpire(OPEN_M).judge(replace(CLOSING, **changed))  # type: ignore[arg-type]
    assert words in "; ".join(judgement.violations)


def test_fingers_that_nobody_has_seen_are_not_blamed_for_their_start() -> None:
    judgement = umpire().judge(CLOSING)
    assert (judgement.source, judgement.violations) == ("", ())


def test_fingers_that_were_put_elsewhere_begin_from_there() -> None:
    one = umpire(OPEN_M)
    one.judge(replace(CLOSING, begins_s=AT_S - 1.0))
    assert one.judge(CLOSING).source == "measured"


def test_fingers_that_were_put_somewhere_unseen_are_not_blamed() -> None:
    one = umpire()
    one.judge(replace(CLOSING, begins_s=AT_S - 1.0))
    times_s, positions_m = np.array([0.02, 0.8]), np.array([OPEN_M, 0.0])
    assert one.judge(replace(CLOSING, times_s=times_s, positions_m=positions_m)).violations == ()
