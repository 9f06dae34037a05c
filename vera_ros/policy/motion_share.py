# SPDX-License-Identifier: Apache-2.0
"""How much of its time an episode spends in motion."""


class MotionShare:
    """Adds up time that passes, in motion or not."""

    def __init__(self) -> None:
        self._moving_s = self._all_s = 0.0

    def add(self, duration_s: float, moving: bool) -> None:
        """Let a while pass."""
        self._all_s += duration_s
        self._moving_s += duration_s if moving else 0.0

    @property
    def share(self) -> float:
        """Of the time that was in motion; 0 before any time has passed."""
        return self._moving_s / self._all_s if self._all_s > 0.0 else 0.0
