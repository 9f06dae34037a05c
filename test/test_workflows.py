# SPDX-License-Identifier: Apache-2.0
"""What runs elsewhere (workflows, pixi, devcontainer) names what is there, in valid form."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from catkin_pkg.package import parse_package  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from vera_ros.doctor.checks import libraries

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PIXI = (ROOT / "pixi.toml").read_text()
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())

# The part of GitHub's workflow syntax that is used here.
STEP = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "uses": {"type": "string", "pattern": r"^[\w-]+/[\w-]+@[0-9a-f]{40}$"},
        "with": {"type": "object"},
        "run": {"type": "string"},
        "if": {"type": "string"},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
    "additionalProperties": False,
}
JOB = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "runs-on": {"type": "string"},
        "container": {"type": "string"},
        "timeout-minutes": {"type": "integer", "maximum": 120},
        "continue-on-error": {"type": "string"},
        "strategy": {"type": "object"},
        "defaults": {"type": "object"},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
        "steps": {"type": "array", "items": STEP, "minItems": 1},
    },
    "required": ["runs-on", "timeout-minutes", "steps"],
    "additionalProperties": False,
}
WORKFLOW = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "on": {"type": "object"},
        "permissions": {"const": {"contents": "read"}},
        "concurrency": {"type": "object"},
        "jobs": {"type": "object", "additionalProperties": JOB},
    },
    "required": ["name", "on", "permissions", "jobs"],
    "additionalProperties": False,
}

# conda-forge's names, where they differ from PyPI's.
CONDA_NAMES = {
    "msgpack": "msgpack-python",
    "mujoco": "mujoco-python",
    "opencv-python-headless": "py-opencv",
    "pin": "pinocchio",
}
# What ros_base of ROS 2 Jazzy depends on, by itself or in turn (REP 2001).
ROS_BASE = {
    *("action_msgs", "ament_index_python", "builtin_interfaces", "diagnostic_msgs"),
    *("geometry_msgs", "launch", "launch_ros", "lifecycle_msgs", "nav_msgs", "rcl_interfaces"),
    *("rclpy", "robot_state_publisher", "ros2cli", "ros2doctor", "ros2launch", "rosgraph_msgs"),
    *("sensor_msgs", "std_msgs", "std_srvs", "trajectory_msgs", "visualization_msgs"),
}

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow; in YAML 1.1, which PyYAML reads, the key `on` is true."""
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {("on" if key is True else key): value for key, value in loaded.items()}


def jobs() -> dict[str, dict[str, Any]]:
    return {name: job for path in WORKFLOWS for name, job in workflow(path)["jobs"].items()}


def pixi() -> dict[str, Any]:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    loaded: dict[str, Any] = tomllib.loads(PIXI)
    return loaded


@every_workflow
def test_a_workflow_has_github_s_form(path: Path) -> None:
    jsonschema.validate(workflow(path), WORKFLOW)


@every_workflow
def test_an_action_is_a_commit_whose_version_is_written_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text())
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line) for line in used)


def test_an_action_is_the_same_commit_everywhere() -> None:
    used = {line for path in WORKFLOWS for line in re.findall(r"uses: (.*)", path.read_text())}
    assert len({line.split("@")[0] for line in used}) == len(used)


