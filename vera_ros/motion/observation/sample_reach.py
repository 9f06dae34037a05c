# SPDX-License-Identifier: Apache-2.0
"""How far joints can have come between two joint states, whatever their stamps say."""

from collections import deque

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.joint_track import SLACK_RAD

AHEAD_S = 0.2  # transport does not become so much faster
_LEAD_S = 1.0  # the transport's least delay is that of the last second
_JITTER_S = 1e-3
_BURST_S = 0.05  # samples that arrive at the same time were taken so close to each other


class SampleReach:
    """Bounds a joint's way by its velocity limit and the time between two samples.

    Args:
        velocity_limit: of the joints. Shape (n,), [rad/s].
    """

    def __init__(self, velocity_limit: Vector) -> None:
        self._velocity_limit = velocity_limit
        self._leads: deque[tuple[float, float]] = deque()  # arrival, stamp less arrival, falling

    def forget(self) -> None:
        """The stamps' clock was set: what was learnt of the transport's delay means nothing."""
        self._leads.clear()

    def accept(self, sample: Measured) -> None:
        """Learn from a sample that counts how fast the transport is."""
        lead_s = sample.stamp_s - sample.received_s
        while self._leads and self._leads[-1][1] <= lead_s:
            self._leads.pop()
        self._leads.append((sample.received_s, lead_s))

    def within(self, passed_s: float) -> Vector:
        """How far the joints can have come in a time. Shape (n,), [rad]."""
        return self._velocity_limit * max(0.0, passed_s) + SLACK_RAD

    def allows(self, last: Measured, sample: Measured) -> bool:
        """Whether the arm can be where a sample says, whatever its stamp is."""
        reach = self.within(sample.received_s - last.received_s)
        return bool((np.abs(sample.q - last.q) <= reach).all())

    def between(self, before: Measured, sample: Measured, *, simulated: bool) -> Vector:
        """How far the joints can have come between two samples. Shape (n,), [rad].

        A message that was delayed brings a stamp further from the last than its arrival is; a
        stamp that is ahead of what transport allows does not count.

        Args:
            before: the earlier one.
            sample: the later one.
            simulated: time comes by /clock, and may pass as fast as it likes.
        """
        stamp_s, steady_s = sample.stamp_s, sample.received_s
        silent_s = max(0.0, steady_s - before.received_s)
        if not simulated:
            stamp_s = min(stamp_s, steady_s + self._lead_s(steady_s) + _JITTER_S)
            stamp_s = min(stamp_s, before.stamp_s + silent_s + _BURST_S)
        return self.within(max(silent_s, stamp_s - before.stamp_s))

    def _lead_s(self, steady_s: float) -> float:
        """The most by which a stamp was ahead of its arrival in the last second."""
        leads = self._leads
        while len(leads) > 1 and leads[0][0] < steady_s - _LEAD_S:
            leads.popleft()
        return leads[0][1]


def too_far_ahead(last: Measured, sample: Measured, oldest_s: float) -> str:
    """Why a stamp is too far from the last one to be believed; empty: it is not.

    Args:
        last: the last sample that counted.
        sample: the one in question.
        oldest_s: after such a silence, any stamp is believed.
    """
    silent_s = sample.received_s - last.received_s
    later_s = sample.stamp_s - last.stamp_s
    if later_s <= silent_s + AHEAD_S or silent_s > oldest_s:
        return ""
    return (
        f"joint states are stamped {later_s:.3f} s later than those before them, and came "
        f"{silent_s:.3f} s later"
    )


def beyond_reach(
    joint_names: tuple[str, ...], last: Measured, sample: Measured, reach: Vector
) -> str:
    """Why a sample is no measurement, in words.

    Args:
        joint_names: of the arm.
        last: the last sample that counted.
        sample: the one in question.
        reach: how far the joints can have come. Shape (n,), [rad].
    """
    beyond = np.abs(sample.q - last.q) - reach
    joint = int(np.argmax(beyond))
    if beyond[joint] <= 0.0:
        return "joint states go on from others that were no measurements"
    return (
        f"joint states say that '{joint_names[joint]}' is at {sample.q[joint]:.4f} rad; it was at "
        f"{last.q[joint]:.4f} rad, and can have moved by {reach[joint]:.4f} rad since"
    )
