# SPDX-License-Identifier: Apache-2.0
"""A chaos run: inject one fault at a time, and wait until the system plays again after each."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from vera_ros.bringup.failures import DemoError, InterruptedRunError, NodeDiedError
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kinds import KINDS
from verification.chaos.faults.schedule import schedule
from verification.chaos.outcome.outcomes import DIAGNOSTICS_S, Record, decide
from verification.chaos.outcome.report import Report, makes_late_step, read_findings
from verification.chaos.outcome.soak import Soak
from verification.chaos.system.arena import Arena
from verification.chaos.system.chunk_log import Played
from verification.chaos.system.injector import Injector

_FIRST_PLAY_S = 90.0
_RECOVERY_S = 60.0
_SAMPLE_S = 10.0
_SPARE_S = 5.0

Log = Callable[[str], None]


class Run:
    """Injects faults into the simulated system and records what follows.

    Args:
        arena: the running system, its relay, proxy and monitor.
        log: receives progress messages, one line each.

    Attributes:
        records: one for each injected fault.
        soak: resource usage of the processes.
        absent: kinds of faults that cannot be injected because the system lacks a service.
    """

    def __init__(self, arena: Arena, log: Log) -> None:
        self._arena = arena
        self._log = log
        self._injector = Injector(arena, self._keep_going)
        self._sampled_s = float("-inf")
        self._began_s = time.monotonic()
        self.records: list[Record] = []
        self.soak = Soak()
        self.absent: list[str] = []

    def play(
        self, seed: int, kinds: Sequence[str], faults: int | None, duration_s: float
    ) -> Iterator[Record]:
        """Inject `faults` faults (None: no limit), drawn from `seed`, and yield a record of each.

        None is injected later than `duration_s` after the start [s].

        Raises:
            DemoError: no chunk is played at the start, or after a restart of the system.
        """
        began_s = self._began_s
        self._wait_for_play(began_s, whole=True, within_s=_FIRST_PLAY_S)
        self.absent = [kind for kind in kinds if not self._injector.can_do(kind)]
        possible = [kind for kind in kinds if kind not in self.absent]
        for fault in islice(schedule(seed, self._arena.views, possible), faults):
            if time.monotonic() - began_s > duration_s:
                return
            self._sample()
            record = self._play(fault)
            self.records.append(record)
            yield record
            if record.failure:
                self._log(f"restarting the system: {record.failure.splitlines()[0]}")
                since_s = time.monotonic()
                self._arena.rebuild()
                self._wait_for_play(since_s, whole=True, within_s=_FIRST_PLAY_S)

    @property
    def elapsed_s(self) -> float:
        """Time since the run began [s]."""
        return time.monotonic() - self._began_s

    def report(self, options: Mapping[str, Any], *, is_soak: bool) -> Report:
        """Stop the monitor and return the report. `is_soak`: growth of resources fails the run."""
        elapsed_s, recorder = self.elapsed_s, self._arena.operator.recorder
        findings = read_findings(self._arena.findings())
        rests = [finding for finding in findings if finding["finding"] == "rest"]
        late_s = [finding["published_s"] for finding in findings if makes_late_step(finding)]
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
        """Inject one fault, and wait until the arm plays again."""
        operator = self._arena.operator
        goal, struck_s, recovered_s, failure, crashed = operator.goals, None, None, "", False
        over_s = time.monotonic()
        try:
            self._wait_until(max(over_s + fault.phase_s, self._counted_s(fault)))
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

    def _counted_s(self, fault: Fault) -> float:
        """Return when the nodes have told what they counted of the fault before [s].

        A node that is killed takes along what it has not published yet.
        """
        last_s = self.records[-1].recovered_s if self.records else None
        if last_s is None or not KINDS[fault.kind].kills:
            return 0.0
        return last_s + DIAGNOSTICS_S

    def _wait_for_play(
        self, since_s: float, *, whole: bool, asked: bool = False, within_s: float = _RECOVERY_S
    ) -> float:
        """Wait until a chunk accepted after `since_s` plays; return that steady time [s].

        `whole`: until it was played to its end. `asked`: it was also requested after `since_s`.
        Only the latest goal's chunks count: those of a killed policy_node may play on.

        Raises:
            DemoError: no such chunk plays within `within_s`.
        """
        operator = self._arena.operator

        def chunk() -> Played:
            return operator.recorder.chunks.finished if whole else operator.recorder.chunks.played

        def plays() -> bool:
            latest = chunk()
            new = latest.accepted_s >= max(since_s, operator.began_s)
            return new and (not asked or latest.seen_s >= since_s)

        self._keep_going(plays, within_s)
        return chunk().at_s

    def _keep_going(self, done: Callable[[], bool], within_s: float) -> None:
        """Keep episodes running, one after the other, until a condition holds.

        Raises:
            DemoError: the condition does not hold within `within_s`.
        """
        deadline_s = time.monotonic() + within_s
        operator, waiter = self._arena.operator, self._arena.waiter
        trouble = ""
        while not done():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0.0:
                raise DemoError(
                    f"nothing played within {within_s:g} s; "
                    f"{trouble or operator.last_result or 'the episode is still running'}"
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
        """Try to start an episode; return why that failed, or an empty string.

        Raises:
            DemoError: a process has died or the run was interrupted: retrying is pointless.
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
            lambda: "" if time.monotonic() >= at_s else "the time of the fault", _RECOVERY_S
        )

    def _sample(self) -> None:
        now_s = time.monotonic()
        if now_s - self._sampled_s >= _SAMPLE_S:
            self._sampled_s = now_s
            self.soak.sample(self._arena.processes.pids, now_s)
