# SPDX-License-Identifier: Apache-2.0
"""The outcome of each fault, decided from the recorded events and rests of the arm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kinds import KINDS
from verification.chaos.outcome.naming import absorbed, ends_early, ends_of_itself, names
from verification.chaos.system import events
from verification.chaos.system.events import Event

DIAGNOSTICS_S = 1.5  # diagnostics are published once a second, later on a busy machine
_UNDER_WAY_S = 0.1  # a trajectory may be sent so long before the fault and still be affected

HANG, CRASH, MISSED = "hang", "crash", "missed"
ENDED, STOPPED, WENT_ON, ABSORBED = "ended", "stopped", "went on", "absorbed"


@dataclass(frozen=True)
class Record:
    """Times and goals around one injected fault. Times are steady [s].

    Attributes:
        fault: the injected fault.
        struck_s: when it took effect; None: it never did.
        over_s: when it was over.
        recovered_s: when the arm played a chunk accepted after that; None: it never did.
        goal_before, goal_after: numbers of the goals when it was injected and after the recovery.
        ended_well: whether the goal before has ended with success or at its time limit.
        failure: why the system did not recover; empty: it did.
        crashed: whether the failure is a process that ended by itself.
    """

    fault: Fault
    struck_s: float | None
    over_s: float
    recovered_s: float | None
    goal_before: int = 0
    goal_after: int = 0
    ended_well: bool = False
    failure: str = ""
    crashed: bool = False


@dataclass(frozen=True)
class Outcome:
    """The outcome of a fault.

    Attributes:
        record: of the fault.
        result: hang, crash, missed (never took effect), ended (the episode), stopped (a chunk),
            went on, or absorbed (no effect, and no need to be named).
        named: names of the events that name the fault, see `outcome.naming`.
        unnamed: whether no event names the fault although one should.
        rest_s: from the fault's effect until the arm rested [s]; None: the arm went on.
        recover_s: from the fault's end until a chunk accepted after it was played [s].
    """

    record: Record
    result: str
    named: tuple[str, ...] = ()
    unnamed: bool = False
    rest_s: float | None = None
    recover_s: float | None = None

    @property
    def went_on(self) -> bool | None:
        """Whether the episode continued; None: it could not, ended well, or met no fault."""
        record = self.record
        if not record.fault.can_go_on or self.result == MISSED or record.ended_well:
            return None
        return self.result in (ABSORBED, WENT_ON, STOPPED)


def decide(
    records: Sequence[Record],
    happened: Sequence[Event],
    rests: Sequence[Mapping[str, Any]],
    late_s: Sequence[float] = (),
) -> list[Outcome]:
    """Return the outcome of each fault.

    Args:
        records: in the order of injection.
        happened: events in the order of arrival.
        rests: when the true arm rested: `from_s`, `until_s`, steady time [s].
        late_s: publication times of the trajectories that arrived after their lead, steady [s].
    """
    outcomes = []
    before: Fault | None = None
    for index, record in enumerate(records):
        until_s = next(
            (later.struck_s for later in records[index + 1 :] if later.struck_s is not None),
            float("inf"),
        )
        outcomes.append(_decide(record, before, happened, rests, late_s, until_s))
        before = record.fault
    return outcomes


def _decide(
    record: Record,
    before: Fault | None,
    happened: Iterable[Event],
    rests: Iterable[Mapping[str, Any]],
    late_s: Iterable[float],
    until_s: float,
) -> Outcome:
    if record.failure:
        result = CRASH if record.crashed else HANG
        return Outcome(record, result)
    if record.struck_s is None or record.recovered_s is None:
        return Outcome(record, MISSED)
    struck_s, recovered_s = record.struck_s, record.recovered_s
    recover_s = max(0.0, recovered_s - record.over_s)
    named: list[str] = []
    chunk_stopped = of_itself = after_effect = False
    for event in happened:
        last_s = recovered_s
        if event.source == events.COUNTER:  # unambiguous, also during the next fault
            last_s += DIAGNOSTICS_S
        elif event.source == events.DIAGNOSTICS:
            last_s = min(recovered_s + DIAGNOSTICS_S, until_s)
        if struck_s <= event.at_s <= last_s:
            chunk_stopped |= ends_early(event, record.fault, ended_well=record.ended_well)
            of_itself |= ends_of_itself(event, record.fault)
            if names(event, record.fault, ended_well=record.ended_well):
                named.append(event.name)
            ends = event.source == events.POLICY and record.goal_before != record.goal_after
            after_effect |= ends and before is not None and names(event, before, ended_well=False)
    result, rest_s = WENT_ON, None
    in_time = not any(struck_s - _UNDER_WAY_S <= at_s <= recovered_s for at_s in late_s)
    silent = not chunk_stopped and absorbed(
        record.fault, recover_s, ended_well=record.ended_well, in_time=in_time
    )
    if record.goal_before != record.goal_after and not record.ended_well:
        result = ENDED
    elif chunk_stopped:
        result = STOPPED
    elif not named and silent:
        result = ABSORBED
    if result in (ENDED, STOPPED):
        rest_s = next(
            (max(0.0, rest["from_s"] - struck_s) for rest in rests if rest["until_s"] > struck_s),
            None,
        )
    return Outcome(
        record,
        result,
        tuple(dict.fromkeys(named)),
        unnamed=not (named or after_effect or result == ABSORBED or (of_itself and silent)),
        rest_s=rest_s,
        recover_s=recover_s,
    )


@dataclass
class Summary:
    """Counts over all faults of one kind, or of all kinds.

    Attributes:
        times: number of faults.
        results: number of faults by result.
        named: number of faults by the name of an event that names them.
        unnamed: number of faults that should have been named and were not.
        could, did: number of episodes that could continue, and of those that did.
        rest_s, recover_s: of all outcomes that have them [s].
    """

    times: int = 0
    results: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0
    could: int = 0
    did: int = 0
    rest_s: list[float] = field(default_factory=list)
    recover_s: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add one outcome to the counts."""
        self.times += 1
        self.results[outcome.result] = self.results.get(outcome.result, 0) + 1
        for name in outcome.named:
            self.named[name] = self.named.get(name, 0) + 1
        self.unnamed += outcome.unnamed
        if outcome.went_on is not None:
            self.could += 1
            self.did += outcome.went_on
        if outcome.rest_s is not None:
            self.rest_s.append(outcome.rest_s)
        if outcome.recover_s is not None:
            self.recover_s.append(outcome.recover_s)


def summarise(outcomes: Iterable[Outcome]) -> tuple[dict[str, Summary], Summary]:
    """Return the counts by kind, in the order of `KINDS`, and over all kinds."""
    by_kind = {name: Summary() for name in KINDS}
    whole = Summary()
    for outcome in outcomes:
        by_kind[outcome.record.fault.kind].add(outcome)
        whole.add(outcome)
    return {name: summary for name, summary in by_kind.items() if summary.times}, whole
