# SPDX-License-Identifier: Apache-2.0
"""Events: what the system itself reports, each by a cause, a state or a counter."""

from dataclasses import dataclass

# Sources of events.
POLICY = "policy"  # policy_status: the cause of an episode's end, or a state
WAITS = "waits"  # policy_status: a state in which an episode waits, once it has lasted
CHUNK = "chunk"  # chunk_progress: the cause of a refusal or of an abort
ARM = "arm"  # arm_status: the cause, or that it is inactive
DIAGNOSTICS = "diagnostics"  # a cause of a warning or an error that was not there before
COUNTER = "counter"  # a counter of policy_status or of diagnostics went up


@dataclass(frozen=True)
class Event:
    """One report of the system.

    Attributes:
        at_s: when it arrived, steady time [s].
        source: one of the constants here.
        name: the cause, state or counter, in lower case.
        words: the message that came with it, for the report; of diagnostics, the views concerned.
    """

    at_s: float
    source: str
    name: str
    words: str = ""
