# SPDX-License-Identifier: Apache-2.0
"""The part of `ros2 doctor` that vera_ros provides."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vera_ros.doctor.checks.table import CHECKS, GRAPH_CHECKS
from vera_ros.doctor.finding import Finding, failure, not_needed, ok, unknown, warning
from vera_ros.doctor.options import Options

if TYPE_CHECKING:
    from vera_ros.doctor import ros2_doctor
else:
    ros2_doctor = pytest.importorskip(
        "vera_ros.doctor.ros2_doctor", reason="needs ros2doctor, which a ROS installation has"
    )

ROOT = Path(__file__).parents[2]
SIMULATION = ("/sim_node", "/ik_node", "/policy_node", "/rviz2")

Examined = list[Options]


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Examined:
    """The options with which checks were run; none really is."""
    seen: Examined = []

    def run(checks: Sequence[Any], options: Options) -> dict[Any, tuple[Finding, ...]]:
        assert checks == GRAPH_CHECKS
        seen.append(options)
        return {checks[0]: (ok("nodes", "all"),)}

    monkeypatch.setattr(ros2_doctor, "run", run)
    return seen


def test_the_checks_are_those_of_the_running_graph() -> None:
    names = {check.name for check in GRAPH_CHECKS}
    assert names == {"nodes", "views", "joint states", "efforts", "controllers"}
    assert set(GRAPH_CHECKS) < set(CHECKS)


@pytest.mark.parametrize(
    "nodes", [(), ("/camera/driver",), ("/move_group", "/sim_node"), ("/my_ik_node",)]
)
def test_where_nothing_of_vera_ros_runs_there_is_nothing_to_check(
    examined: Examined, nodes: Sequence[str]
) -> None:
    assert not list(ros2_doctor.findings(nodes, {}))
    assert not examined


@pytest.mark.parametrize("space", ["", "/left", "/cell/left"])
def test_a_simulation_is_checked_where_it_runs(examined: Examined, space: str) -> None:
    nodes = [f"{space}{name}" for name in SIMULATION]
    assert [name for name, _ in ros2_doctor.findings(nodes, {})] == ["vera_ros nodes"]
    assert [(each.robot, each.namespace) for each in examined] == [("sim", space)]


@pytest.mark.parametrize("space", ["", "/left"])
def test_a_real_arm_needs_its_parameter_file(examined: Examined, space: str) -> None:
    ((_, finding),) = ros2_doctor.findings([f"{space}/ik_node"], {})
    assert "VERA_DOCTOR_OPTIONS='--robot real" in finding.mend
    assert (f"--namespace {space}" in finding.mend) is bool(space)
    assert not examined


def test_the_variable_has_the_options_of_the_command(examined: Examined) -> None:
    given = {"VERA_DOCTOR_OPTIONS": "--robot real --config 'my arm.yaml' --deadline 20"}
    assert len(list(ros2_doctor.findings(["/ik_node"], given))) == 1
    (options,) = examined
    assert (options.robot, options.config, options.deadline_s) == ("real", "my arm.yaml", 20.0)


@pytest.mark.parametrize("given", ["--robot cardboard", "robot", "'open", "--deadline 0"])
def test_a_wrong_variable_is_one_failure(examined: Examined, given: str) -> None:
    ((_, finding),) = ros2_doctor.findings([], {"VERA_DOCTOR_OPTIONS": given})
    assert f"'{given}' is not valid" in finding.found
    assert "correct the variable VERA_DOCTOR_OPTIONS" in finding.mend


@pytest.mark.parametrize(
    ("finding", "errors", "warnings"),
    [
        (ok("a", "b"), 0, 0),
        (not_needed("a", "b"), 0, 0),
        (warning("a", "b", "c"), 0, 1),
        (failure("a", "b", "c"), 1, 0),
        (unknown("a", "b", "c"), 1, 0),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_failures_and_warnings_are_those_of_the_command(
    monkeypatch: pytest.MonkeyPatch, finding: Finding, errors: int, warnings: int
) -> None:
    monkeypatch.setattr(ros2_doctor, "_findings", lambda: (("vera_ros a", finding),))
    result = ros2_doctor.GraphCheck().check()
    assert (result.error, result.warning) == (errors, warnings)
    (item,) = ros2_doctor.GraphReport().report().items
    assert item == ("vera_ros a", f"{finding.verdict.value}, {finding.found}")
    assert ros2_doctor.GraphCheck().category() == ros2_doctor.GraphReport().category()


def entry_points() -> list[tuple[str, str]]:
    """Group and target of each entry point of `ros2 doctor` in setup.py."""
    text = (ROOT / "setup.py").read_text()
    return re.findall(r'"(ros2doctor\.\w+)": \["\w+ = ([\w.:]+)"\]', text)


def test_ros2_doctor_runs_it(ros_domain: int, tmp_path: Path) -> None:
    """The real run_checks and generate_reports, with the entry points of setup.py."""
    folder = tmp_path / "vera_ros-0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: vera_ros\nVersion: 0\n")
    points = [f"[{group}]\nVeraRos = {target}\n" for group, target in entry_points()]
    assert len(points) == 2
    (folder / "entry_points.txt").write_text("\n".join(points))
    script = (
        "from ros2doctor.api import generate_reports, run_checks\n"
        "print(run_checks(), [r.items for r in generate_reports(categories=['vera_ros'])])\n"
        "from ros2cli.node.daemon import shutdown_daemon\n"
        "shutdown_daemon([])\n"  # other parts of `ros2 doctor` start it
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}:{os.environ['PYTHONPATH']}",
        "ROS_DOMAIN_ID": f"{ros_domain}",
        "VERA_DOCTOR_OPTIONS": "--robot cardboard",
    }
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "'vera_ros'" in ran.stdout
    assert "invalid choice: 'cardboard'" in ran.stderr
    assert "'--robot cardboard' is not valid" in ran.stdout
    assert "fails to load" not in "".join(re.findall(r".*VeraRos.*", ran.stderr))
