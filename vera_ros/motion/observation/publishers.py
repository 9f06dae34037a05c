# SPDX-License-Identifier: Apache-2.0
"""Detection of a second publisher of the arm's joint states."""

import math
from collections.abc import Sequence

from vera_ros.motion.causes import Cause, Reason

_RESTARTS_S = 1.0  # a publisher is not restarted twice within this
_SUSPECTED_S = 2.0  # time without a sign of it until a second publisher counts as gone


class Publishers:
    """Detects a second publisher by the sequence numbers of messages, and by reported signs.

    The numbers of one publisher rise, and start over once when it is restarted; the interleaved
    numbers of two fall again and again.

    Args:
        joint_names: of the arm.

    Attributes:
        reason: why nothing may be moved while there are two publishers.
    """

    def __init__(self, joint_names: Sequence[str]) -> None:
        self._sequence = -1
        self._fell_s = self._suspected_s = -math.inf
        self.reason = Reason(
            Cause.SECOND_PUBLISHER,
            f"two publishers send states of the joints {list(joint_names)}; list them with "
            "'ros2 topic info -v' on the joint states' topic; let only the arm's driver publish",
        )

    def update(self, sequence: int, steady_s: float) -> bool:
        """Process a message's number; return whether it is a sign of a second publisher."""
        fell, self._sequence = sequence <= self._sequence, sequence
        if not fell:
            return False
        again = steady_s - self._fell_s <= _RESTARTS_S
        self._fell_s = steady_s
        return again

    def suspect(self, steady_s: float) -> bool:
        """Note a sign of a second publisher; return whether there was none before it."""
        first = not self.suspected(steady_s)
        self._suspected_s = steady_s
        return first

    def suspected(self, steady_s: float) -> bool:
        """Whether there was a sign of a second publisher within the last 2 s."""
        return steady_s - self._suspected_s <= _SUSPECTED_S
