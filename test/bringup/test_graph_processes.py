# SPDX-License-Identifier: Apache-2.0
"""The whole graph as plain processes: up, a goal, a chunk, a trajectory, a clean end."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.bringup.isolation import free_port
from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ActionChunk, StackTruth

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, play_a_chunk, write_patient_config
else:
    from ros_helpers import Operator, Processes, play_a_chunk, write_patient_config


@pytest.mark.parametrize(
    ("embodiment", "namespace", "realtime_factor", "end"),
    [("mimicgen", "", 1.0, signal.SIGINT), ("droid", "/cell/left", 0.5, signal.SIGTERM)],
    ids=["plain", "namespace-and-clock"],
)
def test_a_goal_becomes_a_trajectory_and_all_nodes_end_in_order(
    ros_domain: int,
    server_url: str,
    tmp_path: Path,
    embodiment: str,
    namespace: str,
    realtime_factor: float,
    end: signal.Signals,
) -> None:
    specs = nodes(
        GraphOptions(
            embodiment=embodiment,
            server_url=server_url,
            realtime_factor=realtime_factor,
            config=write_patient_config(tmp_path, embodiment),
        )
    )
    with Processes(tmp_path) as processes:
        for spec in specs:
            processes.start(spec.name, command(spec, namespace, tmp_path))
        with Operator(namespace, processes.check) as operator:
            play_a_chunk(operator, [spec.name for spec in specs], embodiment)
            processes.check()
        codes = processes.end(end)
        logs = "\n".join(processes.log(name) for name in codes)
    assert codes == dict.fromkeys(codes, 0), logs
    assert "Traceback" not in logs


@dataclass(frozen=True)
class Played:
    """Everything of an episode that must not depend on how long anybody takes."""

    outcome: int
    chunks: int
    steps: int
    commands: list[tuple[int, list[float], list[float]]]
    truths: dict[int, tuple[float, ...]]


def play_in_lockstep(folder: Path, delay_s: float) -> Played:
    folder.mkdir()
    specs = nodes(
        GraphOptions(
            server_url=f"ws://127.0.0.1:{free_port()}",
            seed=1,
            lockstep=True,
            config=write_patient_config(folder),
            parameters={"reference_server": {"delay_s": delay_s}},
        )
    )
    with Processes(folder) as processes:
        for spec in specs:
            processes.start(spec.name, command(spec, "", folder))
        with Operator(check=processes.check) as operator:
            operator.listen("action_chunk", ActionChunk)
            operator.listen("stack_truth", StackTruth)
            operator.wait_until_active([spec.name for spec in specs])
            operator.wait_until(lambda: operator.heard["stack_truth"], "the present")
            operator.wait_until(
                lambda: operator.node.count_publishers("action_chunk") == 1, "policy_node"
            )
            assert operator.give_goal(time_limit_s=60.0), "the goal was refused"
            result = operator.wait_for_result()
            chunks = operator.heard["action_chunk"]
            operator.wait_until(lambda: len(chunks) == result.chunks, "all chunks")
            last_ns = stamp_to_ns(chunks[-1].start)
            heard = operator.heard["stack_truth"]
            operator.wait_until(
                lambda: stamp_to_ns(heard[-1].header.stamp) >= last_ns, "the truth until then"
            )
            truths = {stamp_to_ns(m.header.stamp): m for m in heard}
        codes = processes.end()
        logs = "\n".join(processes.log(name) for name in codes)
    assert codes == dict.fromkeys(codes, 0), logs
    assert "Traceback" not in logs
    starts_ns = [stamp_to_ns(chunk.start) for chunk in chunks]
    return Played(
        outcome=result.outcome,
        chunks=result.chunks,
        steps=result.steps,
        commands=[
            (start_ns, list(chunk.actions), list(chunk.gripper))
            for start_ns, chunk in zip(starts_ns, chunks, strict=True)
        ],
        truths={
            stamp_ns: numbers_of(truth)
            for stamp_ns, truth in truths.items()
            if stamp_ns <= starts_ns[-1]
        },
    )


def numbers_of(truth: StackTruth) -> tuple[float, ...]:
    cubes = (truth.red_cube.position, truth.green_cube.position)
    return tuple(value for cube in cubes for value in (cube.x, cube.y, cube.z))


def test_in_lockstep_the_servers_latency_changes_nothing_at_all(
    ros_domain: int, tmp_path: Path
) -> None:
    """The same tower, chunk for chunk and bit for bit."""
    fast, slow = (play_in_lockstep(tmp_path / str(delay_s), delay_s) for delay_s in (0.0, 0.3))
    assert fast.outcome == ExecuteTask.Result.SUCCEEDED
    assert fast == slow
