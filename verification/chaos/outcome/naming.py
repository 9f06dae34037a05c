# SPDX-License-Identifier: Apache-2.0
"""Whether the system has said what is wrong, and when it need not: the rules, in one place.

A fault is named by what its kind lists (`Kind.named_by`), said after it struck. That a process was
killed, a fault was let loose or a node warns of something else names nothing, and what a node has
warned of before is not said anew. A process that was killed may be missed by others, or say itself
that it has begun anew.

What is said counts until the arm plays again, and for numbers and warnings, which come once a
second, a little longer. It plays again with a chunk of the last goal that was accepted after the
fault: one of which a step is played, or that the next one takes over from. A fault
on the wire that is not met before the server is asked again (`Kind.lies_in_wait`) is over with a
chunk that was asked for after it.

A fault is absorbed where nothing had to be named because nothing happened: no chunk was refused or
stopped, the arm played on within seconds, and either the episode came to its own good end just
then, or it went on and the fault was short and slight enough for its kind to be borne
(`Kind.absorbed_s`, `Kind.slight`), as a picture that is late, an answer that comes soon, or clocks
that differ by little, or all that it delayed was in time (`Kind.delays`). An arm that pushes at
something ends an episode of itself, and is named for that: a fault that strikes then is judged as
if the episode went on.
"""

from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import VIEWS, WIRE
from verification.chaos.faults.kinds import KINDS
from verification.chaos.system import events
from verification.chaos.system.events import Event

_PLAYS_ON_S = 5.0
_OF_ITSELF = "contact"


def names(event: Event, fault: Fault, *, ended_well: bool) -> bool:
    """Whether what was said tells of this fault; words must be about the view that it is in."""
    kind = KINDS[fault.kind]
    named_by = (*kind.named_by, *kind.named_anew) if ended_well else kind.named_by
    if event.name in named_by:
        return True
    if not any(" " in name and name in event.words for name in named_by):
        return False
    view = fault.values.get("view", "both")
    return kind.layer != VIEWS or view == "both" or str(view) in event.words


def ends_early(event: Event, fault: Fault, *, ended_well: bool) -> bool:
    """Whether a chunk was refused or stopped by what may be the fault's doing.

    Not so at the end of an episode that ended well, or of itself.
    """
    well = ended_well and event.name == "stopped"
    return event.source == events.CHUNK and not (well or ends_of_itself(event, fault))


def ends_of_itself(event: Event, fault: Fault) -> bool:
    """Whether the arm was stopped since it pushes at something, which no such fault can feign."""
    harmless = KINDS[fault.kind].layer in (WIRE, VIEWS)
    return harmless and event.source == events.CHUNK and event.name == _OF_ITSELF


def absorbed(fault: Fault, recover_s: float, *, ended_well: bool, in_time: bool = False) -> bool:
    """Whether nothing happened, where nothing was said and no chunk was stopped.

    Args:
        fault: that struck.
        recover_s: from its end until a chunk played that came after it.
        ended_well: the episode that ran has come to its own end; otherwise it goes on.
        in_time: no trajectory came to its controller after its lead meanwhile.
    """
    borne = ended_well or fault.is_slight or (in_time and KINDS[fault.kind].delays)
    return borne and recover_s <= _PLAYS_ON_S
