# SPDX-License-Identifier: Apache-2.0
"""The launch file under launch_test: graph up, a goal, a chunk, a trajectory, a clean end.

`launch_test test/launch_scenario.py` with test/ on PYTHONPATH; test_launch_file.py does so.
"""

import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import launch_testing
import launch_testing.actions
import launch_testing.asserts
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchDescription
from vera_ros.bringup.isolation import free_port
from vera_ros.resources import share_path

if TYPE_CHECKING:
    from test.ros_helpers import Operator, play_a_chunk, write_patient_config
else:
    from ros_helpers import Operator, play_a_chunk, write_patient_config

NODES = ("reference_server", "sim_node", "judge_node", "ik_node", "policy_node")
NAMESPACE = "launched"
_FOLDER = tempfile.TemporaryDirectory()  # goes with this process


def generate_test_description() -> LaunchDescription:
    arguments = {
        "config": str(write_patient_config(Path(_FOLDER.name))),
        "namespace": NAMESPACE,
        "seed": "3",
        "server_url": f"ws://127.0.0.1:{free_port()}",
        "sigterm_timeout": "60",  # a busy machine
    }
    launch_file = share_path("launch", "mimicgen_panda.launch.py")
    return LaunchDescription(
        [
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(launch_file)),
                launch_arguments=arguments.items(),
            ),
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestGraph(unittest.TestCase):
    def test_a_goal_becomes_a_trajectory(self) -> None:
        with Operator(NAMESPACE) as operator:
            play_a_chunk(operator, NODES)


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    def test_every_node_ends_in_order(self, proc_info: Any) -> None:
        assert len(proc_info.process_names()) == len(NODES)
        launch_testing.asserts.assertExitCodes(proc_info)
