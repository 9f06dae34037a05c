# SPDX-License-Identifier: Apache-2.0
"""The rules by which a fault counts as named, and when it may go unnamed.

A fault is named by an event after it struck whose cause, state or counter its kind lists
(`Kind.named_by`). The fault's injection, or a warning about something else, names nothing, and a
warning that persists counts only when it begins. Where the episode's end names the fault before it,
that one still had its effect, and the fault may go unnamed. A process that was killed may be missed
by other nodes, or itself report that it has restarted.

Events count until the arm plays again; counters and diagnostics, which are published once a
second, a little longer. It plays again with a chunk of the last goal that was accepted after the
fault, once a step of it is played or the next chunk takes over. A fault on the wire that takes
effect only at the next request (`Kind.lies_in_wait`) is over with a chunk that was requested after
it.

A fault is absorbed if it had no effect that needed a name: no chunk was refused or stopped, the arm
played on within seconds, and either the episode reached its own good end just then, or it went on
and the fault was brief and slight enough for its kind (`Kind.absorbed_s`, `Kind.slight`), such as a
late picture or a small clock difference, or everything that it delayed was still in time
(`Kind.delays`). Contact ends an episode in its own right, under its own name: a fault that strikes
then is judged as if the episode went on.
"""

from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import VIEWS, WIRE
from verification.chaos.faults.kinds import KINDS
from verification.chaos.system import events
from verification.chaos.system.events import Event

_PLAYS_ON_S = 5.0
_OF_ITSELF = "contact"


def names(event: Event, fault: Fault, *, ended_well: bool) -> bool:
    """Return whether an event names this fault; diagnostics must be about the same view."""
    kind = KINDS[fault.kind]
    if event.name not in ((*kind.named_by, *kind.named_anew) if ended_well else kind.named_by):
        return False
    view = fault.values.get("view", "all")
    of_a_view = kind.layer == VIEWS and event.source == events.DIAGNOSTICS
    return not of_a_view or view == "all" or str(view) in event.words


def ends_early(event: Event, fault: Fault, *, ended_well: bool) -> bool:
    """Return whether a chunk was refused or stopped, possibly because of the fault.

    The stop at the end of an episode that ended well, or by contact, does not count.
    """
    well = ended_well and event.name == "stopped"
    return event.source == events.CHUNK and not (well or ends_of_itself(event, fault))


def ends_of_itself(event: Event, fault: Fault) -> bool:
    """Return whether contact stopped the arm, which a fault of this layer cannot imitate."""
    harmless = KINDS[fault.kind].layer in (WIRE, VIEWS)
    return harmless and event.source == events.CHUNK and event.name == _OF_ITSELF


def absorbed(fault: Fault, recover_s: float, *, ended_well: bool, in_time: bool = False) -> bool:
    """Return whether a fault had no effect, given that none was reported and no chunk stopped.

    Args:
        fault: the fault.
        recover_s: time from its end until a later chunk played [s].
        ended_well: whether the episode reached its own end meanwhile; otherwise it went on.
        in_time: whether every trajectory meanwhile reached its controller within its lead.
    """
    borne = ended_well or fault.is_slight or (in_time and KINDS[fault.kind].delays)
    return borne and recover_s <= _PLAYS_ON_S
