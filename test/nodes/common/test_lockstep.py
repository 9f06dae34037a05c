# SPDX-License-Identifier: Apache-2.0
"""The thread that moves time: in order, repeating the present, leaving nobody without an answer."""

import queue
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from vera_ros.nodes.common.lockstep import Lockstep

PATIENCE_S = 30.0


class Clockwork:
    """A lockstep, and everything that it says."""

    def __init__(self) -> None:
        self.repeated = threading.Event()
        self.answers: queue.Queue[str] = queue.Queue()
        self.failures: list[Exception] = []
        self.lockstep = Lockstep(self.repeated.set, self.failures.append)

    def answer(self) -> str:
        return self.answers.get(timeout=PATIENCE_S)


@pytest.fixture
def clockwork() -> Iterator[Clockwork]:
    made = Clockwork()
    yield made
    made.lockstep.stop()


def test_requests_are_served_in_order(clockwork: Clockwork) -> None:
    for number in range(20):
        clockwork.lockstep.ask(partial(str, number), clockwork.answers.put)
    assert [clockwork.answer() for _ in range(20)] == [str(number) for number in range(20)]


def test_the_present_is_repeated_while_nothing_is_asked_and_while_something_is_awaited(
    clockwork: Clockwork,
) -> None:
    assert clockwork.repeated.wait(PATIENCE_S)
    waiting = threading.Event()

    def wait() -> str:
        clockwork.repeated.clear()
        waiting.set()
        return ",".join(clockwork.lockstep.wait_for(["arm"], PATIENCE_S))

    clockwork.lockstep.ask(wait, clockwork.answers.put)
    assert waiting.wait(PATIENCE_S)
    assert clockwork.repeated.wait(PATIENCE_S)
    clockwork.lockstep.came("arm")
    assert clockwork.answer() == ""


def test_what_came_before_counts_until_it_is_forgotten(clockwork: Clockwork) -> None:
    lockstep = clockwork.lockstep

    def missing() -> str:
        return ",".join(lockstep.wait_for(["arm", "gripper"], 0.0))

    lockstep.came("arm")
    lockstep.ask(missing, clockwork.answers.put)
    assert clockwork.answer() == "gripper"
    lockstep.came("gripper")
    lockstep.ask(missing, clockwork.answers.put)
    assert clockwork.answer() == ""
    lockstep.forget_what_came()
    lockstep.ask(missing, clockwork.answers.put)
    assert clockwork.answer() == "arm,gripper"


def test_the_end_leaves_nobody_without_an_answer(clockwork: Clockwork) -> None:
    lockstep, begun = clockwork.lockstep, threading.Event()

    def wait_for_ever() -> str:
        begun.set()
        return ",".join(lockstep.wait_for(["arm"], PATIENCE_S))

    lockstep.ask(wait_for_ever, clockwork.answers.put)
    lockstep.ask(lambda: "never done", clockwork.answers.put)
    assert begun.wait(PATIENCE_S)
    lockstep.stop()
    assert clockwork.answer() == "arm"
    assert "deactivated" in clockwork.answer()


def test_a_surprise_is_passed_on_and_ends_it(clockwork: Clockwork) -> None:
    clockwork.lockstep.ask(lambda: str(1 / 0), clockwork.answers.put)
    assert clockwork.answer()
    clockwork.lockstep.stop()
    assert [type(error) for error in clockwork.failures] == [ZeroDivisionError]
