# SPDX-License-Identifier: Apache-2.0
"""Timing of verdicts in lockstep: one per chunk, when the ground truth at its end is known."""

from collections.abc import Callable

from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros_interfaces.msg import PolicyStatus, StackTruth, TaskTruth


class Verdicts:
    """Matches an episode that awaits a verdict with the ground truth of that time.

    An episode that waits has the status SETTLING, stamped with the world's time.

    Args:
        speak: publishes a verdict; called once the ground truth of a waiting status's stamp was
            judged, and again with every truth until it returns that it has published.
    """

    def __init__(self, speak: Callable[[], bool]) -> None:
        self._speak = speak
        self._asked: tuple[str, int] = ("", 0)
        self._open = False
        self._truth_ns = 0

    def see_status(self, status: PolicyStatus) -> None:
        """Process a status of the policy side, which may arrive more than once."""
        asked = (status.session_id, stamp_to_ns(status.header.stamp))
        if status.state == PolicyStatus.SETTLING and asked != self._asked:
            self._asked, self._open = asked, True
            self._try_to_speak()

    def see_truth(self, truth: TaskTruth | StackTruth) -> None:
        """Record that this ground truth has been judged."""
        self._truth_ns = stamp_to_ns(truth.header.stamp)
        self._try_to_speak()

    def _try_to_speak(self) -> None:
        if self._open and self._truth_ns >= self._asked[1]:
            self._open = not self._speak()
