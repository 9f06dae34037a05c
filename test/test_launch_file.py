# SPDX-License-Identifier: Apache-2.0
"""The launch file, run by the real launch."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


def test_arguments_are_explained(environment: dict[str, str]) -> None:
    shown = run(environment, *LAUNCH, "--show-args").stdout
    for name in (
        "robot",
        "server",
        "server_url",
        "rviz",
        "namespace",
        "seed",
        "lockstep",
        "config",
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
        ("config:=/nowhere.yaml", "config '/nowhere.yaml' is not a file"),
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
