# SPDX-License-Identifier: Apache-2.0
"""The bad ones among a view's last pictures."""

from collections import deque

_RECENT = 20  # pictures of which the share of bad ones is taken


class RecentFaults:
    """Counts bad pictures.

    Args:
        most: share of the last 20 pictures that may be bad.

    Attributes:
        count: number of bad pictures so far.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self.count = 0

    def add(self, fault: str) -> None:
        """Add a picture. `fault`: what is wrong with it; empty: it is good."""
        self._recent.append(fault)
        self.count += bool(fault)

    def summary(self) -> str:
        """Return how many of the last pictures were bad, and why; empty: none was."""
        bad = [fault for fault in self._recent if fault]
        if not bad:
            return ""
        return f"{len(bad)} of the last {len(self._recent)} pictures were bad: {bad[-1]}"

    def excess(self) -> str:
        """Return the same with what is valid if too many were bad; empty: not too many."""
        bad = sum(bool(fault) for fault in self._recent)
        if bad <= self._most * _RECENT:
            return ""
        return f"{self.summary()}; valid is a share of up to bad_picture_share, {self._most:g}"
