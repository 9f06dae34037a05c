# SPDX-License-Identifier: Apache-2.0
"""One picture per camera view, or the reason why there is none."""

from dataclasses import dataclass
from enum import Enum

from vera_ros.vision.images import RgbImage


@dataclass(frozen=True, eq=False)
class MultiViewFrame:
    """One picture per view, taken at about the same time.

    Attributes:
        stamps_ns: when each picture was taken, in view order.
        images: the pictures, in view order. Shape (H, W, 3) each.
    """

    stamps_ns: tuple[int, ...]
    images: tuple[RgbImage, ...]

    @property
    def newest_ns(self) -> int:
        """The stamp of the newest picture."""
        return max(self.stamps_ns)

    @property
    def oldest_ns(self) -> int:
        """The stamp of the oldest picture."""
        return min(self.stamps_ns)


class Reason(Enum):
    """Why there is no frame; in brackets, the meaning of `NoFrame.value_ns`."""

    MISSING = "no picture yet"
    AHEAD = "only pictures stamped after the requested time [the least lead]"
    TOO_OLD = "newest picture too old [its age]"
    SKEWED = "pictures too far apart in time [time between the newest ones]"
    NOT_FRESH = "pictures older than requested, or already taken [how much too old]"


@dataclass(frozen=True)
class NoFrame:
    """Why no frame could be assembled.

    Attributes:
        reason: the kind of problem.
        views: the views that it concerns.
        value_ns: the age or time difference that is too large, see `Reason`.
        limit_ns: the largest that is valid; 0: there is no such limit.
    """

    reason: Reason
    views: tuple[str, ...]
    value_ns: int = 0
    limit_ns: int = 0

    def __str__(self) -> str:
        text = f"{self.reason.value.split(' [')[0]}: {', '.join(self.views)}"
        return text if self.reason is Reason.MISSING else f"{text} ({self.value_ns / 1e6:.1f} ms)"
