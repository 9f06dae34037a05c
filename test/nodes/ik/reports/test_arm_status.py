# SPDX-License-Identifier: Apache-2.0
"""arm_status: one state at a time, with the cause that a person needs to know."""

import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rclpy.clock import Clock
from sensor_msgs.msg import JointState

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.nodes.common.conversions import doubles
from vera_ros.nodes.ik.reports.arm_status import ArmStatusTopic, arm_status, contact_warning
from vera_ros_interfaces.msg import ArmStatus

from ...stage import Stage

STILL = Measured(np.zeros(7), np.zeros(7), None, 0.0, 0.0)


@dataclass
class Supervised:
    """What arm_status reads of a Supervisor, its intake and its stops."""

    playing: Any = None
    stopping: bool = False
    awaiting: Any = None
    cause: Cause = Cause.NONE
    in_motion: bool = False

    def hindrance(self, observation: ArmObservation) -> Reason | None:
        return observation.fault or observation.unfit

    @property
    def reason(self) -> Reason:
        return Reason(self.cause)

    @property
    def intake(self) -> "Supervised":
        return self

    @property
    def stops(self) -> "Supervised":
        return self

    @property
    def under_way(self) -> bool:
        return self.stopping

    def moves(self, _: ArmObservation) -> bool:
        return self.in_motion


def observation(cause: Cause = Cause.NONE) -> ArmObservation:
    return ArmObservation(STILL, fault=Reason(cause, "gone") if cause else None)


@pytest.mark.parametrize(
    ("supervised", "sensed", "held", "state", "cause"),
    [
        (None, observation(Cause.NOT_ACTIVE), False, ArmStatus.INACTIVE, Cause.NONE),
        (None, observation(Cause.NOT_ACTIVE), True, ArmStatus.INACTIVE, Cause.NONE),
        (
            Supervised(stopping=True, cause=Cause.STOPPED),
            observation(Cause.NOT_ACTIVE),
            False,
            ArmStatus.INACTIVE,
            Cause.STOPPED,
        ),
        (Supervised(), observation(), False, ArmStatus.READY, Cause.NONE),
        (Supervised(cause=Cause.CONTACT), observation(), False, ArmStatus.READY, Cause.CONTACT),
        (Supervised(playing=1, in_motion=True), observation(), False, ArmStatus.MOVING, Cause.NONE),
        (
            Supervised(stopping=True, in_motion=True, cause=Cause.HELD),
            observation(),
            True,
            ArmStatus.STOPPING,
            Cause.HELD,
        ),
        (Supervised(cause=Cause.NOT_AT_REST), observation(), True, ArmStatus.HELD, Cause.HELD),
        (Supervised(awaiting=1), observation(), True, ArmStatus.HELD, Cause.HELD),
        (Supervised(awaiting=1), observation(), False, ArmStatus.AWAITING_APPROVAL, Cause.NONE),
        (
            Supervised(awaiting=1),
            observation(Cause.NO_CONTROLLER),
            False,
            ArmStatus.FAULT,
            Cause.NO_CONTROLLER,
        ),
        (
            Supervised(),
            observation(Cause.NO_JOINT_STATES),
            False,
            ArmStatus.FAULT,
            Cause.NO_JOINT_STATES,
        ),
        (
            Supervised(),
            ArmObservation(STILL, unfit=Reason(Cause.CLOCKS_DIFFER, "off")),
            False,
            ArmStatus.FAULT,
            Cause.CLOCKS_DIFFER,
        ),
        (Supervised(in_motion=True), observation(), False, ArmStatus.FAULT, Cause.NOT_AT_REST),
    ],
)
def test_the_state_is_the_one_that_matters(
    supervised: Any, sensed: ArmObservation, held: bool, state: int, cause: Cause
) -> None:
    status = arm_status(supervised, sensed, held)
    assert (status.state, status.cause, status.held) == (state, cause, held)
    if state in (ArmStatus.FAULT, ArmStatus.HELD):
        assert status.message


