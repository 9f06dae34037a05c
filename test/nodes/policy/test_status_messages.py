# SPDX-License-Identifier: Apache-2.0
"""The numbers in policy_status, and the text in rviz."""

from vera_ros.nodes.policy.status_messages import status_marker
from vera_ros_interfaces.msg import PolicyStatus

from ..stage import Stage


def test_the_text_has_a_size_in_each_direction() -> None:
    marker = status_marker(PolicyStatus(state=PolicyStatus.IDLE, message="waits"), "base")
    assert marker.text.splitlines()[:2] == ["idle", "waits"]
    assert marker.header.frame_id == "base"
    assert marker.scale.x == marker.scale.y == marker.scale.z > 0  # rviz spaces words by x


def test_attempts_and_each_views_pictures_are_counted(stage: Stage) -> None:
    node = stage.add_policy()
    stage.wait_until_active(node)
    handle = stage.goal()
    stage.wait_until(lambda: stage.status[-1].connection_attempts >= 2, "an attempt that failed")
    stage.serve()
    stage.wait_until(lambda: min(stage.status[-1].view_received) > 2, "pictures of each view")
    stage.judge(True)
    stage.result(handle)
    status = stage.status[-1]
    assert len(status.view_received) == len(status.views) == 2
    assert sum(status.view_dropped) == status.frames_dropped
    for received, dropped in zip(status.view_received, status.view_dropped, strict=True):
        assert dropped < received
