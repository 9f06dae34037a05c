# SPDX-License-Identifier: Apache-2.0
"""Rejected joint states that go on from each other: where the arm, or another one, may be."""

import math

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.joint_track import SAMPLES, WINDOW_S, JointTrack

_LONG_ENOUGH = 11  # samples of a candidate: ten wrong ones in a row are no arm


class Candidate:
    """Rejected samples that go on from each other.

    Attributes:
        jumped: how many joints the first had beyond their reach.
        alternations: how often others counted in between.
    """

    def __init__(self, jumped: int = 0) -> None:
        self.jumped = jumped
        self.track = JointTrack()
        self.alternations = self._samples = 0
        self._stood_since_s, self._stood = math.inf, 0

    @property
    def agrees(self) -> bool:
        """Whether positions and velocities have gone together for 0.12 s, and long enough."""
        agreement = self.track.agreement()
        return agreement is not None and agreement.consistent and self._samples >= _LONG_ENOUGH

    @property
    def stands(self) -> bool:
        """Whether the same moment has been repeated for 0.12 s: /clock stands still."""
        return self._stood >= SAMPLES and self.last.received_s - self._stood_since_s >= WINDOW_S

    @property
    def last(self) -> Measured:
        """The newest sample."""
        assert self.track.last is not None
        return self.track.last

    def add(self, sample: Measured, counted: Measured) -> None:
        """Go on; `counted`: the last sample that counted."""
        before = self.track.last
        if before is not None and counted.received_s > before.received_s:
            self.alternations += 1
        if before is None or sample.stamp_s != before.stamp_s:
            self._stood_since_s, self._stood = sample.received_s, 0
        self._stood += 1
        self._samples += 1
        self.track.add(sample)
