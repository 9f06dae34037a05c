# SPDX-License-Identifier: Apache-2.0
"""`robot:=real` stacks the tower through the real ros2_control, and through a stand-in for it."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from std_msgs.msg import String

from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.resources import share_path
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.placement import draw_placement
from vera_ros_interfaces.action import ExecuteTask

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, write_patient_config
else:
    from ros_helpers import Operator, Processes, write_patient_config

HERE = Path(__file__).parent
SEED = 3
CONTROLLERS = (
    "joint_state_broadcaster",
    "gripper_state_broadcaster",
    "panda_arm_controller",
    "panda_gripper_controller",
)
PATIENCE_S = 60.0
TIME_LIMIT_S = 100.0  # a busy machine; the tower takes some 10


def write_config(folder: Path) -> Path:
    """Return the packaged file of a real arm, fitted to the simulated surroundings."""
    config = yaml.safe_load(share_path("config", "real_panda.yaml").read_text())
    patient = yaml.safe_load(write_patient_config(folder).read_text())
    for node in ("/**/ik_node", "/**/policy_node"):
        config[node]["ros__parameters"] |= patient[node]["ros__parameters"]
    config["/**/ik_node"]["ros__parameters"] |= {
        "effort_model": "none",  # mock hardware measures no efforts
        "speed_scale": 1.0,
        "tcp_speed_limit": 1.0,
        "tcp_turn_limit": 3.0,
    }
    moved = {
        "agentview/image_raw": "/scene/agentview/image_raw",
        "robot0_eye_in_hand/image_raw": "/scene/robot0_eye_in_hand/image_raw",
        "task_success": "/scene/task_success",
    }
    everywhere = config["/**"]["ros__parameters"]
    rules = dict(rule.split(":=") for rule in everywhere["remappings"]) | moved
    everywhere["remappings"] = [":=".join(rule) for rule in rules.items()]
    path = folder / "real_arm.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@dataclass(frozen=True)
class Hardware:
    """What ros2_control moves.

    Attributes:
        plugin: of ros2_control.
        package: whose ros2_control_node runs it.
        parameters: of the plugin, by name.
        states: interfaces of each joint besides its position.
        clock: whether it has a time of its own, on /clock.
    """

    plugin: str
    package: str
    parameters: Mapping[str, str]
    states: tuple[str, ...] = ("velocity",)
    clock: bool = False


MOCK = Hardware(
    "mock_components/GenericSystem",
    "controller_manager",
    {"calculate_dynamics": "true"},  # without it, the mock reports no velocities
    ("velocity", "acceleration"),
)
MUJOCO = Hardware(
    "mujoco_ros2_control/MujocoSystemInterface",
    "mujoco_ros2_control",
    # Its actuators have the joints' names, as that plugin needs it.
    {"mujoco_model": str(share_path("description", "mjcf", "stack.xml")), "headless": "true"},
    clock=True,
)


def description(hardware: Hardware) -> str:
    """Return the arm's URDF with hardware behind its joints, in the posture of the scene."""
    robot = ET.fromstring(share_path("description", "urdf", "panda.urdf").read_text())
    control = ET.SubElement(robot, "ros2_control", name="hardware", type="system")
    element = ET.SubElement(control, "hardware")
    ET.SubElement(element, "plugin").text = hardware.plugin
    for name, value in hardware.parameters.items():
        ET.SubElement(element, "param", name=name).text = value
    start = [*draw_placement(SEED).arm_q, PANDA_HAND.start]
    for name, q in zip((*scene.ARM_JOINTS, PANDA_HAND.joints[0]), start, strict=True):
        joint = ET.SubElement(control, "joint", name=name)
        ET.SubElement(joint, "command_interface", name="position")
        for interface, value in (("position", q), *((each, 0.0) for each in hardware.states)):
            state = ET.SubElement(joint, "state_interface", name=interface)
            ET.SubElement(state, "param", name="initial_value").text = str(value)
    return ET.tostring(robot, encoding="unicode")


def start_stand_in(processes: Processes, _: Hardware) -> None:
    processes.start("controllers", [sys.executable, str(HERE / "controllers.py"), str(SEED)])


def start_ros2_control(processes: Processes, hardware: Hardware) -> None:
    """Start the controller manager, which waits for the description, and its controllers."""
    programs = Path(get_package_prefix("controller_manager"), "lib", "controller_manager")
    manager = Path(get_package_prefix(hardware.package), "lib", hardware.package)
    parameters = str(HERE / "ros2_control.yaml")
    processes.start(
        "controllers",
        [
            *(str(manager / "ros2_control_node"), "--ros-args", "--params-file", parameters),
            *("-p", f"use_sim_time:={str(hardware.clock).lower()}"),
        ],
    )
    for name in CONTROLLERS:
        spawner = [str(programs / "spawner"), name, "--param-file", parameters]
        spawner += ["--controller-manager-timeout", str(PATIENCE_S)]
        spawned = subprocess.run(
            spawner,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * PATIENCE_S,
            check=False,
        )
        processes.check()
        assert spawned.returncode == 0, spawned.stdout + processes.log("controllers")


def missing(*packages: str) -> list[str]:
    found = []
    for package in packages:
        try:
            get_package_prefix(package)
        except PackageNotFoundError:
            found.append(package)
    return found


CONTROL = "controller_manager", "joint_state_broadcaster", "joint_trajectory_controller"


@pytest.mark.parametrize(
    ("start_controllers", "hardware", "needs"),
    [
        (start_stand_in, MOCK, ()),
        (start_ros2_control, MOCK, CONTROL),
        (start_ros2_control, MUJOCO, (*CONTROL, MUJOCO.package)),
    ],
    ids=["stand-in", "ros2_control", "mujoco"],
)
def test_the_tower_stands(
    ros_domain: int,
    server_url: str,
    tmp_path: Path,
    start_controllers: Callable[[Processes, Hardware], None],
    hardware: Hardware,
    needs: tuple[str, ...],
) -> None:
    lacks = missing(*needs)
    if lacks:
        pytest.skip(f"needs {', '.join(lacks)} of a ROS installation; the stand-in plays the same")
    options = GraphOptions(
        robot="real",
        server_url=server_url,
        config=write_config(tmp_path),
        use_sim_time=hardware.clock,
    )
    specs = nodes(options)
    with Processes(tmp_path) as processes, Operator(check=processes.check) as operator:
        operator.node.create_publisher(String, "robot_description", LATCHED).publish(
            String(data=description(hardware))
        )
        start_controllers(processes, hardware)
        in_scene = ["--ros-args", "-r", "__ns:=/scene"]
        in_scene += ["-p", f"use_sim_time:={str(hardware.clock).lower()}"]
        sees = [sys.executable, str(HERE / "scene.py"), *in_scene, "-p", f"seed:={SEED}"]
        processes.start("scene", sees)
        judge = [sys.executable, "-m", "vera_ros.nodes.judge_node", *in_scene]
        processes.start("judge", judge)
        for spec in specs:
            processes.start(spec.name, command(spec, "", tmp_path))
        operator.wait_until_active(["/scene/sim_node", "/scene/judge_node"])
        operator.wait_until_active([spec.name for spec in specs])
        assert operator.give_goal(time_limit_s=TIME_LIMIT_S)
        result = operator.wait_for_result()
        logs = "\n".join(processes.log(spec.name) for spec in specs)
        assert result.outcome == ExecuteTask.Result.SUCCEEDED, f"{result.message}\n{logs}"
        assert "Traceback" not in logs
        assert "rejected" not in processes.log("controllers")
