# SPDX-License-Identifier: Apache-2.0
"""What policy_node says of itself in /diagnostics, and how loudly."""

from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

from ..stage import ScriptedPolicy, Stage

# Values that are words; all others are numbers without a unit.
TEXTS = {
    *("causes", "state", "arm", "held", "approval", "dry_run", "last_trouble"),
    *("server_url", "viewer_url", "server_code", "server_planner", "server_idm", "server_host"),
}
WARN, ERROR = DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def play_a_chunk(stage: Stage, **parameters: Any) -> Any:
    """A policy_node whose episode has played a chunk and is over."""
    ik, node = stage.add_ik(), stage.add_policy(**parameters)
    stage.wait_until_active(ik, node)
    stage.wait_for_exchange()
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.FINISHED for m in stage.progress), "a chunk's end"
    )
    stage.judge(True)
    stage.result(handle)
    return node


def test_an_episode_leaves_its_numbers(stage: Stage) -> None:
    stage.serve(
        ScriptedPolicy(
            planner_model="wan",
            idm_model="vggt",
            git_head="0123456789abcdef",
            git_dirty=True,
            hostname="gpu",
        )
    )
    node = play_a_chunk(stage, viewer_url="http://gpu:8801/")
    health = node.health()
    counters: dict[str, Any] = health.values
    latencies: dict[str, Any] = health.parts["latencies"].values
    for name in ("server_s", "infer_s", "pipeline_s", "planning_s"):
        assert 0.0 <= latencies[f"{name}_p50"] <= latencies[f"{name}_p99"]
    for view in ("agentview", "robot0_eye_in_hand"):
        part = health.parts[f"view {view}_image"]
        seen: dict[str, Any] = part.values
        assert part.hardware == f"/{view}/image_raw"
        assert seen["rate_hz"] > 0
        assert seen["age_s"] >= 0
        assert (seen["dropped"], seen["bad"]) == (0, 0)
        assert seen["received"] > 0
    assert counters["connection_attempts"] == 1
    assert counters["reconnects"] == 0
    values: dict[str, Any] = health.parts["server"].values
    assert values["observe_failures"] == 0
    assert values["viewer_url"] == "http://gpu:8801/"
    assert values["server_planner"] == "wan"
    assert values["server_code"] == "0123456789ab with changes"
    assert values["server_host"] == "gpu"
    status = stage.status[-1]
    assert status.server_url == f"ws://127.0.0.1:{stage.port}"
    assert (status.viewer_url, status.server_code) == (values["viewer_url"], values["server_code"])
    assert (status.planner_model, status.idm_model) == ("wan", "vggt")


def test_the_numbers_go_out(stage: Stage) -> None:
    heard: list[DiagnosticArray] = []
    stage.node.create_subscription(DiagnosticArray, "/diagnostics", heard.append, 10)
    stage.serve()
    play_a_chunk(stage)
    heard.clear()
    stage.wait_until(
        lambda: {s.name for array in heard for s in array.status} >= {"/policy_node", "/ik_node"},
        "diagnostics",
    )
    statuses = {s.name: s for array in heard for s in array.status}
    assert set(statuses) >= {
        *("/policy_node: server", "/policy_node: latencies", "/policy_node: view agentview_image"),
        *("/ik_node: joint states", "/ik_node: controllers", "/ik_node: chunks"),
    }
    assert all(status.hardware_id for status in statuses.values())
    assert statuses["/ik_node: chunks"].hardware_id == "panda_link0"
    for status in statuses.values():
        for pair in status.values:
            if pair.key not in TEXTS:
                float(pair.value)  # what can be plotted


