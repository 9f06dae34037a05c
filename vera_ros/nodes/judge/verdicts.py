# SPDX-License-Identifier: Apache-2.0
"""When a judge has to speak, in lockstep: once per chunk, when the truth of its end is known."""

from collections.abc import Callable

from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros_interfaces.msg import PolicyStatus, StackTruth


class Verdicts:
    """Brings an episode that waits for the judge together with the truth that it waits for.

    An episode that waits says so by its status, SETTLING, stamped with the world's present.

    Args:
        speak: called for each status that asks, when the truth of its stamp has been seen; again
            with every truth, until it returns that it has spoken.
    """

    def __init__(self, speak: Callable[[], bool]) -> None:
        self._speak = speak
        self._asked: tuple[str, int] = ("", 0)
        self._open = False
        self._truth_ns = 0

    def see_status(self, status: PolicyStatus) -> None:
        """Take note of what the policy side does; a status may come more than once."""
        asked = (status.session_id, stamp_to_ns(status.header.stamp))
        if status.state == PolicyStatus.SETTLING and asked != self._asked:
            self._asked, self._open = asked, True
            self._try_to_speak()

    def see_truth(self, truth: StackTruth) -> None:
        """Take note that this truth has been judged."""
        self._truth_ns = stamp_to_ns(truth.header.stamp)
        self._try_to_speak()

    def _try_to_speak(self) -> None:
        if self._open and self._truth_ns >= self._asked[1]:
            self._open = not self._speak()