def test_no_step_after_the_checkout_can_push() -> None:
    steps = [step for job in jobs().values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    for step in checkouts:
        assert step["with"]["persist-credentials"] is False


@every_workflow
def test_expressions_name_what_is_defined(path: Path) -> None:
    for job in workflow(path)["jobs"].values():
        variables = set(job.get("strategy", {}).get("matrix", {}))
        assert set(re.findall(r"matrix\.([\w-]+)", json.dumps(job))) == variables


@every_workflow
def test_the_shell_can_read_every_step(path: Path) -> None:
    for name, job in workflow(path)["jobs"].items():
        for step in job["steps"]:
            script = re.sub(r"\$\{\{.*?\}\}", "value", step.get("run", ""))
            ran = subprocess.run(
                ["bash", "-n"], input=script, capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, f"{name}: {ran.stderr}"


@every_workflow
def test_every_step_runs_programs_that_exist(path: Path) -> None:
    for job in workflow(path)["jobs"].values():
        for step in job["steps"]:
            for program in re.findall(r"^(?:scripts|\.ci)/\w+", step.get("run", ""), re.MULTILINE):
                assert os.access(ROOT / program, os.X_OK), program
            for task in re.findall(r"pixi run ([\w-]+)", step.get("run", "")):
                assert f"[tasks.{task}]" in PIXI or re.search(rf"^{task} = ", PIXI, re.MULTILINE)


def test_every_supported_distribution_is_tested() -> None:
    matrix = jobs()["ros"]["strategy"]["matrix"]["distribution"]
    page = (ROOT / "docs" / "how_to" / "install.md").read_text()
    table = page.split("## Distributions")[1].split("`rosdep`")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    tested = {row[1].lower(): row[5] for row in rows if len(row) > 5 and "every change" in row[5]}
    assert matrix == list(tested)
    may_fail = [name for name, tests in tested.items() if "may fail" in tests]
    assert jobs()["ros"]["continue-on-error"] == (
        "${{ " + " || ".join(f"matrix.distribution == '{name}'" for name in may_fail) + " }}"
    )
    wheels = jobs()["wheels"]["strategy"]["matrix"]["wheels"]
    assert all((ROOT / "scripts" / "requirements" / f"{name}.txt").is_file() for name in wheels)


def test_pixi_knows_the_platforms_without_apt() -> None:
    workspace = pixi()["workspace"]
    assert set(workspace["platforms"]) >= {"linux-64", "linux-aarch64", "osx-arm64"}
    names = [channel.rsplit("/", 1)[1] for channel in workspace["channels"]]
    assert names == ["robostack-jazzy", "conda-forge"]  # the first one wins


def test_pixi_installs_the_python_libraries_that_setup_asks_for() -> None:
    given = pixi()["dependencies"]
    requirements = libraries.declared_requirements()
    for requirement in map(Requirement, requirements[""] + requirements["demo"]):
        name = requirement.name.lower()
        if name == "setuptools":
            continue
        wanted = given.get(CONDA_NAMES.get(name, name))
        assert wanted is not None, name
        assert SpecifierSet(wanted) == requirement.specifier, name


def test_pixi_installs_the_ros_packages_that_the_manifest_declares() -> None:
    given = pixi()["dependencies"]
    for dependency in parse_package(str(ROOT / "package.xml")).exec_depends:
        name = dependency.name
        if name in ROS_BASE or name.startswith(("python3-", "vera_ros")):
            continue
        assert given.keys() & {name, f"ros-jazzy-{name.replace('_', '-')}"}, name


def test_pixi_s_tasks_pass_their_arguments_on_to_programs_that_exist(tmp_path: Path) -> None:
    """Each command is run by bash, with a `ros2` that prints what it was given."""
    (tmp_path / "install").mkdir()
    (tmp_path / "install" / "setup.bash").touch()
    ros2 = tmp_path / "ros2"
    ros2.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    ros2.chmod(0o755)
    setup = (ROOT / "setup.py").read_text()
    for name, task in pixi()["tasks"].items():
        if isinstance(task, str):
            continue
        passed = ["--names", "one two"] if "$@" in task["cmd"] else []
        shown = subprocess.run(
            [*shlex.split(task["cmd"]), *passed],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        verb, package, program, *rest = shown
        assert (package, rest) == ("vera_ros", passed), name
        if verb == "run":
            assert f'"{program} = vera_ros.' in setup
        else:
            assert verb == "launch"
            assert (ROOT / "launch" / program).is_file()


def test_the_devcontainer_is_of_a_tested_distribution() -> None:
    image, _, distribution = CONTAINER["image"].partition(":")
    assert image == "ros"
    assert distribution in jobs()["ros"]["strategy"]["matrix"]["distribution"]
    assert CONTAINER["remoteUser"] == next(iter(CONTAINER["features"].values()))["username"]


def test_the_devcontainer_is_set_up_by_a_script_that_can_run() -> None:
    script = ROOT / CONTAINER["postCreateCommand"]
    assert os.access(script, os.X_OK)
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("needs shellcheck")
    checked = subprocess.run(
        [program, "--external-sources", script], cwd=script.parent, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stdout.decode()
