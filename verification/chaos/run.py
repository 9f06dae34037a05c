# SPDX-License-Identifier: Apache-2.0
"""A run: fault after fault, and after each the system must play again."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from vera_ros.bringup.failures import DemoError, InterruptedRunError, NodeDiedError
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kinds import KINDS
from verification.chaos.faults.schedule import schedule
from verification.chaos.outcome.outcomes import Record, decide
from verification.chaos.outcome.report import Report, read_findings
from verification.chaos.outcome.soak import Soak
from verification.chaos.system.arena import Arena
from verification.chaos.system.chunk_log import Played
from verification.chaos.system.injector import Injector

_FIRST_PLAY_S = 90.0
_RECOVERY_S = 60.0
_SAMPLE_S = 10.0
_SPARE_S = 5.0

Say = Callable[[str], None]


class Run:
    """Plays faults.

    Args:
        arena: in which.
        say: told a line now and then.

    Attributes:
        records: of the faults that were played.
        soak: what the processes used meanwhile.
        absent: kinds for which the system lacks a service.
    """

    def __init__(self, arena: Arena, say: Say) -> None:
        self._arena = arena
        self._say = say
        self._injector = Injector(arena, self._keep_going)
        self._sampled_s = float("-inf")
        self._began_s = time.monotonic()
        self.records: list[Record] = []
        self.soak = Soak()
        self.absent: list[str] = []

    def play(
        self, seed: int, kinds: Sequence[str], faults: int | None, duration_s: float
    ) -> Iterator[Record]:
        """Play so many faults (None: no end), for so long; yield a record of each.

        Raises:
            DemoError: the system cannot be brought to play at all.
        """
        began_s = self._began_s
        self._wait_for_play(began_s, whole=True, within_s=_FIRST_PLAY_S)
        self.absent = [kind for kind in kinds if not self._injector.can_do(kind)]
        possible = [kind for kind in kinds if kind not in self.absent]
        for fault in islice(schedule(seed, possible), faults):
            if time.monotonic() - began_s > duration_s:
                return
            self._sample()
            record = self._play(fault)
            self.records.append(record)
            yield record
            if record.failure:
                self._say(f"starting from scratch: {record.failure.splitlines()[0]}")
                since_s = time.monotonic()
                self._arena.rebuild()
                self._wait_for_play(since_s, whole=True, within_s=_FIRST_PLAY_S)

    @property
    def elapsed_s(self) -> float:
        """Since the run began [s]."""
        return time.monotonic() - self._began_s

    def report(self, options: Mapping[str, Any], *, is_soak: bool) -> Report:
        """All that was seen; the monitor is stopped. `is_soak`: growth is judged as well."""
        elapsed_s, recorder = self.elapsed_s, self._arena.operator.recorder
        findings = read_findings(self._arena.findings())
        rests = [finding for finding in findings if finding["finding"] == "rest"]
        late_s = [finding["published_s"] for finding in findings if finding.get("late_s", 0.0) > 0]
        return Report(
            options,
            elapsed_s,
            decide(self.records, recorder.events, rests, late_s),
            findings,
            self.soak,
            recorder.server_latency_s,
            recorder.pipeline_latency_s,
            self.absent,
            is_soak,
        )

    def _play(self, fault: Fault) -> Record:
        """Let one fault loose, and wait until the arm plays again."""
        operator = self._arena.operator
        goal, struck_s, recovered_s, failure, crashed = operator.goals, None, None, "", False
        over_s = time.monotonic()
        try:
            self._wait_until(over_s + fault.phase_s)
            if not operator.episode_runs or operator.recorder.episode_over:
                self._wait_for_play(time.monotonic(), whole=False)
            goal = operator.goals
            struck_s = self._injector.strike(fault)
            over_s = time.monotonic()
            kind = KINDS[fault.kind]
            recovered_s = self._wait_for_play(over_s, whole=kind.kills, asked=kind.lies_in_wait)
        except InterruptedRunError:
            raise
        except DemoError as error:
            failure, crashed = f"after {fault.kind}: {error}", isinstance(error, NodeDiedError)
        return Record(
            fault,
            struck_s,
            over_s,
            recovered_s,
            goal,
            operator.goals,
            operator.ended_well(goal),
            failure,
            crashed,
        )

    def _wait_for_play(
        self, since_s: float, *, whole: bool, asked: bool = False, within_s: float = _RECOVERY_S
    ) -> float:
        """Wait until a chunk that was accepted since then plays, or was played whole; say when.

        `asked`: until one plays that was also asked for since then.

        It must be one of the last goal's: of one that was given to a process which was killed
        since, chunks may play on.

        Raises:
            DemoError: that does not come.
        """
        operator = self._arena.operator

        def chunk() -> Played:
            return operator.recorder.chunks.finished if whole else operator.recorder.chunks.played

        def plays() -> bool:
            one = chunk()
            new = one.accepted_s >= max(since_s, operator.began_s)
            return new and (not asked or one.seen_s >= since_s)

        self._keep_going(plays, within_s)
        return chunk().at_s

    def _keep_going(self, done: Callable[[], bool], within_s: float) -> None:
        """Keep an episode going until something is true.

        Raises:
            DemoError: it does not become true in time.
        """
        deadline_s = time.monotonic() + within_s
        operator, waiter = self._arena.operator, self._arena.waiter
        trouble = ""
        while not done():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0.0:
                raise DemoError(
                    f"nothing played within {within_s:g} s; "
                    f"{trouble or operator.last_result or 'an episode runs'}"
                )
            if not operator.episode_runs:
                trouble = self._start_episode(left_s)
                continue
            waiter.until(
                lambda: (
                    "the arm to play"
                    if not done() and operator.episode_runs and time.monotonic() < deadline_s
                    else ""
                ),
                left_s + _SPARE_S,
            )

    def _start_episode(self, within_s: float) -> str:
        """Try to start an episode; return why that failed, empty: it did not.

        Raises:
            DemoError: it makes no sense to try again.
        """
        operator, waiter = self._arena.operator, self._arena.waiter
        try:
            waiter.until(operator.missing, within_s)
            operator.start_episode(waiter)
        except (NodeDiedError, InterruptedRunError):
            raise
        except DemoError as error:
            return str(error)
        return ""

    def _wait_until(self, at_s: float) -> None:
        self._arena.waiter.until(
            lambda: "" if time.monotonic() >= at_s else "the time to strike", _RECOVERY_S
        )

    def _sample(self) -> None:
        now_s = time.monotonic()
        if now_s - self._sampled_s >= _SAMPLE_S:
            self._sampled_s = now_s
            self.soak.sample(self._arena.processes.pids, now_s)
