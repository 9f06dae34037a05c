# SPDX-License-Identifier: Apache-2.0
"""The effect of a fault of the wire on the messages of a policy server."""

import asyncio

import numpy as np

from verification.chaos.faults.answers import (
    CORRUPTED_ANSWERS,
    CORRUPTED_CONFIGS,
    binary,
    corrupt_answer,
    corrupt_config,
    has_actions,
)
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.intruder import intrude
from verification.chaos.faults.strike import Strike

_POLL_S = 0.02  # of the end of a half-open connection


class WireFault:
    """The present fault of the wire, if any. Used in the thread of the proxy's event loop only.

    Args:
        server_url: ws://host:port of the policy server, to which an intruder connects.
        seed: of the random numbers within a fault.
    """

    def __init__(self, server_url: str, seed: int) -> None:
        self._server_url = server_url
        self._rng = np.random.default_rng(seed)
        self._fault: Fault | None = None
        self._strike = Strike()
        self._intruded = False

    def begin(self, fault: Fault, strike: Strike) -> None:
        """Activate a fault, at once or with the first message that it corrupts."""
        self._fault, self._strike = fault, strike
        self._intruded = False
        # These take effect with an answer of the server, or with the next connection.
        if fault.kind not in (*CORRUPTED_ANSWERS, *CORRUPTED_CONFIGS, "intruder"):
            strike.strike()

    def end(self) -> None:
        """Remove the fault."""
        self._fault, self._strike = None, Strike()

    def is_kind(self, kind: str) -> bool:
        """Whether the present fault is of this kind."""
        return self._fault is not None and self._fault.kind == kind

    async def hold_back(self) -> None:
        """Wait while the connection is half-open: established, but without traffic."""
        while self._is_on("half_open"):
            await asyncio.sleep(_POLL_S)

    async def delay(self) -> None:
        """Delay a message of the server if the fault is latency or jitter."""
        if self._fault is None or not self._strike.on:
            return
        if self._fault.kind == "latency":
            await asyncio.sleep(float(self._fault.values["delay_s"]))
        elif self._fault.kind == "jitter":
            await asyncio.sleep(self._rng.uniform(0.0, float(self._fault.values["delay_s"])))

    async def intrude(self, payload: bytes) -> None:
        """Run a second client between two answers of an episode; the second one reveals it."""
        if self._strike.struck_s or not self.is_kind("intruder") or not has_actions(payload):
            return
        if self._intruded:
            self._strike.strike()
            return
        self._intruded = True
        await intrude(self._server_url)

    def corrupt(self, frame: bytes, payload: bytes, *, is_config: bool) -> tuple[bytes, bool]:
        """Return the bytes to send instead of a frame, and whether to close the connection then."""
        fault = self._fault
        if fault is None or self._strike.struck_s is not None:
            return frame, False
        if is_config and fault.kind in CORRUPTED_CONFIGS:
            self._strike.strike()
            return binary(corrupt_config(fault, payload)), False
        if fault.kind in CORRUPTED_ANSWERS and has_actions(payload):
            self._strike.strike()
            corrupted = corrupt_answer(fault, payload, self._rng)
            return corrupted.data, corrupted.hang_up
        return frame, False

    def _is_on(self, kind: str) -> bool:
        return self.is_kind(kind) and self._strike.on
