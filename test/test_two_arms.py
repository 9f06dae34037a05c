# SPDX-License-Identifier: Apache-2.0
"""Two complete graphs in two namespaces, with a policy server each: neither hears the other."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from trajectory_msgs.msg import JointTrajectory

from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.bringup.isolation import free_port
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress, PolicyStatus, StackTruth

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, write_patient_config
else:
    from ros_helpers import Operator, Processes, write_patient_config

SEEDS = {"left": 1, "right": 2}


def wait_for_all(operator: Operator, chunks: int) -> None:
    heard = operator.heard["action_chunk"]
    operator.wait_until(lambda: len(heard) >= chunks, "all chunks")


def test_two_arms_stack_their_own_towers(ros_domain: int, tmp_path: Path) -> None:
    with ExitStack() as stack:
        processes: dict[str, Processes] = {}
        operators: dict[str, Operator] = {}
        for side, seed in SEEDS.items():
            folder = tmp_path / side
            folder.mkdir()
            own = processes[side] = stack.enter_context(Processes(folder))
            specs = nodes(
                GraphOptions(
                    server_url=f"ws://127.0.0.1:{free_port()}",
                    seed=seed,
                    lockstep=True,  # each in its own time: a busy machine changes nothing
                    config=write_patient_config(folder),
                )
            )
            for spec in specs:
                own.start(spec.name, command(spec, f"/{side}", folder))
            operators[side] = operator = stack.enter_context(Operator(f"/{side}", own.check))
            for topic, kind in (
                ("action_chunk", ActionChunk),
                ("chunk_progress", ChunkProgress),
                ("policy_status", PolicyStatus),
                ("stack_truth", StackTruth),
                ("arm_controller/joint_trajectory", JointTrajectory),
            ):
                operator.listen(topic, kind)
            operator.wait_until_active([spec.name for spec in specs])
        for operator in operators.values():
            assert operator.give_goal(time_limit_s=60.0), "the goal was refused"
        results = {side: operator.wait_for_result() for side, operator in operators.items()}
        for side, operator in operators.items():
            wait_for_all(operator, results[side].chunks)
        for own in processes.values():
            codes = own.end()
            assert codes == dict.fromkeys(codes, 0)
    sessions = {}
    for side, operator in operators.items():
        assert results[side].outcome == ExecuteTask.Result.SUCCEEDED, results[side].message
        heard = operator.heard
        of_chunks = {chunk.session_id for chunk in heard["action_chunk"]}
        assert len(of_chunks) == 1
        assert {message.session_id for message in heard["chunk_progress"]} == of_chunks
        assert len(heard["action_chunk"]) == results[side].chunks
        assert {truth.seed for truth in heard["stack_truth"]} == {SEEDS[side]}
        assert heard["arm_controller/joint_trajectory"]
        sessions[side] = of_chunks
    assert sessions["left"].isdisjoint(sessions["right"])
