# SPDX-License-Identifier: Apache-2.0
"""policy_node in lockstep, against a world that does what the test says."""

from typing import Any

from vera_ros_interfaces.msg import PolicyStatus
from vera_ros_interfaces.srv import AdvanceTime

from .stage import Stage


def test_a_world_without_advance_time_ends_the_goal(stage: Stage) -> None:
    stage.serve()
    node = stage.add_policy(lockstep=True, advance_timeout_s=0.5)
    stage.wait_until_active(node)
    result = stage.result(stage.goal())
    assert result.cause == PolicyStatus.ARM_SILENT
    assert "advance_time did not answer within 0.5 s" in result.message


def test_a_refusal_of_advance_time_ends_the_goal_in_its_words(stage: Stage) -> None:
    asked: list[Any] = []

    def refuse(
        request: AdvanceTime.Request, response: AdvanceTime.Response
    ) -> AdvanceTime.Response:
        asked.append(request)
        response.message = "time is tired"
        return response

    stage.node.create_service(AdvanceTime, "sim_node/advance_time", refuse)
    stage.serve()
    node = stage.add_policy(lockstep=True)
    stage.wait_until_active(node)
    result = stage.result(stage.goal())
    assert result.cause == PolicyStatus.ARM_SILENT
    assert result.message == "advance_time failed: time is tired"
    assert [(r.duration.sec, r.duration.nanosec, r.await_arm) for r in asked] == [(0, 0, False)]
