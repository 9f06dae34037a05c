# SPDX-License-Identifier: Apache-2.0
"""What the relay tells the monitor of a trajectory's way, in the message itself.

It stands in the header's frame_id, which means nothing to a controller of joints.
"""

import json


def write_note(published_ns: int, doubt_s: float) -> str:
    """The note of a message.

    Args:
        published_ns: when it was, before it came to the relay [ns].
        doubt_s: how far the clock of its reader may be from what its writer can know [s].
    """
    return json.dumps({"published_ns": published_ns, "doubt_s": doubt_s})


def read_note(frame_id: str) -> tuple[int, float] | None:
    """What was written, in the same order; None: it is no note."""
    try:
        note = json.loads(frame_id)
        return int(note["published_ns"]), float(note["doubt_s"])
    except (ValueError, TypeError, KeyError):
        return None
