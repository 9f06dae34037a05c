# SPDX-License-Identifier: Apache-2.0
"""The watch sees an arm that does not do what it was told, or what it was not told."""

import numpy as np
import pytest

from verification.chaos.monitor.arm_watch import ArmWatch
from verification.chaos.monitor.recording import JointSample, Playing, Trajectory
from verification.rig import START_Q

from ..swings import Swing

STILL = np.zeros(7)
AT_S = 10.0


@pytest.fixture
def watch() -> ArmWatch:
    return ArmWatch()


def from_now(trajectory: Trajectory, at_s: float) -> Playing:
    return Playing(trajectory, at_s, at_s)


def texts(watch: ArmWatch) -> str:
    return "; ".join(text for _, text in watch.violations)


def test_an_arm_that_follows_is_fine(watch: ArmWatch) -> None:
    one = Swing()
    for sample in one.samples(AT_S, AT_S - 0.5, AT_S):
        watch.update(sample)
    watch.add_trajectory(one.playing(AT_S))
    for sample in one.samples(AT_S + 0.03, AT_S, AT_S + 4.0):  # a little late
        watch.update(sample)
    assert watch.violations == []
    first, second = watch.rests
    assert (first.from_s, first.until_s) == pytest.approx((9.5, 10.2), abs=0.1)
    assert (second.from_s, second.until_s) == pytest.approx((11.4, 14.0), abs=0.1)
    assert watch.largest_off_rad < 1e-3


def test_an_arm_that_moves_by_itself_is_seen(watch: ArmWatch) -> None:
    for sample in Swing().samples(AT_S, AT_S - 0.5, AT_S + 2.0):
        watch.update(sample)
    assert len(watch.violations) == 1
    assert "although nothing plays" in texts(watch)


def test_an_arm_that_creeps_is_seen(watch: ArmWatch) -> None:
    for step in range(500):
        q = START_Q + 1e-4 * step
        watch.update(JointSample(AT_S + 0.01 * step, q, STILL + 0.01))
    assert "from where it rested" in texts(watch)


def test_an_arm_that_goes_on_after_its_trajectory_is_seen(watch: ArmWatch) -> None:
    watch.add_trajectory(Swing().playing(AT_S))
    for sample in Swing(2, 0.4, 4.0).samples(AT_S, AT_S, AT_S + 4.0):
        watch.update(sample)
    assert "although nothing plays" in texts(watch)


def test_an_arm_that_does_not_follow_is_seen_once(watch: ArmWatch) -> None:
    watch.add_trajectory(Swing(0, 0.4, 3.0).playing(AT_S))
    for step in range(300):
        watch.update(JointSample(AT_S + 0.01 * step, START_Q, STILL))
    assert len(watch.violations) == 1
    assert "from its trajectory" in texts(watch)


def test_an_arm_that_leaves_its_trajectory_and_is_stopped_is_fine(watch: ArmWatch) -> None:
    watch.add_trajectory(Swing(0, 0.4, 3.0).playing(AT_S))
    standing = [JointSample(AT_S + 0.01 * step, START_Q, STILL) for step in range(300)]
    for sample in standing[:180]:
        watch.update(sample)
    still = np.zeros((1, 7))
    hold = Trajectory(np.array([1.5]), START_Q[None], still, still, START_Q, STILL, STILL)
    watch.add_trajectory(from_now(hold, standing[180].stamp_s))
    for sample in standing[180:]:
        watch.update(sample)
    assert watch.violations == []


def back(seconds: float) -> Trajectory:
    """One piece from a long way off to where the arm stands, as slow as that."""
    still = np.zeros((1, 7))
    return Trajectory(np.array([seconds]), START_Q[None], still, still, START_Q + 0.4, STILL, STILL)


@pytest.mark.parametrize(("off_rad", "blamed"), [(0.0, 0), (0.05, 1)])
def test_an_arm_that_rests_where_its_trajectory_ends_need_not_go_there(
    watch: ArmWatch, off_rad: float, blamed: int
) -> None:
    """Its controller has not heard of what was stopped before, and is told to stay."""
    watch.add_trajectory(from_now(back(3.0), AT_S))
    for step in range(500):
        watch.update(JointSample(AT_S + 0.01 * step, START_Q + off_rad, STILL))
    assert len(watch.violations) == blamed


def test_an_arm_out_of_sight_is_known_again_when_it_rests(watch: ArmWatch) -> None:
    """The simulator stood still: what the arm did meanwhile is not its fault."""
    watch.add_trajectory(Swing(0, 0.4, 3.0).playing(AT_S))
    late = Swing(0, 0.4, 3.0).samples(AT_S + 1.0, AT_S + 1.5, AT_S + 5.0)
    for sample in (*Swing(0, 0.4, 3.0).samples(AT_S, AT_S, AT_S + 0.5), *late):
        watch.update(sample)
    assert watch.violations == []
    for sample in Swing(1).samples(AT_S + 6.0, AT_S + 5.0, AT_S + 7.0):
        watch.update(sample)
    assert len(watch.violations) == 1


@pytest.mark.parametrize(
    ("told", "later_s", "blamed"), [(True, 0.3, 0), (True, 1.5, 1), (False, 0.3, 1)]
)
def test_a_simulator_that_stood_still_may_play_what_it_was_told_meanwhile(
    watch: ArmWatch, told: bool, later_s: float, blamed: int
) -> None:
    """It rests when it goes on, and takes up its messages a moment later."""
    for sample in Swing().samples(AT_S, AT_S - 0.5, AT_S - 0.1):
        watch.update(sample)
    if told:
        watch.add_trajectory(Swing(1, 0.1, 0.3).playing(AT_S))
    goes_on_s = AT_S + 1.0
    late = Swing(1, 0.1, 0.5)
    for sample in late.samples(goes_on_s + later_s, goes_on_s, goes_on_s + later_s + 2.0):
        watch.update(sample)
    assert len(watch.violations) == blamed


def test_a_gap_right_after_a_trajectory_was_told_is_no_motion_of_its_own(watch: ArmWatch) -> None:
    one = Swing(0, 0.4, 3.0)
    for sample in one.samples(AT_S, AT_S - 0.5, AT_S - 0.1):
        watch.update(sample)
    watch.add_trajectory(one.playing(AT_S))
    for sample in one.samples(AT_S, AT_S + 0.1, AT_S + 5.0):
        watch.update(sample)
    assert watch.violations == []


def test_after_a_gap_the_next_trajectory_counts(watch: ArmWatch) -> None:
    watch.add_trajectory(Swing(0, 0.4, 3.0).playing(AT_S))
    for sample in Swing(0, 0.4, 3.0).samples(AT_S + 1.0, AT_S + 1.5, AT_S + 2.0):
        watch.update(sample)
    watch.add_trajectory(Swing(2, 0.4, 3.0).playing(AT_S + 2.0))
    for sample in Swing(0, 0.4, 3.0).samples(AT_S + 1.0, AT_S + 2.0, AT_S + 4.5):
        watch.update(sample)
    assert "from its trajectory" in texts(watch)
