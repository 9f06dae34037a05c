# SPDX-License-Identifier: Apache-2.0
"""A fault is named by what its kind lists and by nothing else; some need no name."""

from typing import Any

import pytest

from vera_ros.motion.causes import Cause as ArmCause
from vera_ros.policy.states import Cause
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import PROCESS
from verification.chaos.faults.kinds import KINDS
from verification.chaos.outcome.naming import absorbed, ends_early, ends_of_itself, names
from verification.chaos.system import events
from verification.chaos.system.events import Event


def diagnosed(cause: str, views: str = "") -> Event:
    return Event(1.0, events.DIAGNOSTICS, cause, views)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("cut", Event(1.0, events.COUNTER, "reconnects")),
        ("joints_nan", Event(1.0, events.COUNTER, "bad_joint_states")),
        ("joints_nan", diagnosed("no_joint_states")),
        ("joints_frozen", Event(1.0, events.CHUNK, "joints_frozen", "they have not changed")),
        ("latency", Event(1.0, events.WAITS, "inferring")),
        ("view_dropped", Event(1.0, events.WAITS, "waiting_for_views")),
        ("kill_ik_node", Event(1.0, events.POLICY, "arm_silent")),
        ("joints_dropped", Event(1.0, events.CHUNK, "no_joint_states", "it was 0.09 s ago")),
        ("deactivate_ik_node", Event(1.0, events.ARM, "inactive")),
        ("pause", Event(1.0, events.POLICY, "paused")),
        ("joints_outlier", Event(1.0, events.COUNTER, "outliers")),
        ("second_publisher", Event(1.0, events.ARM, "second_publisher")),
        ("velocity_false", Event(1.0, events.CHUNK, "no_joint_states")),
        ("late_delivery", Event(1.0, events.CHUNK, "commands_late")),
        ("clock_skew", Event(1.0, events.ARM, "clocks_differ")),
        ("clock_skew", Event(1.0, events.COUNTER, "clock_offset_s")),
    ],
)
def test_what_tells_of_a_fault_names_it(kind: str, event: Event) -> None:
    assert names(event, Fault(0, kind), ended_well=False)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("joints_nan", diagnosed("view_slow", "agentview_image")),
        ("joints_frozen", Event(1.0, events.CHUNK, "limit_exceeded", "the velocity would jump")),
        ("joints_dropped", Event(1.0, events.CHUNK, "limit_exceeded", "from where joint 7 is")),
        ("cut", Event(1.0, events.CHUNK, "stopped", "a stop was requested")),
        ("kill_ik_node", Event(1.0, events.CHUNK, "stopped", "a stop was requested")),
        ("freeze_ik_node", Event(1.0, events.ARM, "inactive")),
        ("kill_ik_node", Event(1.0, events.ARM, "inactive")),
        ("kill_ik_node", Event(1.0, events.CHUNK, "no_controller", "nothing moves without one")),
        ("latency", Event(1.0, events.COUNTER, "frames_dropped")),
        ("late_delivery", Event(1.0, events.CHUNK, "tracking_error")),
        ("second_publisher", Event(1.0, events.COUNTER, "outliers")),
        ("joints_outlier", Event(1.0, events.CHUNK, "tracking_error")),
        ("clock_skew", Event(1.0, events.CHUNK, "limit_exceeded")),
        ("deactivate_ik_node", Event(1.0, events.CHUNK, "stopped", "a stop was requested")),
        ("view_late", Event(1.0, events.WAITS, "inferring")),
    ],
)
def test_what_tells_of_something_else_does_not(kind: str, event: Event) -> None:
    assert not names(event, Fault(0, kind), ended_well=False)


def test_diagnostics_of_the_other_view_name_nothing() -> None:
    fault = Fault(0, "view_dropped", {"view": "agentview", "duration_s": 1.0})
    assert names(diagnosed("views_stale", "agentview_image"), fault, ended_well=False)
    other = diagnosed("views_stale", "robot0_eye_in_hand_image")
    assert not names(other, fault, ended_well=False)
    both = Fault(0, "view_dropped", {"view": "all", "duration_s": 1.0})
    assert names(other, both, ended_well=False)


