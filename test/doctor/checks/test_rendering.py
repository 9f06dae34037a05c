# SPDX-License-Identifier: Apache-2.0
import pytest

from vera_ros.doctor.checks.rendering import judge
from vera_ros.doctor.facts.tools import Deadline, probe
from vera_ros.doctor.finding import Verdict
from vera_ros.robots.registry import SIMULATED

PATIENCE_S = 120.0


@pytest.mark.parametrize("embodiment", SIMULATED)
def test_the_scene_can_be_rendered_here(embodiment: str) -> None:
    finding = judge(probe("rendering", Deadline(PATIENCE_S), {"embodiment": embodiment}))
    assert finding.verdict in (Verdict.OK, Verdict.WARNING), finding.found  # of a busy machine
    assert "MUJOCO_GL=" in finding.found


def test_without_a_renderer_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "disable")
    finding = judge(probe("rendering", Deadline(PATIENCE_S), {"embodiment": "mimicgen"}))
    assert finding.verdict is Verdict.FAILURE
    assert "libegl1" in finding.mend


@pytest.mark.parametrize(
    ("milliseconds", "verdict"), [(3.0, Verdict.OK), (34.0, Verdict.OK), (60.0, Verdict.WARNING)]
)
def test_a_machine_that_renders_slowly_is_warned_of(milliseconds: float, verdict: Verdict) -> None:
    finding = judge({"backend": "egl", "milliseconds": milliseconds, "contrast": 40.0})
    assert finding.verdict is verdict
    assert ("--lockstep" in finding.mend) == (verdict is Verdict.WARNING)


def test_a_driver_that_renders_nothing_is_a_failure() -> None:
    finding = judge({"backend": "egl", "milliseconds": 3.0, "contrast": 0.0})
    assert finding.verdict is Verdict.FAILURE
    assert "one colour" in finding.found
