# SPDX-License-Identifier: Apache-2.0
"""What the policy side makes of ik_node's answer to a stop."""

import time
from collections.abc import Callable

import pytest
from std_srvs.srv import Trigger

from vera_ros.embodiments import find_embodiment
from vera_ros.nodes.policy.arm_link import ArmLink

from ..stage import PATIENCE_S, Stage

ARM = "/ik_node on a machine, process 1, abcdef"
Answer = Callable[[Trigger.Request, Trigger.Response], Trigger.Response]


def link_of(stage: Stage, timeout_s: float = PATIENCE_S) -> ArmLink:
    mimicgen = find_embodiment("mimicgen")
    return ArmLink(stage.node, mimicgen, time.time_ns, lambda: ARM, lambda: "base", timeout_s)


def answer(success: bool, message: str = "") -> Answer:
    def serve(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = success, message
        return response

    return serve


def test_an_arm_that_was_never_stopped_is_not_waited_for(stage: Stage) -> None:
    link = link_of(stage)
    assert link.resting()
    assert (link.unrest(), link.stopping_s) == ("", 0.0)


def test_a_stop_is_over_once_ik_node_says_that_the_arm_rests(stage: Stage) -> None:
    stage.node.create_service(Trigger, "ik_node/stop", answer(True))
    link = link_of(stage)
    link.stop()
    assert not link.resting()
    stage.wait_until(link.resting, "the answer")
    assert (link.unrest(), link.stopping_s) == ("", 0.0)


def test_a_stop_that_failed_is_no_rest_and_may_be_tried_again(stage: Stage) -> None:
    """Any answer counted as rest, and the next episode looked at an arm in motion."""
    service = stage.node.create_service(Trigger, "ik_node/stop", answer(False, "it runs away"))
    link = link_of(stage)
    link.stop()
    stage.wait_until(link.unrest, "the answer")
    assert not link.resting()
    assert "it runs away" in link.unrest()
    service.callback = answer(True)
    link.stop()
    assert link.unrest() == ""
    stage.wait_until(link.resting, "the second answer")


@pytest.mark.parametrize("late", [True, False])
def test_without_an_answer_nobody_knows_whether_the_arm_rests(stage: Stage, late: bool) -> None:
    """An ik_node that was gone made an arm at rest."""
    link = link_of(stage, 0.2)
    link.stop()
    stage.wait_until(link.unrest, "the time-out")
    assert not link.resting()
    assert "a stop in 0.2 s" in link.unrest()
    if late:  # it is asked as soon as it is there
        stage.node.create_service(Trigger, "ik_node/stop", answer(True))
        stage.wait_until(link.resting, "the answer")
        assert link.unrest() == ""
