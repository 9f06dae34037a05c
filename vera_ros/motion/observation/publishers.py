# SPDX-License-Identifier: Apache-2.0
"""Whether more than one publisher numbers the messages that come."""

import math

_RESTARTS_S = 1.0  # a publisher is not restarted twice within this


class Publishers:
    """Tells two publishers from one by their numbering of messages.

    Numbers of one publisher rise, and begin again once when it is restarted; those of two that are
    mixed fall again and again.
    """

    def __init__(self) -> None:
        self._sequence = -1
        self._fell_s = -math.inf

    def update(self, sequence: int, steady_s: float) -> bool:
        """Take in a message's number; return whether it is a sign of a second publisher."""
        fell, self._sequence = sequence <= self._sequence, sequence
        if not fell:
            return False
        again = steady_s - self._fell_s <= _RESTARTS_S
        self._fell_s = steady_s
        return again
