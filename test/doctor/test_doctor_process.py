# SPDX-License-Identifier: Apache-2.0
"""The command itself, in front of real graphs, real servers, and nothing at all."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.bringup.isolation import free_port, own_domain
from vera_ros.bringup.middleware import on_loopback
from vera_ros.embodiments import find_embodiment
from vera_ros.resources import share_path
from vera_ros.robots.handshake import make_server_config
from vera_ros.server.host import PolicyHost

from .fake_robot import FAULTS

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, write_patient_config
else:
    from ros_helpers import Operator, Processes, write_patient_config

PATIENCE_S = 120.0
DEADLINE = ("--deadline", "100")  # a machine that is busy with tests is slow
FAKE_ROBOT = Path(__file__).parent / "fake_robot.py"


@dataclass(frozen=True)
class Visit:
    """What doctor said and wrote."""

    code: int
    page: str
    report: Mapping[str, Any]

    def verdicts(self, *areas: str) -> dict[str, str]:
        """Verdict of each finding in these areas."""
        return {f["name"]: f["verdict"] for f in self.report["findings"] if f["area"] in areas}

    def found(self, name: str) -> str:
        """What was found under a name."""
        return "; ".join(f["found"] for f in self.report["findings"] if f["name"] == name)


class Ward:
    """Runs doctors beside other processes."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[str]] = {}

    def send(self, name: str, *arguments: str) -> None:
        """Start a doctor."""
        self._running[name] = subprocess.Popen(
            [
                *(sys.executable, "-m", "vera_ros.doctor.cli"),
                *(*arguments, "--json", str(self._folder / f"{name}.json")),
            ],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def hear(self, name: str) -> Visit:
        """Wait for a doctor."""
        page, _ = self._running[name].communicate(timeout=PATIENCE_S)
        file = self._folder / f"{name}.json"
        assert file.is_file(), page
        return Visit(self._running[name].returncode, page, json.loads(file.read_text()))

    def close(self) -> None:
        """Leave no doctor."""
        for process in self._running.values():
            if process.poll() is None:
                process.kill()
            process.communicate()


class Served:
    """A policy that is only asked what it is."""

    def __init__(self, embodiment: str) -> None:
        kind = find_embodiment(embodiment)
        self._config = make_server_config(kind, 10)

    def server_config(self) -> dict[str, Any]:
        return self._config.to_wire()

    def infer(self, _: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("doctor asked for an inference")

    def reset(self, _: str) -> None:
        raise AssertionError("doctor ended an episode")

    configure = observe = reload = infer


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A ROS domain and a ROS home that are nobody else's, and a terminal that is wide enough."""
    home = str(tmp_path_factory.mktemp("home"))
    with own_domain() as domain:
        own = {"ROS_DOMAIN_ID": str(domain), "ROS_HOME": home, "COLUMNS": "120"}
        yield {**os.environ, **on_loopback(os.environ), **own}


@pytest.fixture(scope="module")
def visits(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Visit]]:
    """What doctors say where no graph runs; one after another, as each needs the processor."""
    folder = tmp_path_factory.mktemp("visits")
    broken = folder / "broken.yaml"
    broken.write_text("/**/ik_node:\n  ros__parameters: {speed_scale: 7.0}\n")
    with ExitStack() as stack:
        droid = PolicyHost(Served("droid"), "127.0.0.1", 0)
        stack.callback(droid.stop)
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        ward = Ward(folder, environment)
        stack.callback(ward.close)
        attach = ("--server", "attach", "--server-url")
        quiet_url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        asked = {
            "nothing": DEADLINE,
            "dead-port": (*attach, f"ws://127.0.0.1:{free_port()}", *DEADLINE),
            "droid": (*attach, f"ws://127.0.0.1:{droid.start()}", *DEADLINE),
            "silent": (*attach, quiet_url, "--deadline", "30"),
            "broken": ("--config", str(broken), *DEADLINE),
        }
        visits = {}
        for name, arguments in asked.items():
            ward.send(name, *arguments)
            visits[name] = ward.hear(name)
        yield visits


def test_a_machine_where_nothing_runs_can_run_it(visits: Mapping[str, Visit]) -> None:
    visit = visits["nothing"]
    assert visit.code == 0, visit.page
    assert set(visit.verdicts("Python and ROS", "Configuration").values()) <= {"ok", "warning"}
    assert visit.verdicts("Robot") == {
        "nodes": "ok",
        "views": "skipped",
        "joint states": "skipped",
        "efforts": "skipped",
        "controllers": "skipped",
    }
    assert set(visit.verdicts("VERA on this machine").values()) == {"skipped"}


def test_the_page_shows_what_the_json_holds(visits: Mapping[str, Visit]) -> None:
    for visit in visits.values():
        assert visit.code == visit.report["exit_code"]
        assert "Traceback" not in visit.page
        failures = sum(f["verdict"] == "failure" for f in visit.report["findings"])
        assert visit.page.count("✗") == failures
        for finding in visit.report["findings"]:
            assert finding["name"] in visit.page
            bad = finding["verdict"] in ("warning", "failure", "unknown")
            assert bool(finding["mend"]) is bad


def test_a_dead_port_is_a_failure_for_who_attaches(visits: Mapping[str, Visit]) -> None:
    visit = visits["dead-port"]
    assert visit.code == 1
    assert visit.verdicts("Policy server")["policy server"] == "failure"
    assert "no connection to a policy server" in visit.found("policy server")


def test_a_server_of_another_embodiment_is_a_failure(visits: Mapping[str, Visit]) -> None:
    visit = visits["droid"]
    assert visit.code == 1
    assert visit.verdicts("Policy server")["policy server"] == "failure"
    assert "droid" in visit.found("policy server")


def test_a_server_that_says_nothing_keeps_nobody_waiting(visits: Mapping[str, Visit]) -> None:
    visit = visits["silent"]
    assert visit.code == 1
    assert visit.verdicts("Policy server")["policy server"] == "failure"
    assert "does not answer the handshake" in visit.found("policy server")


def test_a_broken_parameter_file_is_said_once(visits: Mapping[str, Visit]) -> None:
    visit = visits["broken"]
    assert visit.code == 1
    assert visit.verdicts("Configuration") == {
        "parameter file": "failure",
        "robot description": "skipped",
    }
    assert "'speed_scale' is 7.0; valid is" in visit.found("parameter file")
    assert set(visit.verdicts("Robot", "Policy server").values()) == {"skipped"}


def test_the_running_simulation_is_well(ros_domain: int, server_url: str, tmp_path: Path) -> None:
    config = write_patient_config(tmp_path)
    specs = nodes(GraphOptions(server_url=server_url, config=config))
    ward = Ward(tmp_path, os.environ)
    with Processes(tmp_path) as processes:
        for spec in specs:
            processes.start(spec.name, command(spec, "left", tmp_path))
        with Operator("left", processes.check) as operator:
            operator.wait_until_active([spec.name for spec in specs])
        url = ("--server-url", server_url)
        ward.send("sim", "--namespace", "left", "--config", str(config), *url, *DEADLINE)
        visit = ward.hear("sim")
        processes.check()
        processes.end()
    assert visit.code == 0, visit.page
    robot = visit.verdicts("Robot")
    assert robot.pop("controller_manager") == "skipped"
    assert set(robot) >= {"nodes", "agentview_image", "robot0_eye_in_hand_image", "joint states"}
    assert set(robot.values()) <= {"ok", "warning"}  # a busy machine may be slow, but not wrong
    seen = visit.found("agentview_image")
    slow = robot["agentview_image"] == "warning" and "ms old" in seen
    assert slow or "128 x 128 rgb8" in seen
    assert "/left/sim_node listens" in visit.found("arm controller")
    assert "stand-in" in visit.found("provenance")


def visit_fake_robot(folder: Path, *faults: str, served: bool = True) -> Visit:
    """Look at a robot that may have faults, with the packaged configuration of a real one."""
    urdf = share_path("description", "urdf", "panda.urdf")
    given = [argument for fault in faults for argument in ("--fault", fault)]
    server = PolicyHost(Served("mimicgen"), "127.0.0.1", 0)
    ward = Ward(folder, os.environ)
    with Processes(folder) as processes, ExitStack() as stack:
        stack.callback(server.stop)
        stack.callback(ward.close)
        processes.start("robot", [sys.executable, str(FAKE_ROBOT), str(urdf), *given])
        with Operator(check=processes.check) as operator:
            operator.wait_until(
                lambda: operator.node.count_publishers("/joint_states"), "the robot"
            )
        port = server.start() if served else free_port()
        url = ("--server", "attach", "--server-url", f"ws://127.0.0.1:{port}")
        ward.send("real", "--robot", "real", *url, *DEADLINE)
        visit = ward.hear("real")
        processes.check()
        processes.end(signal.SIGTERM)
    return visit


def test_a_robot_that_is_well_is_found_well(ros_domain: int, tmp_path: Path) -> None:
    visit = visit_fake_robot(tmp_path)
    assert visit.code == 0, visit.page
    assert "64 x 48 rgb8" in visit.found("agentview_image")
    assert "7 joints and finger" in visit.found("joint states")
    assert visit.found("controller parameters") == (
        "interpolation_method splines, open_loop_control True"
    )
    assert "/robot_description: 7 joints" in visit.found("robot description")
    assert visit.verdicts("VERA on this machine")["GPU"] == "skipped"


def test_every_fault_of_a_robot_is_found(ros_domain: int, tmp_path: Path) -> None:
    visit = visit_fake_robot(tmp_path, *FAULTS, served=False)
    assert visit.code == 1
    failures = {
        "agentview_image": ["not stamped"],
        "robot0_eye_in_hand_image": ["yuv9"],
        "joint states": ["no panda_finger_joint1", "ms old when they arrive", "no efforts"],
        "arm controller": ["latched"],
        "gripper controller": ["nothing subscribes"],
        "inertias": ["no inertias"],
        "arm set-up": ["panda_joint1", "3.1416"],
        "nodes": ["/fake_robot"],
        "policy server": ["Connect call failed"],
    }
    verdicts = visit.verdicts("Robot", "Configuration", "Policy server")
    for name, named in failures.items():
        assert verdicts[name] == "failure", name
        for words in named:
            assert words in visit.found(name)
    assert verdicts["other motion"] == "warning"
    assert "/fake_robot" in visit.found("other motion")
