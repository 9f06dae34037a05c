# SPDX-License-Identifier: Apache-2.0
"""The doctor proposes the effort_model that fits what the driver reports."""

from typing import Any

import numpy as np
import pytest

from vera_ros.doctor.checks.robot.efforts import judge, judge_measured
from vera_ros.doctor.facts.tools import Deadline, probe
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.doctor.probes import efforts
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.resources import share_path

from ...example_facts import ARM, configuration

URDF = share_path("description", "urdf", "panda.urdf").read_text()
WEIGHTLESS = URDF.replace("<inertial", "<!-- inertial").replace("</inertial>", "-->")
Q = np.array([0.0, 0.2, 0.0, -2.6, 0.0, 2.9, 0.8])
GRAVITY = ArmModel(URDF, ARM).efforts(Q, np.zeros(7))


def question(effort: Any, urdf: str = URDF, **changes: Any) -> dict[str, Any]:
    parameters = dict(configuration(ik={"tcp_frame": "panda_grip_site", **changes}).ik)
    return {"parameters": parameters, "urdf": urdf, "measured": [Q.tolist(), list(effort)]}


def finding(effort: Any, urdf: str = URDF, **changes: Any) -> Finding:
    """What is found, with the probe in this process."""
    facts: dict[str, Any] = {}
    asked = question(effort, urdf, **changes)
    efforts.probe(asked, facts.__setitem__)
    return judge(facts, asked["parameters"]["effort_model"])


def test_efforts_as_the_parameter_says_are_well() -> None:
    found = judge(probe("efforts", Deadline(120.0), question(GRAVITY)), "rigid_body")
    assert found == finding(GRAVITY)
    assert found.verdict is Verdict.OK
    found = finding(np.full(7, 0.1), effort_model="none")
    assert found.verdict is Verdict.OK
    assert "lack gravity" in found.found


@pytest.mark.parametrize(
    ("effort", "changes", "mend"),
    [
        (np.full(7, 0.1), {}, "set effort_model: none in the parameter file"),
        (GRAVITY, {"effort_model": "none"}, "set effort_model: rigid_body in the parameter file"),
        (-GRAVITY, {}, "sign"),
        (
            GRAVITY,
            {"urdf": WEIGHTLESS, "effort_model": "none", "effort_limits": [5.0] * 7},
            "panda.urdf",
        ),
        (
            np.full(7, 0.1),
            {"urdf": WEIGHTLESS, "collision_description": "panda.urdf"},
            "set effort_model: none",
        ),
    ],
    ids=["without gravity", "with gravity", "sign", "no inertias", "inertias from another URDF"],
)
def test_a_model_that_does_not_fit_is_warned_of(
    effort: Any, changes: dict[str, Any], mend: str
) -> None:
    found = finding(effort, **changes)
    assert found.verdict is Verdict.WARNING
    assert mend in found.mend


def test_what_cannot_be_told_is_not_said() -> None:
    assert finding(np.full(7, 0.1), WEIGHTLESS, effort_model="none").verdict is Verdict.SKIPPED
    assert finding(GRAVITY, joint_names=["elbow"]).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("row", "value", "verdict", "named"),
    [
        (2, np.nan, Verdict.SKIPPED, "missing"),
        (0, np.nan, Verdict.SKIPPED, "missing"),
        (1, 0.3, Verdict.SKIPPED, "moves"),
        (2, 0.0, Verdict.WARNING, "exactly 0"),
    ],
)
def test_efforts_that_cannot_be_compared(
    row: int, value: float, verdict: Verdict, named: str
) -> None:
    measured = np.stack((Q, np.zeros(7), GRAVITY))
    assert judge_measured(measured, 0.05) is None
    measured[row] = value
    found = judge_measured(measured, 0.05)
    assert found is not None
    assert found.verdict is verdict
    assert named in found.found
