# SPDX-License-Identifier: Apache-2.0
"""When a fault strikes, and when all is well again."""

import itertools
import math
import time
from types import SimpleNamespace
from typing import Any

import pytest
from std_msgs.msg import Header

from vera_ros.bringup.waiter import Waiter
from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.policy.states import State
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress, PolicyStatus
from verification.chaos.faults.fault import Fault
from verification.chaos.outcome.outcomes import DIAGNOSTICS_S, Record, decide
from verification.chaos.run import Run
from verification.chaos.system.recorder import Recorder

from .topics import Topics

KILL = Fault(0, "kill_policy_node")
STATES = (ChunkProgress.ACCEPTED, ChunkProgress.PLAYING, ChunkProgress.FINISHED)


class System:
    """A system without processes, its operator and its executor; goals play chunk after chunk.

    Args:
        brief: the first goal's episode ends after a chunk, which the operator learns a turn later.
        late: so many chunks come after a cut that were asked for before it.

    Attributes:
        since_cut: how many chunks came after it.
    """

    def __init__(self, *, brief: bool = False, late: int = 0) -> None:
        self.topics = Topics()
        self.recorder = Recorder(self.topics)
        self.lifecycle = SimpleNamespace(forget_states=lambda: None)
        self.pids: dict[str, int] = {}
        self.goals, self.began_s, self.last_result = 0, math.inf, ""
        self.episode_runs = False
        self.killed_goal = 0
        self._brief, self._late, self._cut_s, self.since_cut = brief, late, math.inf, 0
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

    def _chunk(self) -> list[ActionChunk | ChunkProgress]:
        key = {"session_id": str(self.goals), "sequence": next(self._numbers)}
        now_s = seen_s = time.monotonic()
        if self._cut_s < math.inf:
            self.since_cut += 1
            seen_s = self._cut_s - 0.01 if self.since_cut <= self._late else now_s
        seen_ns = time.time_ns() - round((now_s - seen_s) * 1e9)
        chunk = ActionChunk(**key, header=Header(stamp=ns_to_stamp(seen_ns)))
        return [chunk, *(ChunkProgress(**key, state=state, steps_played=1) for state in STATES)]

    # The wire.

    def inject(self, fault: Fault) -> Any:
        self._cut_s = time.monotonic()
        return SimpleNamespace(over=True, struck_s=self._cut_s)

    def heal(self) -> None:
        pass

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


def play_all(system: System, monkeypatch: pytest.MonkeyPatch, *faults: Fault) -> list[Record]:
    monkeypatch.setattr("verification.chaos.run.schedule", lambda *_: iter(faults))
    waiter = Waiter(system, ())
    arena: Any = SimpleNamespace(
        operator=system, processes=system, proxy=system, waiter=waiter, views=("front", "hand")
    )
    kinds = [fault.kind for fault in faults]
    return list(Run(arena, pytest.fail).play(0, kinds, len(kinds), math.inf))


def play(system: System, monkeypatch: pytest.MonkeyPatch, fault: Fault = KILL) -> Record:
    (record,) = play_all(system, monkeypatch, fault)
    return record


def test_no_node_is_killed_before_it_has_told_what_it_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counters are published once a second, and name the fault before."""
    first, then = play_all(System(), monkeypatch, Fault(0, "latency"), Fault(1, "kill_policy_node"))
    assert first.recovered_s is not None
    assert then.struck_s is not None
    assert then.struck_s >= first.recovered_s + DIAGNOSTICS_S


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


@pytest.mark.parametrize(("kind", "needed"), [("cut", 4), ("latency", 1)])
def test_a_cut_is_over_when_somebody_has_asked_again(
    monkeypatch: pytest.MonkeyPatch, kind: str, needed: int
) -> None:
    """Once, the chunk of an answer that had come before it showed that nobody minded."""
    system = System(late=3)
    record = play(system, monkeypatch, Fault(0, kind))
    assert record.recovered_s is not None
    assert system.since_cut == needed


def test_nothing_strikes_an_episode_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its goal may not know yet; nobody forgets it, or loses it, any more."""
    system = System(brief=True)
    record = play(system, monkeypatch)
    assert (system.killed_goal, record.goal_before, record.goal_after) == (2, 2, 3)
    (outcome,) = decide([record], system.recorder.events, [])
    assert not outcome.unnamed
