# SPDX-License-Identifier: Apache-2.0
"""The monitor puts what arrives in order, and judges it when all of it can be there."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.chaos.monitor.arm_verifier import Judgement
from verification.chaos.monitor.finger_verifier import FingerTrajectory
from verification.chaos.monitor.monitor import Finding, Monitor
from verification.chaos.monitor.recording import JointSample
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker
from verification.rig import GRIPPER_LIMITS, START_Q

from ..swings import Swing

AT_S = 10.0
PATIENCE_S = 0.5


@pytest.fixture
def monitor(checker: Checker, bounds: TrajectoryBounds) -> Monitor:
    return Monitor(checker, bounds, GRIPPER_LIMITS)


def of(kind: str, findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding["finding"] == kind]


def feed(monitor: Monitor, samples: Sequence[JointSample]) -> list[Finding]:
    """Samples arrive as they are taken, and the monitor looks at times."""
    findings: list[Finding] = []
    for index, sample in enumerate(samples):
        monitor.add_joints(sample)
        if index % 10 == 0:
            findings += monitor.judge(sample.stamp_s)
    return findings


def test_a_motion_is_judged_when_all_is_there(monitor: Monitor) -> None:
    one = Swing()
    assert feed(monitor, one.samples(AT_S, AT_S - 1.0, AT_S)) == []
    monitor.add_trajectory(one.approached(AT_S - 0.3))
    findings = feed(monitor, one.samples(AT_S, AT_S, AT_S + 3.0)) + monitor.finish()
    (trajectory,) = of("trajectory", findings)
    assert trajectory["violations"] == ()
    assert of("arm", findings) == []
    rests = [(rest["from_s"], rest["until_s"]) for rest in of("rest", findings)]
    assert rests == [
        (pytest.approx(9.0, abs=0.02), pytest.approx(10.2, abs=0.2)),
        (pytest.approx(11.4, abs=0.2), pytest.approx(13.0, abs=0.02)),
    ]
    assert findings[-1]["finding"] == "summary"
    json.dumps(findings, allow_nan=False)


def test_a_bad_motion_and_a_wild_arm_are_found(monitor: Monitor) -> None:
    feed(monitor, Swing().samples(AT_S, AT_S - 1.0, AT_S))
    monitor.add_trajectory(Swing(1, 0.2, 0.35).published(AT_S))
    monitor.add_trajectory(Judgement(1, AT_S, AT_S, AT_S, violations=("point 3 has 6 positions",)))
    findings = feed(monitor, Swing(2, 1.0, 4.0).samples(AT_S, AT_S, AT_S + 4.0)) + monitor.finish()
    bad, unreadable = of("trajectory", findings)
    assert any("acceleration" in text for text in bad["violations"])
    assert unreadable["violations"] == ("point 3 has 6 positions",)
    assert of("arm", findings)


def test_fingers_that_jump_and_an_arm_beyond_its_limits_are_found(monitor: Monitor) -> None:
    feed(monitor, Swing().samples(AT_S, AT_S - 1.0, AT_S))
    shut = FingerTrajectory(0, AT_S, AT_S, AT_S, np.array([0.4]), np.array([0.0]))
    late_s = AT_S + 1.0
    jump = FingerTrajectory(1, late_s, late_s, late_s, np.array([0.01]), np.array([0.04]))
    for fingers in (shut, jump):
        monitor.add_trajectory(fingers)
    hard = Swing(1, 0.3, 0.4).samples(AT_S + 0.5, AT_S, AT_S + 3.0)
    seen = [replace(sample, finger_m=0.0) for sample in hard]
    findings = feed(monitor, seen) + monitor.finish()
    good, bad = of("trajectory", findings)
    assert (good["of"], good["violations"]) == ("fingers", ())
    assert [text[:19] for text in bad["violations"]] == ["the fingers move at"]
    assert any("the acceleration of joint 2" in arm["violation"] for arm in of("arm", findings))
    assert of("summary", findings)[0]["largest_shares"]["acceleration"] > 1.25


def test_a_scene_that_is_set_moves_the_arm_and_nobody_is_to_blame(monitor: Monitor) -> None:
    """Truth comes ten times a second, so the moment of the jump is known to a tenth of one."""
    there = replace(Swing().samples(AT_S, 0.0, 0.01)[0], q=START_Q + 0.3)
    before = [replace(there, stamp_s=AT_S + 0.01 * step) for step in range(107)]
    after = [JointSample(AT_S + 0.01 * step, START_Q, np.zeros(7)) for step in range(107, 300)]
    for resets, samples in ((3, before), (4, after)):
        for sample in samples:
            monitor.add_joints(sample)
            if round(sample.stamp_s * 100) % 10 == 0:
                monitor.blind.update_truth(sample.stamp_s, resets)
    begins_s = after[-1].stamp_s
    monitor.add_trajectory(Swing().approached(begins_s))
    findings = feed(monitor, Swing().samples(begins_s, begins_s + 0.01, begins_s + 2.0))
    findings += monitor.finish()
    assert of("arm", findings) == []
    assert [finding["violations"] for finding in of("trajectory", findings)] == [()]


def test_the_same_jump_without_a_scene_is_found(monitor: Monitor) -> None:
    for step in range(300):
        q = START_Q + (0.3 if step < 107 else 0.0)
        monitor.add_joints(JointSample(AT_S + 0.01 * step, q, np.zeros(7)))
    assert of("arm", monitor.finish())


@settings(max_examples=20, deadline=None)
@given(looks=st.lists(st.floats(AT_S - 1.0, AT_S + 4.0), max_size=30).map(sorted))
def test_when_it_looks_changes_nothing(
    looks: list[float], checker: Checker, bounds: TrajectoryBounds
) -> None:
    one = Swing()

    def play(looks: Sequence[float]) -> list[Finding]:
        monitor, left = Monitor(checker, bounds, GRIPPER_LIMITS), list(looks)
        findings: list[Finding] = []
        for sample in one.samples(AT_S, AT_S - 1.0, AT_S + 3.0):
            if sample.stamp_s == pytest.approx(AT_S, abs=1e-6):
                monitor.add_trajectory(one.approached(AT_S - 0.3))
            monitor.add_joints(sample)
            while left and left[0] <= sample.stamp_s:
                findings += monitor.judge(left.pop(0))
        return findings + monitor.finish()

    def key(finding: Finding) -> str:
        return str(finding)

    assert sorted(play(looks), key=key) == sorted(play([]), key=key)


@pytest.mark.parametrize("heard", [False, True])
def test_an_arm_may_do_what_somebody_told_it_who_was_found_later(
    monitor: Monitor, heard: bool
) -> None:
    feed(monitor, Swing().samples(AT_S, AT_S - 1.0, AT_S))
    if not heard:
        monitor.blind.add_publisher(AT_S + 1.0)
    findings = feed(monitor, Swing(1).samples(AT_S, AT_S, AT_S + 4.0)) + monitor.finish()
    assert bool(of("arm", findings)) is heard


@pytest.mark.parametrize(("seen", "blamed"), [(True, True), (False, False)])
def test_controllers_that_nobody_saw_for_a_while_may_have_begun_anew(
    monitor: Monitor, seen: bool, blamed: bool
) -> None:
    """And then hold the arm where it is, a little off where they were told to bring it."""
    there = Swing(far_rad=0.0, duration_s=0.1)
    monitor.add_trajectory(there.approached(AT_S))
    standing = there.samples(AT_S, AT_S - 0.5, AT_S + 3.0)
    standing = [sample for sample in standing if seen or not 1.0 < sample.stamp_s - AT_S < 1.5]
    off = Swing(2).published(AT_S + 2.0)
    monitor.add_trajectory(replace(off, q=off.q + 0.001))
    (_, judged) = of("trajectory", feed(monitor, standing) + monitor.finish())
    assert bool(judged["violations"]) is blamed
