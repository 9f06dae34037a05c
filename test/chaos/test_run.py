# SPDX-License-Identifier: Apache-2.0
"""When a fault strikes, and when all is well again."""

import itertools
import math
import time
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.faults import Fault
from chaos.outcomes import Record, decide
from chaos.recorder import Recorder
from chaos.run import Run
from vera_ros.demo.waiter import Waiter
from vera_ros.policy.states import State
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

from .topics import Topics

KILL = Fault(0, "kill_policy_node")
STATES = (ChunkProgress.ACCEPTED, ChunkProgress.PLAYING, ChunkProgress.FINISHED)


class System:
    """A system without processes, its operator and its executor; goals play chunk after chunk.

    Args:
        brief: the first goal's episode ends after a chunk, which the operator learns a turn later.
    """

    def __init__(self, *, brief: bool = False) -> None:
        self.topics = Topics()
        self.recorder = Recorder(self.topics)
        self.lifecycle = SimpleNamespace(begin_anew=lambda: None)
        self.pids: dict[str, int] = {}
        self.goals, self.began_s, self.last_result = 0, math.inf, ""
        self.episode_runs = False
        self.killed_goal = 0
        self._brief = brief
        self._left: list[ChunkProgress] = []  # of a goal that is gone
        self._numbers = itertools.count()

    def spin_once(self, timeout_sec: float) -> None:
        """One turn of the executor: something is heard."""
        if self._left:
            self.topics.say(self._left.pop(0))
        elif self.recorder.episode_over:
            self.episode_runs = False
        elif self.episode_runs:
            self._say(State.PLAYING)
            self.topics.say(*self._chunk())
            if self._brief and self.goals == 1:
                self._say(State.DONE)

    def _say(self, state: State) -> None:
        self.topics.say(PolicyStatus(state=int(state), session_id=str(self.goals)))

    def _chunk(self) -> list[ChunkProgress]:
        key = {"session_id": str(self.goals), "sequence": next(self._numbers)}
        return [ChunkProgress(**key, state=state, steps_played=1) for state in STATES]

    # Processes.

    def kill(self, name: str) -> None:
        assert name == "policy_node"
        assert not self.recorder.episode_over
        self.killed_goal = self.goals

    def start_again(self, name: str) -> None:
        """The chunk that was sent last plays on."""
        self._left = self._chunk()

    # The operator.

    def missing(self) -> str:
        return "policy_node to appear" if self._left else ""

    def ended_well(self, goal: int) -> bool:
        return self._brief and goal == 1

    def forget_episode(self) -> None:
        self.episode_runs, self.began_s = False, math.inf

    def start_episode(self, waiter: Waiter) -> None:
        self._say(State.IDLE)
        self.goals, self.began_s, self.episode_runs = self.goals + 1, time.monotonic(), True
        self._say(State.CONNECTING)


def play(system: System, monkeypatch: pytest.MonkeyPatch) -> Record:
    monkeypatch.setattr("chaos.run.schedule", lambda *_: iter([KILL]))
    arena: Any = SimpleNamespace(operator=system, processes=system, waiter=Waiter(system, ()))
    (record,) = Run(arena, pytest.fail).play(0, [KILL.kind], 1, math.inf)
    return record


def test_what_plays_on_of_a_goal_that_was_killed_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, all seemed well again, and nobody listened, before the new policy_node was there."""
    system = System()
    record = play(system, monkeypatch)
    assert (record.goal_before, record.goal_after) == (1, 2)
    assert record.recovered_s is not None
    assert record.recovered_s >= system.began_s
    (outcome,) = decide([record], system.recorder.events, [])
    assert (outcome.result, outcome.named) == ("ended", ("episode_forgotten",))


def test_nothing_strikes_an_episode_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its goal may not know yet; nobody forgets it, or loses it, any more."""
    system = System(brief=True)
    record = play(system, monkeypatch)
    assert (system.killed_goal, record.goal_before, record.goal_after) == (2, 2, 3)
    (outcome,) = decide([record], system.recorder.events, [])
    assert not outcome.unnamed