@pytest.mark.parametrize(
    ("sensed", "effort_model", "part"),
    [
        (ArmObservation(), "rigid_body", ""),
        (ArmObservation(STILL, effort=np.ones(7)), "rigid_body", ""),
        (ArmObservation(STILL), "rigid_body", "the joint states have no efforts"),
        (ArmObservation(STILL), "none", "the joint states have no efforts"),
        (ArmObservation(STILL, effort=np.zeros(7)), "rigid_body", "exactly 0"),
        (ArmObservation(STILL, effort=np.ones(7)), "none", "effort_model: none"),
        (ArmObservation(STILL, effort=np.zeros(7)), "none", "exactly 0"),
    ],
)
def test_contact_that_is_not_watched_is_said(
    sensed: ArmObservation, effort_model: str, part: str
) -> None:
    warning = contact_warning(sensed, effort_model)
    assert part in warning
    assert bool(part) == bool(warning)


@pytest.mark.parametrize(
    ("effort_model", "mismatch", "part"),
    [
        ("rigid_body", "they lack gravity", "they lack gravity"),
        ("none", "they contain gravity", "they contain gravity"),
        ("none", "", ""),  # known to fit
        ("none", None, "effort_model: none"),
        ("rigid_body", None, ""),
    ],
)
def test_an_effort_model_that_does_not_fit_is_said(
    effort_model: str, mismatch: str | None, part: str
) -> None:
    warning = contact_warning(ArmObservation(STILL, effort=np.ones(7)), effort_model, mismatch)
    assert part in warning
    assert bool(part) == bool(warning)


def test_efforts_without_gravity_show_in_the_status_with_the_model_that_fits(stage: Stage) -> None:
    """The first chunk was stopped: an arm that holds itself up seemed to be pushed."""

    def spoil(message: JointState) -> JointState:
        message.effort = doubles(np.full(len(message.name), 0.2))
        return message

    stage.joint_message = spoil
    stage.add_ready_ik()
    stage.wait_until(
        lambda: any("set effort_model: none" in w for w in stage.arm_status[-1].warnings),
        "the warning",
    )


def test_links_that_are_not_checked_show_in_the_status(stage: Stage) -> None:
    stage.add_ready_ik(self_distance_m=0.018)
    words = "not checked for collisions with each other: panda_link6-panda_hand"
    stage.wait_until(lambda: any(words in w for w in stage.arm_status[-1].warnings), "the warning")


def test_joint_states_without_efforts_show_in_the_status(stage: Stage) -> None:
    stage.add_ready_ik()
    stage.wait_until(lambda: stage.arm_status and stage.arm_status[-1].warnings, "the warning")
    (warning,) = stage.arm_status[-1].warnings
    assert warning.startswith("contact is not detected: the joint states have no efforts")
    said = len(stage.arm_status)
    stage.wait_until(lambda: len(stage.arm_status) > said, "the status, repeated")
    assert list(stage.arm_status[-1].warnings) == [warning]


class Logger:
    """A node that keeps what it logs, and publishes nothing."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def get_logger(self) -> "Logger":
        return self

    def create_publisher(self, *_: Any) -> Any:
        return SimpleNamespace(publish=lambda _: None)

    def get_clock(self) -> Any:
        return Clock()

    def info(self, line: str) -> None:
        self.lines.append(line)

    warning = info


def test_a_fault_that_lasts_is_logged_once_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a missing joint stood in arm_status alone, which few people read."""
    node, now_s = Logger(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    topic = ArmStatusTopic(node)

    def say(seconds: float, **fields: Any) -> None:
        for number in range(round(seconds * 10)):
            now_s[0] += 0.1
            message = fields.pop("message", "") or f"joint states without 'j{number}'"
            topic.say(ArmStatus(message=message, **fields))

    missing: dict[str, Any] = {"state": ArmStatus.FAULT, "cause": int(Cause.NO_JOINT_STATES)}
    say(0.5, **missing)  # as at every start
    say(1.0, state=ArmStatus.READY)
    assert node.lines == []
    say(3.0, **missing)
    (line,) = node.lines
    assert line.startswith("the arm cannot move: joint states without 'j")
    say(1.0, state=ArmStatus.READY)
    assert node.lines[1:] == ["the arm can move again"]
    say(2.0, state=ArmStatus.FAULT, cause=int(Cause.NO_CONTROLLER))
    assert len(node.lines) == 3
