# SPDX-License-Identifier: Apache-2.0
"""The numbers in policy_status."""

from ..stage import Stage


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
