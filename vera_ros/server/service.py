# SPDX-License-Identifier: Apache-2.0
"""Request handling of a policy server, independent of the policy that it hosts."""

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from vera_ros.errors import ProtocolError
from vera_ros.printable import printable, shorten
from vera_ros.wire.client import RESET_ACKNOWLEDGEMENT
from vera_ros.wire.hosted_policy import HostedPolicy
from vera_ros.wire.protocol.codec import pack, unpack

_LONGEST_REASON = 1000  # characters
_PATH = re.compile(r"~?(/[^\s/'\",;:()\[\]]+){2,}/?")


def reason_for_client(error: Exception) -> str:
    """Return what a client may know of an error: its words, but no code and no path."""
    return printable(_PATH.sub("…", f"{type(error).__name__}: {error}"), _LONGEST_REASON)


class PolicyService:
    """Answers frames with frames, one at a time, and keeps track of the episode.

    Args:
        policy: the policy that is served.
        think: called in every infer; a test or a demo simulates latency in it.
    """

    def __init__(self, policy: HostedPolicy, think: Callable[[], None]) -> None:
        self._policy = policy
        self._think = think
        self._session_id: Any = None
        self._cold_start = True

    def greet(self) -> bytes:
        """Return the frame that opens every connection."""
        return pack(self._policy.server_config())

    def answer(self, frame: bytes | str) -> bytes | str:
        """Return the reply to a request; a text acknowledges a reset or refuses the request.

        Raises:
            ProtocolError: the frame is not a request.
            Exception: whatever the policy raises.
        """
        request = unpack(frame) if isinstance(frame, bytes) else frame
        if not isinstance(request, dict):
            raise ProtocolError(f"a request must be a map, not {type(request).__name__}")
        endpoint = request.pop("endpoint", "infer")
        handlers: dict[str, Callable[[dict[str, Any]], bytes | str]] = {
            "infer": self._infer,
            "reset": self._reset,
            "configure": self._configure,
            "observe": self._observe,
            "reload": self._reload,
        }
        if not isinstance(endpoint, str) or endpoint not in handlers:
            return f"unknown endpoint: {shorten(endpoint)}; valid are {', '.join(handlers)}"
        return handlers[endpoint](request)

    def _infer(self, request: dict[str, Any]) -> bytes:
        session_id = request.get("session_id")
        if session_id is not None and session_id != self._session_id:
            self._begin(session_id, "session_change")
        context = request.get("context_rgb")
        if not isinstance(context, np.ndarray) or context.ndim != 4:
            raise ProtocolError("an infer needs 'context_rgb', an array of shape (T, H, W, 3)")
        start_s = time.perf_counter()
        self._think()
        reply = self._policy.infer(request)
        action = np.asarray(reply["action"], np.float32)
        info = {
            "infer_s": time.perf_counter() - start_s,
            "action_absmean": float(np.abs(action).mean()) if action.size else 0.0,
            "chunk_len": len(action),
            "cold_start": self._cold_start,
            "context_len": len(context),
            "session_id": self._session_id,
        }
        self._cold_start = False
        return pack({**reply, "action": action, "info": {**reply.get("info", {}), **info}})

    def _reset(self, request: dict[str, Any]) -> str:
        self._begin(request.get("session_id"), str(request.get("reason", "")))
        return RESET_ACKNOWLEDGEMENT

    def _configure(self, request: dict[str, Any]) -> bytes | str:
        try:
            return pack({"applied": self._policy.configure(request)})
        except Exception as error:
            return f"configure failed: {reason_for_client(error)}"

    def _observe(self, request: dict[str, Any]) -> bytes | str:
        try:
            return pack(self._policy.observe(request))
        except NotImplementedError:
            return "observe not supported by this policy"

    def _reload(self, request: dict[str, Any]) -> bytes | str:
        try:
            config = self._policy.reload(request)
        except NotImplementedError:
            return "reload not supported by this server"
        self._session_id = None
        self._cold_start = True
        return pack(config)

    def _begin(self, session_id: Any, reason: str) -> None:
        self._policy.reset(reason)
        self._cold_start = True
        if session_id is not None:
            self._session_id = session_id
