# SPDX-License-Identifier: Apache-2.0
"""The arm's set-up by the real probe, with good and bad descriptions and parameters."""

from typing import Any

import pytest

from vera_ros.bringup.graph_options import find_arm
from vera_ros.doctor.checks.robot.arm import (
    check,
    judge_compiled,
    judge_limits,
    judge_missing,
    judge_model,
    judge_response,
)
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import Deadline, probe
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.doctor.options import Options
from vera_ros.resources import share_path
from vera_ros.robots.registry import SIMULATED, find_robot

from ...example_facts import configuration

PATIENCE_S = 120.0
URDF = share_path("description", "urdf", "panda.urdf").read_text()
STACKING = [name for name in SIMULATED if find_robot(name).simulator.other_arms == ""]
ROBOTS = [*((name, "") for name in SIMULATED), *((name, "ur5e") for name in STACKING)]


def ask(urdf: str = URDF, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters, and what the probe tells of them."""
    parameters = dict(configuration(ik={"tcp_frame": "panda_grip_site", **changes}).ik)
    question = {"parameters": parameters, "urdf": urdf}
    return parameters, probe("arm", Deadline(PATIENCE_S), question)


def model_findings(urdf: str = URDF, **changes: Any) -> dict[str, Finding]:
    parameters, facts = ask(urdf, **changes)
    return {f.name: f for f in judge_model(facts, "robot.urdf", parameters)}


def test_the_packaged_arm_is_well() -> None:
    parameters, facts = ask()
    findings = judge_model(facts, "panda.urdf", parameters)
    assert {f.verdict for f in findings} == {Verdict.OK}
    assert findings[0].found == "panda.urdf: 7 joints, panda_link0 to panda_grip_site"
    assert judge_limits(facts["limits"], parameters["limits"]).verdict is Verdict.OK
    assert judge_response(facts["response"]).found == "osc_pose_panda.yaml"


@pytest.mark.parametrize(("embodiment", "arm"), ROBOTS)
def test_every_simulated_robot_is_well(embodiment: str, arm: str) -> None:
    params_file = str(find_arm(arm)) if arm else ""
    options = Options(embodiment=embodiment, params_file=params_file, deadline_s=PATIENCE_S)
    findings = check(Context(options))
    assert {f.verdict for f in findings} <= {Verdict.OK, Verdict.SKIPPED}
    assert findings[0].found.startswith("the simulated robot: ")


@pytest.mark.parametrize(
    ("urdf", "changes", "named"),
    [
        ("<robot", {}, "not valid XML"),
        (URDF, {"joint_names": [f"fr3_joint{i}" for i in range(1, 8)]}, "fr3_joint1"),
        (URDF, {"tcp_frame": "tool"}, "no frame 'tool'"),
    ],
)
def test_a_description_of_another_arm_is_a_failure(
    urdf: str, changes: dict[str, Any], named: str
) -> None:
    findings = model_findings(urdf, **changes)
    assert list(findings) == ["robot description"]
    assert findings["robot description"].verdict is Verdict.FAILURE
    assert named in findings["robot description"].found


def test_without_inertias_contact_cannot_be_told() -> None:
    weightless = URDF.replace("<inertial", "<!-- inertial").replace("</inertial>", "-->")
    finding = model_findings(weightless)["inertias"]
    assert finding.verdict is Verdict.FAILURE
    assert "effort_model: none" in finding.mend
    assert model_findings(weightless, effort_model="none")["inertias"].verdict is Verdict.SKIPPED


def test_parameters_that_do_not_fit_the_arm_are_a_failure() -> None:
    finding = model_findings(effort_limits=[20.0] * 6)["arm set-up"]
    assert finding.verdict is Verdict.FAILURE
    assert "effort_limits" in finding.found


def test_files_that_cannot_be_read_are_named() -> None:
    _, facts = ask(limits="nowhere.yaml", response_model="nothing.yaml", urdf="")
    assert "nowhere.yaml" in judge_limits(facts["limits"], "nowhere.yaml").found
    assert judge_limits(facts["limits"], "nowhere.yaml").verdict is Verdict.FAILURE
    assert judge_response(facts["response"]).verdict is Verdict.FAILURE
    assert "model" not in facts


def test_links_that_cannot_be_checked_are_warned_of() -> None:
    parameters, facts = ask()
    assert not facts["set_up"]["remarks"]
    parameters, facts = ask(self_distance_m=0.018)
    finding = judge_model(facts, "panda.urdf", parameters)[-1]
    assert finding.verdict is Verdict.WARNING
    assert "panda_link6-panda_hand" in finding.found


def test_a_missing_description_names_its_topic() -> None:
    finding = judge_missing("/robot_description")
    assert finding.verdict is Verdict.FAILURE
    assert "/robot_description" in finding.found


@pytest.mark.parametrize(
    ("kept", "expected"), [(37, Verdict.OK), (30, Verdict.WARNING), (0, Verdict.WARNING)]
)
def test_a_slow_first_start_is_warned_of(kept: int, expected: Verdict) -> None:
    finding = judge_compiled({"functions": 37, "kept": kept})
    assert finding.verdict is expected
    assert ("compile_motion" in finding.mend) is (expected is Verdict.WARNING)


def test_an_empty_cache_is_seen(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    facts = probe("compiled", Deadline(PATIENCE_S), {})
    assert facts["kept"] == 0
    assert facts["functions"] > 30
