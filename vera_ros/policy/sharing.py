# SPDX-License-Identifier: Apache-2.0
"""Detects another client of the same policy server, from the server's replies.

A VERA server shares one policy between all its connections and refuses none: the second client
spoils the episode of the first. Each reply tells which session the policy is in (`session_id`),
whether it is the first since a reset (`cold_start`: a session that the policy was not in resets it)
and how many frames came with the request (`context_len`). A missing field is no sign.
"""

from collections.abc import Mapping
from typing import Any


def sign_of_another_client(
    info: Mapping[str, Any], session_id: str, *, first: bool, frames: int
) -> str:
    """Return the sign of another client in a reply, in words; empty: there is none.

    Args:
        info: the reply's info.
        session_id: the session of this client.
        first: whether this is the first reply in this session.
        frames: number of frames sent. A server may keep fewer, but has no more.
    """
    session = info.get("session_id")
    if isinstance(session, str) and session and session != session_id:
        return f"its answer belongs to session '{session:.64}', not to '{session_id}'"
    cold = info.get("cold_start")
    if cold is True and not first:
        return "it was reset in the middle of this episode (cold_start)"
    if cold is False and first:
        return "it was asked by another client since this episode's reset (no cold_start)"
    length = info.get("context_len")
    if isinstance(length, int) and not isinstance(length, bool) and length > frames:
        return f"it used {length} frames where {frames} were sent (context_len)"
    return ""
