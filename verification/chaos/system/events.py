# SPDX-License-Identifier: Apache-2.0
"""What happened, as the system itself says it."""

from dataclasses import dataclass

# Sources of events.
POLICY = "policy"  # policy_status: the cause of an episode's end, or a state that says it all
WAITS = "waits"  # policy_status: what an episode waits for, in words
CHUNK = "chunk"  # chunk_progress: the cause of a refusal or of an abort
ARM = "arm"  # arm_status: the cause, or that it is inactive
DIAGNOSTICS = "diagnostics"  # a warning or an error that was not there before
COUNTER = "counter"  # a counter of policy_status or of diagnostics went up


@dataclass(frozen=True)
class Event:
    """One thing that was said.

    Attributes:
        at_s: when it arrived, steady time [s].
        source: one of the constants here.
        name: of the cause, the state or the counter, or words.
        words: all that was said.
    """

    at_s: float
    source: str
    name: str
    words: str = ""
