# SPDX-License-Identifier: Apache-2.0
"""Sequences of rejected joint states that are consistent with each other."""

import math

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.arm_track import MEMORY_S
from vera_ros.motion.observation.joint_track import SAMPLES, WINDOW_S, JointTrack, way
from vera_ros.motion.observation.sample_reach import SampleReach

_LONG_ENOUGH = 11  # samples that a candidate needs: ten wrong ones in a row are no arm
_CANDIDATES = 4


class Candidate:
    """Rejected samples that continue each other.

    Attributes:
        jumped: number of joints that were out of reach in the first sample.
        alternations: how often other samples were accepted in between.
    """

    def __init__(self, jumped: int = 0) -> None:
        self.jumped = jumped
        self.track = JointTrack()
        self.alternations = self._samples = 0
        self._repeated_since_s, self._repeats = math.inf, 0

    @property
    def agrees(self) -> bool:
        """Whether positions and velocities agree over the last 0.12 s, and samples are enough."""
        agreement = self.track.agreement()
        return agreement is not None and agreement.consistent and self._samples >= _LONG_ENOUGH

    @property
    def stands(self) -> bool:
        """Whether one stamp has been repeated for 0.12 s, as while /clock stands still."""
        repeated_s = self.last.received_s - self._repeated_since_s
        return self._repeats >= SAMPLES and repeated_s >= WINDOW_S

    @property
    def last(self) -> Measured:
        """The newest sample."""
        assert self.track.last is not None
        return self.track.last

    def add(self, sample: Measured, counted: Measured) -> None:
        """Append a sample; `counted`: the last accepted one."""
        before = self.track.last
        if before is not None and counted.received_s > before.received_s:
            self.alternations += 1
        if before is None or sample.stamp_s != before.stamp_s:
            self._repeated_since_s, self._repeats = sample.received_s, 0
        self._repeats += 1
        self._samples += 1
        self.track.add(sample)


class Candidates:
    """The last few candidates.

    Args:
        reaches: bounds how far joints can have moved.
    """

    def __init__(self, reaches: SampleReach) -> None:
        self._reaches = reaches
        self._kept: list[Candidate] = []

    def clear(self) -> None:
        """Forget all candidates."""
        self._kept = []

    def add(self, candidate: Candidate) -> None:
        """Keep another candidate, in place of the oldest if there are too many."""
        self._kept = [*self._kept[1 - _CANDIDATES :], candidate]

    def remove(self, candidate: Candidate) -> None:
        """Forget a candidate, whose samples are accepted from now on."""
        self._kept.remove(candidate)

    def nearest(self, sample: Measured, *, simulated: bool) -> tuple[Candidate | None, float]:
        """Return the candidate that a sample continues, and its distance [rad]; None, inf: none.

        Args:
            sample: the one in question.
            simulated: ROS time comes from /clock, and may run at any speed.
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
