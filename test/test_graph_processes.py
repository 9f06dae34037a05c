# SPDX-License-Identifier: Apache-2.0
"""The whole graph as plain processes: up, a goal, a chunk, a trajectory, a clean end."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vera_ros.graph import GraphOptions, command, nodes

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, play_a_chunk, write_patient_config
else:
    from ros_helpers import Operator, Processes, play_a_chunk, write_patient_config


@pytest.mark.parametrize(
    ("namespace", "realtime_factor", "end"),
    [("", 1.0, signal.SIGINT), ("/cell/left", 0.5, signal.SIGTERM)],
    ids=["plain", "namespace-and-clock"],
)
def test_a_goal_becomes_a_trajectory_and_all_nodes_end_in_order(
    ros_domain: int,
    server_url: str,
    tmp_path: Path,
    namespace: str,
    realtime_factor: float,
    end: signal.Signals,
) -> None:
    specs = nodes(
        GraphOptions(
            server_url=server_url,
            realtime_factor=realtime_factor,
            config=write_patient_config(tmp_path),
        )
    )
    with Processes(tmp_path) as processes:
        for spec in specs:
            processes.start(spec.name, command(spec, namespace, tmp_path))
        with Operator(namespace, processes.check) as operator:
            play_a_chunk(operator, [spec.name for spec in specs])
            processes.check()
        codes = processes.end(end)
        logs = "\n".join(processes.log(name) for name in codes)
    assert codes == dict.fromkeys(codes, 0), logs
    assert "Traceback" not in logs
