# SPDX-License-Identifier: Apache-2.0
"""A dry run: everything is planned and checked, and nothing is sent."""

from collections.abc import Callable

from vera_ros.motion.commander import Commander, Prepared
from vera_ros.motion.commands import ChunkCommand, Measured
from vera_ros.motion.plan import Plan
from vera_ros.motion.small_matrices import Vector


class Rehearsal(Commander):
    """A commander that sends nothing.

    A plan "plays" for as long as it would take. The arm stands still meanwhile, so whatever comes
    next begins from where it is measured, at rest.
    """

    def send(self, prepared: Prepared, present: Callable[[], float] | None = None) -> Prepared:
        """Check what was prepared just now, and let its time pass.

        Raises:
            MotionRefusedError: it would not have been sent.
        """
        self.check(prepared)
        self.playing = prepared.playing
        return prepared

    def stop(self, now_s: float) -> None:
        """Let go of the plan: nothing moves."""
        self.playing = None

    def brake(self, measured: Measured, now_s: float) -> None:
        """Let go of the plan: whatever moves the arm, it is not for a dry run to stop it."""
        self.playing = None

    def _plan(
        self,
        chunk: ChunkCommand,
        deltas: Vector,
        measured: Measured,
        now_s: float,
        lead_s: float,
        hand_over_s: float,
    ) -> Plan:
        self._refuse_unless_at_rest(measured)
        start = self._chunks.from_rest(measured.q, None, lead_s)
        return self._chunks.plan_chunk(deltas, chunk.control_dt_s, start)
