# SPDX-License-Identifier: Apache-2.0
"""The guides in docs/ name nothing that does not exist, and their commands are valid."""

import ast
import importlib
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from vera_ros.bringup.launch_arguments import LAUNCH_ARGUMENTS
from vera_ros.demo.cli import make_parser as make_demo_parser
from vera_ros.doctor.cli import make_parser as make_doctor_parser
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.nodes.ik.setup import parameters as ik_parameters
from vera_ros.nodes.policy import parameters as policy_parameters
from vera_ros.nodes.server import parameters as server_parameters
from vera_ros.server.sources import variables_of
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import (
    ActionChunk,
    ArmStatus,
    ChunkProgress,
    PolicyStatus,
    StackTruth,
    TaskTruth,
)
from vera_ros_interfaces.srv import AdvanceTime, ReloadServer, ResetScene

INTERFACES = (
    *(ActionChunk, ArmStatus, ChunkProgress, PolicyStatus, StackTruth, TaskTruth),
    *(ExecuteTask.Goal, ExecuteTask.Result, ExecuteTask.Feedback),
    *(
        kind
        for srv in (AdvanceTime, ReloadServer, ResetScene)
        for kind in (srv.Request, srv.Response)
    ),
)
ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = ROOT / "docs" / "tutorials"
PAGES = sorted(page for page in ROOT.glob("docs/**/*.md") if page.stem != "index")
GUIDES = [TUTORIALS / "real_panda.md", TUTORIALS / "vera_server.md"]  # step by step
SOURCES = [
    path
    for folder in ("vera_ros", "verification", "docker", "launch")
    for path in (ROOT / folder).rglob("*.py")
]
LAUNCH_FILE = ROOT / "launch" / "mimicgen_panda.launch.py"
COMPOSE = (ROOT / "docker" / "compose.yaml").read_text()
PARSERS = {"scripts/doctor": make_doctor_parser(), "scripts/demo": make_demo_parser()}
PARAMETERS: dict[str, dict[str, Parameter]] = {
    node: {parameter.name: parameter for parameter in parameters}
    for node, parameters in (
        ("ik_node", ik_parameters.PARAMETERS),
        ("policy_node", policy_parameters.PARAMETERS),
        ("server_node", server_parameters.PARAMETERS),
    )
}
# Of Docker, ROS, ros2_control, DDS, robots and VERA, or an executable: not declared in the code.
FOREIGN = {
    "compile_motion",
    "sensor_msgs",
    "franka_ros2",
    "interpolate_from_desired_state",
    "interpolation_method",
    "joint_trajectory_controller",
    "qos_overrides",
    "set_last_command_interface_value_as_state_on_activation",
    "update_rate",
}
FOREIGN_VARIABLES = {
    "FASTDDS_DEFAULT_PROFILES_FILE",
    "FASTRTPS_DEFAULT_PROFILES_FILE",
    "MUJOCO_GL",
    "NUMBA_CACHE_DIR",
    "ROS_DISTRO",
    "ROS_DOMAIN_ID",
    "ROS_HOME",
    "ROS_SECURITY_ENABLE",
    "ROS_SECURITY_ENCLAVE_OVERRIDE",
    "ROS_SECURITY_KEYSTORE",
    "ROS_SECURITY_STRATEGY",
    "SSL_CERT_FILE",
    "VERA_DOCTOR_OPTIONS",
    "VERA_ROS_WHEELS",
    "YOUR_CAMERAS",
}

every_page = pytest.mark.parametrize("guide", PAGES, ids=lambda path: path.stem)
every_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)


