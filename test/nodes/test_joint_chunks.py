# SPDX-License-Identifier: Apache-2.0
"""A planar robot and a hand play chunks through ik_node, with the same limits and stops."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from geometry_msgs.msg import PoseStamped
from std_srvs.srv import Trigger

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.nodes.common.conversions import sensor_qos
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress

from .ik.setup.test_motion_setup import HAND, OF_THE_HAND, OF_THE_PUSHER, PUSHER
from .stage import Stage, chunk

ROWS = 8
LONG = 40


def rows_of(embodiment: str, rows: npt.NDArray[np.float64], **changes: Any) -> ActionChunk:
    kind = EMBODIMENTS[embodiment]
    return chunk(
        embodiment=embodiment,
        action_space=kind.action_space.value,
        control_dt_s=kind.control_dt_s,
        horizon=len(rows),
        columns=rows.shape[1],
        actions=rows.ravel().tolist(),
        **changes,
    )


def pushed(rows: int = ROWS) -> ActionChunk:
    """60 px/s to the right and 30 px/s up."""
    return rows_of("pusht", np.tile([60.0, -30.0], (rows, 1)))


def bent(rows: int = ROWS) -> ActionChunk:
    """All joints of the index finger bend, the thumb turns back."""
    deltas = np.zeros((rows, 16))
    deltas[:, 1:4], deltas[:, 12] = 0.02, -0.005
    return rows_of("allegro", deltas)


Make = Callable[..., ActionChunk]
ROBOTS = {
    "pusht": (PUSHER, OF_THE_PUSHER, pushed, np.array([0.048, -0.024])),
    "allegro": (HAND, OF_THE_HAND, bent, np.array([0, *[0.16] * 3, *[0] * 8, -0.04, 0, 0, 0])),
}
DRIVABLE = [name for name in ROBOTS if EMBODIMENTS[name].drivable]


@pytest.fixture(params=DRIVABLE)
def robot(request: pytest.FixtureRequest, stage: Stage) -> tuple[Stage, Make, Any, str]:
    """A stage with such a robot under an active ik_node; its chunk, and where that leads."""
    urdf, parameters, make, way = ROBOTS[request.param]
    stage.stand_in(parameters["joint_names"], np.array(parameters["start_posture"]))
    # A busy machine must not fail a test; a stop of the pusher is over in 25 ms.
    patient = {"planning_timeout_s": 30.0, "stop_lead_s": 0.15}
    stage.add_ready_ik(embodiment=request.param, robot_description=urdf, **parameters, **patient)
    return stage, make, np.array(parameters["start_posture"]) + way, request.param


def test_a_chunk_is_played(robot: tuple[Stage, Make, Any, str]) -> None:
    stage, make, goal, name = robot
    poses: list[PoseStamped] = []
    stage.node.create_subscription(PoseStamped, "tcp_pose", poses.append, sensor_qos("reliable"))
    stage.chunk_publisher.publish(make())
    stage.wait_until(
        lambda: stage.progress and stage.progress[-1].state == ChunkProgress.FINISHED, "the end"
    )
    report = stage.progress[-1]
    assert (report.cause, report.steps_played, report.rails_bound) == (0, ROWS, False)
    assert (report.ik_error_mm, report.ik_error_mrad) == (0.0, 0.0)
    np.testing.assert_allclose(stage.q(), goal, atol=1e-6)
    if name == "pusht":
        assert report.executed_trans_m == pytest.approx(np.hypot(0.048, 0.024), abs=1e-6)
        stage.wait_until(lambda: poses, "the TCP's pose")
    else:  # a hand has four tips
        assert report.executed_trans_m == 0.0
        assert poses == []


def test_a_hold_stops_it_smoothly(robot: tuple[Stage, Make, Any, str]) -> None:
    stage, make, _, _ = robot
    stage.chunk_publisher.publish(make(LONG))
    stage.wait_until(
        lambda: any(message.state == ChunkProgress.PLAYING for message in stage.progress), "a step"
    )
    assert stage.call(Trigger, "hold").success
    stage.ends_smoothly()
    stage.wait_until(lambda: stage.progress[-1].state == ChunkProgress.ABORTED, "its report")


def test_it_moves_back_to_its_start(robot: tuple[Stage, Make, Any, str]) -> None:
    stage, make, goal, name = robot
    stage.chunk_publisher.publish(make())
    stage.wait_until(
        lambda: stage.progress and stage.progress[-1].state == ChunkProgress.FINISHED, "the end"
    )
    answer = stage.call(Trigger, "ik_node/move_to_start")
    assert answer.success, answer.message
    start = ROBOTS[name][1]["start_posture"]
    np.testing.assert_allclose(stage.q(), start, atol=1e-6)
    assert np.abs(goal - start).max() > 0.02


def test_a_chunk_for_a_tcp_is_refused(robot: tuple[Stage, Make, Any, str]) -> None:
    stage, _, _, name = robot
    stage.chunk_publisher.publish(chunk(embodiment=name))
    stage.wait_until(lambda: stage.progress, "an answer")
    answer = stage.progress[-1]
    assert (answer.state, answer.cause) == (ChunkProgress.REJECTED, ChunkProgress.INVALID_CHUNK)
    valid = EMBODIMENTS[name].action_space.name
    assert f"action space EEF_DELTA; valid is {valid}" in answer.message
    assert stage.arm_trajectories == []