def test_every_kind_can_be_named() -> None:
    known = {cause.name.lower() for causes in (Cause, ArmCause) for cause in causes}
    codes = {
        *("frames_dropped", "ticks_skipped", "late_chunks", "holds", "reconnects"),
        *("bad_joint_states", "paused", "inactive", "episode_forgotten", "steps_dropped"),
        *("outliers", "late_trajectories", "clock_offset_s", "bad_pictures"),
        *("connecting", "waiting_for_views", "inferring", "view_slow", "server_slow"),
    }
    for kind in KINDS.values():
        assert kind.named_by
        assert {*kind.named_by, *kind.named_anew} <= known | codes, kind.name


def test_no_process_that_dies_needs_no_name() -> None:
    for kind in KINDS.values():
        assert kind.kills == kind.name.startswith("kill_")
        if kind.kills:
            assert kind.layer == PROCESS
            assert not absorbed(Fault(0, kind.name), 0.1, ended_well=False)


@pytest.mark.parametrize(
    ("kind", "values", "borne"),
    [
        ("jitter", {"duration_s": 9.0, "delay_s": 0.1}, True),
        ("cut", {}, False),
        ("stop", {}, True),
        ("joints_dropped", {"duration_s": 0.3}, True),
        ("joints_dropped", {"duration_s": 0.9}, False),
        ("joints_late", {"duration_s": 1.0, "delay_s": 0.2}, True),
        ("joints_late", {"duration_s": 1.0, "delay_s": 0.9}, False),
        ("joints_late", {"duration_s": 0.3, "delay_s": 0.9}, True),
        ("joints_nan", {"duration_s": 0.1}, False),
        ("view_late", {"duration_s": 1.0, "delay_s": 0.3, "view": "all"}, True),
        ("view_dropped", {"duration_s": 1.5, "view": "all"}, False),
        ("view_wrong_size", {"duration_s": 0.3, "view": "all"}, False),
        ("late_delivery", {"duration_s": 2.0, "delay_s": 0.04}, True),
        ("late_delivery", {"duration_s": 2.0, "delay_s": 0.06}, False),
        ("joints_outlier", {"what": "jump", "off_rad": 0.02}, True),
        ("joints_outlier", {"what": "stuck_bit", "off_rad": 0.04}, False),
        ("joints_outlier", {"what": "degrees", "off_rad": 0.02}, False),
        ("joints_offset", {"off_rad": 0.05}, True),
        ("second_publisher", {"duration_s": 1.0}, False),
        (
            "clock_skew",
            {"machine": "controller", "sign": "behind", "course": "step", "offset_s": 0.04},
            True,
        ),
        (
            "clock_skew",
            {"machine": "controller", "sign": "behind", "course": "drift", "offset_s": 0.06},
            False,
        ),
        (
            "clock_skew",
            {"machine": "policy_node", "sign": "behind", "course": "step", "offset_s": 0.4},
            True,
        ),
        (
            "clock_skew",
            {"machine": "policy_node", "sign": "ahead", "course": "step", "offset_s": 0.4},
            False,
        ),
        (
            "clock_skew",
            {"machine": "policy_node", "sign": "ahead", "course": "steps", "offset_s": 0.4},
            True,
        ),
    ],
)
def test_what_is_short_may_be_absorbed(kind: str, values: dict[str, Any], borne: bool) -> None:
    fault = Fault(0, kind, values)
    assert absorbed(fault, 0.5, ended_well=False) is borne
    assert absorbed(fault, 0.5, ended_well=True)
    assert not absorbed(fault, 20.0, ended_well=True)


def test_the_end_of_a_good_episode_stops_no_chunk_early() -> None:
    stopped, jitter = (
        Event(1.0, events.CHUNK, "stopped", "a stop was requested"),
        Fault(0, "jitter"),
    )
    assert ends_early(stopped, jitter, ended_well=False)
    assert not ends_early(stopped, jitter, ended_well=True)
    assert ends_early(Event(1.0, events.CHUNK, "tracking_error"), jitter, ended_well=True)
    assert not ends_early(Event(1.0, events.ARM, "stopped"), jitter, ended_well=False)


def test_an_arm_that_pushes_at_something_is_no_doing_of_the_wire_but_may_be_of_its_sensors() -> (
    None
):
    pushes = Event(1.0, events.CHUNK, "contact")
    for kind, of_itself in (("jitter", True), ("view_late", True), ("joints_swapped", False)):
        assert ends_of_itself(pushes, Fault(0, kind)) is of_itself
        assert ends_early(pushes, Fault(0, kind), ended_well=False) is not of_itself