def blocks(guide: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", guide.read_text(), re.DOTALL | re.MULTILINE)


def commands(guide: Path) -> Iterator[list[str]]:
    """The words of every command; what stands before it (variables, export) is left out."""
    for block in blocks(guide, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            command: list[str] = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word != "&&":
                    if command or "=" not in word:
                        command.append(word)
                    continue
                if command:
                    yield command
                command = []


def starting(guide: Path, *words: str) -> Iterator[list[str]]:
    """What follows these words in every command that begins with them."""
    for command in commands(guide):
        if command[: len(words)] == list(words):
            yield command[len(words) :]


def spans(guide: Path) -> set[str]:
    """What stands between backticks in running text and tables."""
    text = re.sub(r"^```.*?^```", "", guide.read_text(), flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`([^`\n]+)`", text))


def literals() -> list[str]:
    """Every text in the sources; what is filled in at run time is left out."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "\0" for p in node.values)
                found.append("".join(map(str, parts)))
    return found


def check_fields(text: str, kind: Any) -> None:
    """Fail unless the YAML fits the type."""
    known = kind.get_fields_and_field_types()
    assert (yaml.safe_load(text) or {}).keys() <= known.keys(), text


def type_of(name: str) -> Any:
    package, kind, name = name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), name)


@every_page
def test_it_is_linked_from_the_readme(guide: Path) -> None:
    assert f"]({guide.relative_to(ROOT)})" in (ROOT / "README.md").read_text()


@every_page
def test_files_that_it_names_exist(guide: Path) -> None:
    text = guide.read_text()
    pattern = r"(?<![\w/.-])(?:config|description|docker|launch|scripts|test|docs)/[\w./-]*\w"
    named = set(re.findall(pattern, text)) - {"docker/.env"}
    assert named or guide not in GUIDES
    assert not [name for name in named if not (ROOT / name).exists()]


@every_guide
def test_scripts_take_these_options(guide: Path) -> None:
    called = [command for command in commands(guide) if command[0].startswith("scripts/")]
    assert called
    for program, *options in called:
        assert os.access(ROOT / program, os.X_OK), program
        if program in PARSERS:
            PARSERS[program].parse_args(options)


@every_guide
def test_launch_arguments_are_declared(guide: Path) -> None:
    declared = {argument.name for argument in LAUNCH_ARGUMENTS}
    choices = {a.name: a.choices for a in LAUNCH_ARGUMENTS if a.choices}
    given = re.findall(r"(\w+):=([\w./:-]+)", guide.read_text())
    assert given
    for name, value in given:
        assert name in declared, name
        assert value in choices.get(name, (value,)), value
    for rest in starting(guide, "ros2", "launch"):
        assert rest[:2] == ["vera_ros", LAUNCH_FILE.name]


@every_guide
def test_calls_of_the_running_graph_are_possible(guide: Path) -> None:
    known = set(literals())
    for node, name, value in starting(guide, "ros2", "param", "set"):
        parameter = PARAMETERS[node.strip("/")][name]
        assert parameter.live, name
        parameter.check(yaml.safe_load(value))
    for name, kind, *request in starting(guide, "ros2", "service", "call"):
        node, _, service = name.strip("/").partition("/")
        assert node in PARAMETERS, name
        assert service in known, name
        check_fields("".join(request), type_of(kind).Request)
    for _, name, kind, *message in starting(guide, "ros2", "topic", "pub"):
        assert name.strip("/") in known, name
        check_fields("".join(message), type_of(kind))
    for echoed in starting(guide, "ros2", "topic", "echo"):
        assert echoed[-1].strip("/") in known, echoed
    for name, kind, goal, *_ in starting(guide, "ros2", "action", "send_goal"):
        assert name in known, name
        check_fields(goal, type_of(kind).Goal)


@every_guide
def test_parameter_files_are_valid(guide: Path) -> None:
    for block in blocks(guide, "yaml"):
        for node, content in yaml.safe_load(block).items():
            for name, value in content["ros__parameters"].items():
                PARAMETERS[node.removeprefix("/**/")][name].check(value)


@every_page
def test_names_are_known(guide: Path) -> None:
    """Parameters, topics, services, fields, causes, states and variables."""
    known = set(literals()) | FOREIGN | {"vera_ros", "vera_server"}
    known |= {argument.name for argument in LAUNCH_ARGUMENTS}
    known |= {name for kind in INTERFACES for name in kind.get_fields_and_field_types()}
    known |= {name for parameters in PARAMETERS.values() for name in parameters}
    words = (re.fullmatch(r"([a-z]+(?:_[a-z0-9]+)+)(?:: .*)?", span) for span in spans(guide))
    unknown = {word[1] for word in words if word} - known
    assert not unknown

    constants = {name for kind in INTERFACES for name in dir(kind)}
    settings = PARAMETERS["server_node"]
    variables = {each for name in settings for each in variables_of(name, "mimicgen")}
    others = [ROOT / "docker", ROOT / "config" / "checkpoints.json", ROOT / "test" / "live"]
    files = [f for path in others for f in ([path] if path.is_file() else path.rglob("*"))]
    text = "\n".join(f.read_text() for f in files if f.is_file() and f.suffix != ".pyc")
    variables |= set(re.findall(r"[A-Z]+(?:_[A-Z0-9]+)+", text)) | FOREIGN_VARIABLES
    upstream = (ROOT / "test" / "server" / "test_upstream.py").read_text()
    variables |= set(re.findall(r"VERA_[A-Z]+", upstream))
    used = set(re.findall(r"(?<![\w/])[A-Z]+(?:_[A-Z]+)+(?!\w)", guide.read_text()))
    unknown = used - constants - variables
    assert not unknown


@every_guide
def test_messages_are_those_of_the_code(guide: Path) -> None:
    texts = [text.lower() for text in literals()]
    tables = re.findall(r"^\| message \|.*\n(?:\|.*\n)+", guide.read_text(), re.MULTILINE)
    messages = [m for table in tables for m in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)]
    assert len(messages) > 5
    for message in messages:
        for part in message.lower().split("…"):
            assert any(part.strip() in text for text in texts), part


def test_downloads_are_those_of_the_table() -> None:
    guide = (TUTORIALS / "vera_server.md").read_text().replace("\\\n", " ")
    shown = re.sub(r"\s+", " ", guide)
    table = json.loads((ROOT / "config" / "checkpoints.json").read_text())
    names = [*table["embodiments"]["mimicgen"]["bundles"], *table["trackers"]["cotracker"]]
    for name in names:
        bundle = table["bundles"][name]
        for command in bundle["command"].split(" && "):
            assert command in shown, command
        assert bundle.get("size", "") in shown, name
        assert bundle["licence"] in shown, name


def test_the_compose_file_reads_these_variables() -> None:
    guide = (TUTORIALS / "vera_server.md").read_text()
    rows = re.findall(r"^\| (`[A-Z`, _]+`) \|", guide, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"\w+", row)}
    read = set(re.findall(r"\$\{?([A-Z_]+)", COMPOSE))
    libraries = {"HOME", "TORCH_HOME", "HF_HOME"}  # what they use where nothing else is said
    assert told == read - libraries


def test_the_container_gets_the_folders_that_compose_gives_it() -> None:
    guide = TUTORIALS / "vera_server.md"
    services = yaml.safe_load(COMPOSE)["services"]
    wanted = {volume["target"] for volume in services["vera_server"]["volumes"]}
    runs = list(starting(guide, "docker", "run"))
    assert len(runs) == 2
    for words in runs:
        assert set(re.findall(r"target=([^,]+),readonly", " ".join(words))) == wanted
    for words in starting(guide, "docker", "compose", "--file", "docker/compose.yaml", "exec"):
        assert words[0] in services
