# SPDX-License-Identifier: Apache-2.0
"""Rejected joint states that go on from each other: where the arm, or another one, may be."""

import math

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.arm_track import MEMORY_S
from vera_ros.motion.observation.joint_track import SAMPLES, WINDOW_S, JointTrack, way
from vera_ros.motion.observation.sample_reach import SampleReach

_LONG_ENOUGH = 11  # samples of a candidate: ten wrong ones in a row are no arm
_CANDIDATES = 4


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


class Candidates:
    """The last few candidates.

    Args:
        reaches: bound how far joints can have come.
    """

    def __init__(self, reaches: SampleReach) -> None:
        self._reaches = reaches
        self._kept: list[Candidate] = []

    def clear(self) -> None:
        """Forget all."""
        self._kept = []

    def add(self, candidate: Candidate) -> None:
        """Keep another one, in place of the oldest if need be."""
        self._kept = [*self._kept[1 - _CANDIDATES :], candidate]

    def remove(self, candidate: Candidate) -> None:
        """Forget one, which counts from now on."""
        self._kept.remove(candidate)

    def nearest(self, sample: Measured, *, simulated: bool) -> tuple[Candidate | None, float]:
        """Return the one that a sample goes on from, and how far it is from there [rad].

        Args:
            sample: what has come.
            simulated: time comes by /clock, and may pass as fast as it likes.
        """
        found: Candidate | None = None
        off = math.inf
        if not self._kept:
            return found, off
        oldest_s = sample.received_s - MEMORY_S
        self._kept = [c for c in self._kept if c.last.received_s >= oldest_s]
        for candidate in self._kept:
            before = candidate.last
            reach = self._reaches.between(before, sample, simulated=simulated)
            if (np.abs(sample.q - before.q) > reach).any():
                continue
            far = float(np.abs(sample.q - before.q - way(before, sample)).max())
            if far < off:
                found, off = candidate, far
        return found, off
