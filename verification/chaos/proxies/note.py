# SPDX-License-Identifier: Apache-2.0
"""Metadata of a trajectory that the relay adds to the message, for the monitor.

It is written to the header's frame_id, which a joint trajectory controller does not use.
"""

import json


def write_note(published_ns: int, uncertainty_s: float) -> str:
    """Serialise the metadata of a message.

    Args:
        published_ns: when its sender published it to the relay [ns].
        uncertainty_s: largest error of the sender's estimate of the receiver's clock [s].
    """
    return json.dumps({"published_ns": published_ns, "uncertainty_s": uncertainty_s})


def read_note(frame_id: str) -> tuple[int, float] | None:
    """Return `published_ns` and `uncertainty_s` of a note; None: the text is no note."""
    try:
        note = json.loads(frame_id)
        return int(note["published_ns"]), float(note["uncertainty_s"])
    except (ValueError, TypeError, KeyError):
        return None
