# SPDX-License-Identifier: Apache-2.0
"""The launch files, run by the real launch."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters

from test.bringup.test_enclaves import make_keystore
from vera_ros.bringup.enclaves import enclave_of
from vera_ros.robots.registry import SIMULATED, find_robot

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes
else:
    from ros_helpers import Operator, Processes

TEST_FOLDER = Path(__file__).parent
_REASON = (
    "needs launch, launch_ros, launch_testing and ros2launch, which a ROS installation has; "
    "test_graph_processes.py plays the same scenario without them"
)
for _module in ("launch_ros", "launch_testing", "ros2launch"):
    pytest.importorskip(_module, reason=_REASON)

DDS_PROFILE = "share/vera_ros/config/fastdds_large_data.xml"
LAUNCH = ("ros2", "launch", "vera_ros", "mimicgen_panda.launch.py", "sigterm_timeout:=60")


def run(
    environment: Mapping[str, str], *command: str, timeout_s: float = 300.0
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture
def environment(
    ros_domain: int, workspace_environment: dict[str, str], tmp_path: Path
) -> dict[str, str]:
    return workspace_environment | {
        "ROS_DOMAIN_ID": str(ros_domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(tmp_path / "log"),
    }


def test_scenario(environment: dict[str, str]) -> None:
    environment["PYTHONPATH"] += f":{TEST_FOLDER}"
    scenario = str(TEST_FOLDER / "launch_scenario.py")
    ran = run(environment, sys.executable, "-m", "launch_testing.launch_test", scenario)
    assert ran.returncode == 0, ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.parametrize("embodiment", SIMULATED)
def test_arguments_are_explained(environment: dict[str, str], embodiment: str) -> None:
    file = find_robot(embodiment).config.replace(".yaml", ".launch.py")
    shown = run(environment, "ros2", "launch", "vera_ros", file, "--show-args").stdout
    for name in (
        "robot",
        "server",
        "server_url",
        "rviz",
        "namespace",
        "seed",
        "lockstep",
        "config",
        "params_file",
        "use_sim_time",
        "autostart",
        "log_level",
        "discovery",
        "keystore",
        "dds_profile",
    ):
        assert f"'{name}':" in shown
    assert "no description given" not in shown


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("robot:=cardboard", "cardboard"),
        ("seed:=many", "seed is 'many'; valid is a whole number"),
        ("realtime_factor:=-1", "realtime_factor is -1.0; valid is"),
        ("lockstep:=perhaps", "perhaps"),
        ("dds_profile:=huge", "huge"),
        ("discovery:=everywhere", "everywhere"),
        ("config:=/nowhere.yaml", "config '/nowhere.yaml' is not a file"),
        ("params_file:=/nowhere.yaml", "params_file '/nowhere.yaml' is not a file"),
        ("log_level:=loud", "loud"),
        ("keystore:=/nowhere", "of the enclave '/vera_ros/reference_server'"),
        ("speed_scale:=0.5", "launch argument 'speed_scale' is not known"),
        ("server_url:=http://127.0.0.1:8800", "server_url is 'http://127.0.0.1:8800'"),
    ],
)
def test_what_cannot_be_started_is_refused(
    environment: dict[str, str], argument: str, message: str
) -> None:
    ran = run(environment, *LAUNCH, argument)
    assert ran.returncode == 1
    assert message in ran.stdout
    assert "process started" not in ran.stdout


@pytest.mark.parametrize(("profile", "path"), [("none", ""), ("large_data", DDS_PROFILE)])
def test_nodes_use_the_dds_profile(
    environment: dict[str, str], tmp_path: Path, server_url: str, profile: str, path: str
) -> None:
    names = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    environment = {name: v for name, v in environment.items() if name not in names}
    with Processes(tmp_path, environment) as processes:
        processes.start("launch", [*LAUNCH, f"server_url:={server_url}", f"dds_profile:={profile}"])
        with Operator(check=processes.check) as operator:
            operator.wait_until_active(["sim_node", "ik_node", "policy_node"])
        started = processes.log("launch").split("sim_node-2]: process started with pid [")[1]
        variables = Path("/proc", started.split("]")[0], "environ").read_text().split("\0")
        processes.end()
        log = processes.log("launch")
    value = dict(variable.split("=", 1) for variable in variables if variable)
    for name in names:
        assert value.get(name, "").endswith(path)
        assert bool(value.get(name)) == bool(path)
    assert "XMLPARSER" not in log


def test_when_a_node_ends_all_end_and_the_log_says_which(
    environment: dict[str, str], tmp_path: Path, server_url: str
) -> None:
    with Processes(tmp_path, environment) as processes:
        processes.start("launch", [*LAUNCH, f"server_url:={server_url}"])
        with Operator(check=processes.check) as operator:
            operator.wait_until_active(["sim_node", "ik_node", "policy_node"])
        started = processes.log("launch").split("sim_node-2]: process started with pid [")[1]
        subprocess.run(["kill", f"-{signal.SIGKILL.value}", started.split("]")[0]], check=True)
        processes.wait("launch")
        log = processes.log("launch")
    assert "sim_node-2 has ended with exit code -9: shutting down" in log
    assert log.count("process has finished cleanly") == 4
    assert "Traceback" not in log


def test_arguments_that_other_packages_have_reach_every_node(
    environment: dict[str, str], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**: {ros__parameters: {server_url: 'ws://127.0.0.1:9', speed_scale: 0.25}}")
    arguments = ["robot:=real", "server:=attach", f"params_file:={mine}", "use_sim_time:=True"]
    arguments += ["autostart:=False", "log_level:=debug"]
    with Processes(tmp_path, environment) as processes:
        processes.start("launch", [*LAUNCH, *arguments])
        with Operator(check=processes.check) as operator:
            for node, name, kind, value in (
                ("policy_node", "server_url", "string_value", "ws://127.0.0.1:9"),
                ("ik_node", "speed_scale", "double_value", 0.25),
            ):
                names = [name, "use_sim_time", "autostart"]
                answer = operator.call(
                    GetParameters, f"/{node}/get_parameters", GetParameters.Request(names=names)
                )
                mine_is, simulated, autostart = answer.values
                assert getattr(mine_is, kind) == value
                assert (simulated.bool_value, autostart.bool_value) == (True, False)
                state = operator.call(GetState, f"/{node}/get_state", GetState.Request())
                assert state.current_state.id == State.PRIMARY_STATE_UNCONFIGURED
        processes.end()
        log = processes.log("launch")
    assert "[DEBUG]" in log
    assert "Traceback" not in log


def test_with_a_keystore_nodes_start_in_their_enclaves_or_not_at_all(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The files are empty here, so no node may start; test_enclaves.py has the rest."""
    enclaves = [enclave_of("left", name) for name in ("ik_node", "policy_node")]
    keystore = make_keystore(tmp_path / "keystore", *enclaves)
    arguments = ["robot:=real", "server:=attach", "namespace:=left", f"keystore:={keystore}"]
    log = run(environment, *LAUNCH, *arguments).stdout
    died = [line for line in log.splitlines() if "process has died" in line]
    assert died
    for line in died:
        assert "--enclave /vera_ros/left/" in line
    assert "active" not in log


def test_a_real_arm_has_no_simulator(environment: dict[str, str], tmp_path: Path) -> None:
    with Processes(tmp_path, environment) as processes:
        processes.start(
            "launch",
            [*LAUNCH, "robot:=real", "server:=attach", "server_url:=ws://127.0.0.1:9"],
        )
        with Operator(check=processes.check) as operator:
            operator.wait_until_active(["policy_node"])
            nodes = operator.node.get_node_names()
            topics = {
                name
                for name, _ in operator.node.get_subscriber_names_and_types_by_node(
                    "policy_node", "/"
                )
            }
        codes = processes.end()
    assert "sim_node" not in nodes
    assert "reference_server" not in nodes
    assert {"/joint_states", "/front_camera/color/image_raw"} <= topics
    assert codes == {"launch": 0}