def test_a_view_that_stops_is_a_warning_and_in_an_episode_an_error(stage: Stage) -> None:
    stage.serve()
    node = stage.add_policy(view_max_age_s=0.5)
    assert "not configured" in node.health().message
    stage.wait_until_active(node)
    stage.wait_until(lambda: stage.status, "the status")
    assert (stage.status[-1].viewer_url, stage.status[-1].planner_model) == ("", "")
    assert "no picture of agentview_image, robot0_eye_in_hand_image yet" in node.health().message
    handle = stage.goal()
    stage.wait_for_state(PolicyStatus.WAITING_FOR_VIEWS)
    stage.wait_until(lambda: "picture" not in node.health().message, "pictures")
    stage.cameras = ("agentview",)

    def stopped() -> bool:
        said = node.health().message
        return "no current picture" in said and "robot0_eye_in_hand_image" in said

    stage.wait_until(stopped, "the finding")
    assert node.health().level == ERROR
    assert "views_stale robot0_eye_in_hand_image" in node.health().causes
    parts = node.health().parts
    assert parts["view robot0_eye_in_hand_image"].level == ERROR
    assert parts["view agentview_image"].message == "ok"
    stage.judge(True)
    stage.result(handle)
    assert stopped()
    assert node.health().level == WARN


def test_a_camera_that_is_slower_than_the_policy_is_a_warning(stage: Stage) -> None:
    node = stage.add_policy()
    stage.wait_until_active(node)
    stage.cameras = ()
    picture, now_ns = np.zeros((2, 2, 3), np.uint8), stage.node.get_clock().now().nanoseconds
    for view, period_ns in (("agentview_image", 100_000_000), ("robot0_eye_in_hand_image", 1)):
        for number in range(10):
            node._views.buffer.add(view, now_ns + number * period_ns, picture)
    health = node.health()
    assert "agentview_image arrives at 10.0 Hz, the policy needs 20 Hz" in health.message
    assert "robot0_eye_in_hand_image" not in health.message
    assert "view_slow agentview_image" in health.causes
    assert health.level == WARN


def test_a_camera_whose_pictures_are_lost_on_the_way_is_named(stage: Stage) -> None:
    """At 30 Hz, two of three arrive: enough for the policy, and yet something is wrong."""
    node = stage.add_policy()
    stage.wait_until_active(node)
    stage.cameras = ()
    picture, now_ns = np.zeros((2, 2, 3), np.uint8), stage.node.get_clock().now().nanoseconds
    for number in range(45):
        if number % 3:
            node._views.buffer.add("agentview_image", now_ns + number * 33_000_000, picture)
    health = node.health()
    assert "view_lossy agentview_image" in health.causes
    assert "by its stamps it is taken at 30.3 Hz" in health.message
    assert "image_transport to compressed" in health.message


def test_a_slow_server_is_a_warning(stage: Stage) -> None:
    stage.serve(delay_s=0.1)
    node = play_a_chunk(stage, server_slow_s=0.05)
    assert "more than server_slow_s 0.05 s" in node.health().message
    assert "server_slow" in node.health().causes
    assert node.health().level >= WARN


def test_a_server_that_is_waited_for_in_vain_is_an_error(stage: Stage) -> None:
    node = stage.add_policy()
    stage.wait_until_active(node)
    handle = stage.goal()
    stage.wait_until(lambda: "attempt 1 failed" in node.health().message, "an attempt")
    assert node.health().level == ERROR
    assert "no_server" in node.health().causes
    values: dict[str, Any] = node.health().values
    assert values["connection_attempts"] >= 2
    assert node.health().parts["server"].level == ERROR
    stage.wait_until(lambda: "attempt" in stage.status[-1].message, "the status")
    stage.wait_for(handle.cancel_goal_async(), "the cancellation")
    assert stage.result(handle).cause == PolicyStatus.CANCEL_REQUESTED


def test_an_unknown_protocol_is_a_warning(stage: Stage) -> None:
    stage.serve(ScriptedPolicy(protocol_version=2))
    node = play_a_chunk(stage)
    assert "protocol version 2" in node.health().message
    assert "server_protocol" in node.health().causes
    assert node.health().level >= WARN
    assert node.health().parts["server"].values["server_protocol"] == 2


@pytest.mark.parametrize("argv", [["--vis-port", "8801"], []])
def test_the_viewer_is_known_from_how_the_server_was_started(stage: Stage, argv: list[str]) -> None:
    stage.serve(ScriptedPolicy(argv=argv))
    node = play_a_chunk(stage)
    known = "http://127.0.0.1:8801/" if argv else "not known"
    assert node.health().parts["server"].values["viewer_url"] == known
