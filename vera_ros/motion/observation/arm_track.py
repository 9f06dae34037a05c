# SPDX-License-Identifier: Apache-2.0
"""Accepted joint states of an arm, and its recent motion."""

import math
from collections import deque
from dataclasses import replace

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.joint_track import SLACK_RAD, Agreement, JointTrack, way

MEMORY_S = 0.3  # how long a motion may be extrapolated
_NOISE_RAD = 1e-3
_RECENT, _RECENT_S = 6, 4e-3


class ArmTrack:
    """Keeps accepted joint states of one arm.

    Args:
        joint_names: of the arm.

    Attributes:
        joint_names: of the arm.
        last: the newest accepted sample; None: there is none.
        recent: the last few accepted samples, at least 4 ms apart.
    """

    def __init__(self, joint_names: tuple[str, ...]) -> None:
        self.joint_names = joint_names
        self._track = JointTrack()
        self._guide: Measured | None = None  # last one that continues the motion before it
        self._judged: tuple[Measured, Agreement | None] | None = None
        self.last: Measured | None = None
        self.recent: deque[Measured] = deque(maxlen=_RECENT)

    def forget_motion(self) -> None:
        """Forget how the arm has moved: it is elsewhere, or the clock was set."""
        self._track, self._guide = JointTrack(), None

    def clock_was_set(self, by_s: float) -> None:
        """Shift the last sample by `by_s`, by which the stamps' clock was set forward."""
        self.forget_motion()
        self.recent.clear()
        if self.last is not None:
            self.accept(replace(self.last, stamp_s=self.last.stamp_s + by_s))

    def accept(self, sample: Measured) -> None:
        """Add an accepted sample."""
        guide = self._guide
        if guide is None or not 0.0 <= sample.stamp_s - guide.stamp_s <= MEMORY_S:
            self._guide = sample
        else:
            gone = way(guide, sample)
            allowed = np.minimum(_NOISE_RAD + 0.25 * np.abs(gone), SLACK_RAD)
            if (np.abs(sample.q - guide.q - gone) <= allowed).all():
                self._guide = sample
        self._track.add(sample)
        if not self.recent or abs(sample.stamp_s - self.recent[-1].stamp_s) >= _RECENT_S:
            self.recent.append(sample)
        self.last = sample

    def leads_to(self, sample: Measured, reach: Vector, off: float) -> bool:
        """Whether a sample is within reach of the last one, or of the extrapolated motion.

        Args:
            sample: the one in question.
            reach: how far the joints can have moved. Shape (n,), [rad].
            off: its distance from the nearest candidate [rad]; it must be nearer to the arm.
        """
        assert self.last is not None
        from_last = np.abs(sample.q - self.last.q)
        ways = [from_last]
        if off < math.inf or not (from_last <= reach).all():
            guide = self._guide
            if guide is not None and sample.stamp_s - guide.stamp_s <= MEMORY_S:
                ways.append(np.abs(sample.q - guide.q - way(guide, sample)))
        return any((far <= reach).all() and far.max() <= off for far in ways)

    @property
    def agreement(self) -> Agreement | None:
        """How well positions and velocities agree; None: there are too few samples."""
        last = self.last
        if last is None:
            return None
        if self._judged is None or self._judged[0] is not last:
            self._judged = last, self._track.agreement()
        return self._judged[1]

    @property
    def consistent(self) -> bool:
        """Whether positions and velocities are known to agree."""
        agreement = self.agreement
        return agreement is not None and agreement.consistent

    @property
    def contradicted(self) -> tuple[int, ...]:
        """Joints whose reported velocities their positions contradict."""
        agreement = self.agreement
        return () if agreement is None else agreement.contradicted

    def measured(self) -> Measured | None:
        """Return the newest sample; position differences replace contradicted velocities."""
        last, agreement = self.last, self.agreement
        if last is None or agreement is None or not agreement.contradicted:
            return last
        dq, joints = last.dq.copy(), list(agreement.contradicted)
        dq[joints] = agreement.moved[joints] / agreement.span_s
        return replace(last, dq=dq)

    def contradiction(self) -> str:
        """Describe how positions contradict the reported velocities; empty: they do not."""
        agreement = self.agreement
        if agreement is None or not agreement.contradicted:
            return ""
        joint, span_s = agreement.contradicted[0], agreement.span_s
        moved = agreement.moved[joint]
        unit = "rad" if self.last is None else self.last.unit(joint)
        reported = agreement.reported[joint] / span_s
        return (
            f"the driver's joint states report {reported:.2f} {unit}/s for "
            f"'{self.joint_names[joint]}', whose position has "
            + ("not moved" if abs(moved) < 1e-3 else f"moved by {moved:.3f} {unit}")
            + f" within {span_s:.2f} s; have the driver report what it measures, in {unit}/s"
        )
