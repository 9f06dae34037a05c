# SPDX-License-Identifier: Apache-2.0
"""What a fault of the wire does to the messages of a policy server."""

import asyncio

import numpy as np

from verification.chaos.faults.answers import (
    SPOILT_ANSWERS,
    SPOILT_CONFIGS,
    binary,
    has_actions,
    spoil_answer,
    spoil_config,
)
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.intruder import intrude
from verification.chaos.faults.strike import Strike

_PAUSE_S = 0.02  # between looks whether a silence is over


class WireFault:
    """The fault that strikes at present, if there is one. Used in the thread of the proxy's loop.

    Args:
        server_url: ws://host:port of the policy server, which an intruder calls.
        seed: of what is random within a fault.
    """

    def __init__(self, server_url: str, seed: int) -> None:
        self._server_url = server_url
        self._rng = np.random.default_rng(seed)
        self._fault: Fault | None = None
        self._strike = Strike()
        self._intruded = False

    def begin(self, fault: Fault, strike: Strike) -> None:
        """Let a fault strike, at once or with the message that it spoils."""
        self._fault, self._strike = fault, strike
        self._intruded = False
        # Others strike with an answer, or with the next connection.
        if fault.kind not in (*SPOILT_ANSWERS, *SPOILT_CONFIGS, "intruder"):
            strike.strike()

    def end(self) -> None:
        """Forget the fault."""
        self._fault, self._strike = None, Strike()

    def is_kind(self, kind: str) -> bool:
        """Whether the present fault is of this kind."""
        return self._fault is not None and self._fault.kind == kind

    async def hold_back(self) -> None:
        """Wait while the connection is half-open: it stands, and nothing comes through."""
        while self._is_on("half_open"):
            await asyncio.sleep(_PAUSE_S)

    async def delay(self) -> None:
        """Delay a message of the server."""
        if self._fault is None or not self._strike.on:
            return
        if self._fault.kind == "latency":
            await asyncio.sleep(float(self._fault.values["delay_s"]))
        elif self._fault.kind == "jitter":
            await asyncio.sleep(self._rng.uniform(0.0, float(self._fault.values["delay_s"])))

    async def intrude(self, payload: bytes) -> None:
        """Call the server between two answers of an episode: the second one tells of it."""
        if self._strike.struck_s or not self.is_kind("intruder") or not has_actions(payload):
            return
        if self._intruded:
            self._strike.strike()
            return
        self._intruded = True
        await intrude(self._server_url)

    def spoil(self, frame: bytes, payload: bytes, *, is_config: bool) -> tuple[bytes, bool]:
        """Return what is sent in place of a message, and whether the connection ends with it."""
        fault = self._fault
        if fault is None or self._strike.struck_s is not None:
            return frame, False
        if is_config and fault.kind in SPOILT_CONFIGS:
            self._strike.strike()
            return binary(spoil_config(fault, payload)), False
        if fault.kind in SPOILT_ANSWERS and has_actions(payload):
            self._strike.strike()
            spoilt = spoil_answer(fault, payload, self._rng)
            return spoilt.data, spoilt.hang_up
        return frame, False

    def _is_on(self, kind: str) -> bool:
        return self.is_kind(kind) and self._strike.on
