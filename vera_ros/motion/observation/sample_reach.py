# SPDX-License-Identifier: Apache-2.0
"""Bounds on how far joints can have moved between two joint states, however stamped."""

from collections import deque

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.joint_track import SLACK_RAD

AHEAD_S = 0.2  # the transport delay does not drop by so much
_LEAD_S = 1.0  # window in which the least transport delay is measured
_JITTER_S = 1e-3
_BURST_S = 0.05  # samples that arrive together were taken within this time


class SampleReach:
    """Bounds joint motion by velocity limits and the time between two samples.

    Args:
        velocity_limit: of the joints. Shape (n,), [rad/s].
    """

    def __init__(self, velocity_limit: Vector) -> None:
        self._velocity_limit = velocity_limit
        self._leads: deque[tuple[float, float]] = deque()  # (arrival, stamp minus arrival), falling

    def forget(self) -> None:
        """Forget the measured transport delay, since the stamps' clock was set."""
        self._leads.clear()

    def accept(self, sample: Measured) -> None:
        """Measure the transport delay of an accepted sample."""
        lead_s = sample.stamp_s - sample.received_s
        while self._leads and self._leads[-1][1] <= lead_s:
            self._leads.pop()
        self._leads.append((sample.received_s, lead_s))

    def within(self, passed_s: float) -> Vector:
        """Return how far the joints can move in a time. Shape (n,), [rad]."""
        return self._velocity_limit * max(0.0, passed_s) + SLACK_RAD

    def allows(self, last: Measured, sample: Measured) -> bool:
        """Whether the arm can be where a sample says, by arrival times alone."""
        reach = self.within(sample.received_s - last.received_s)
        return bool((np.abs(sample.q - last.q) <= reach).all())

    def between(self, before: Measured, sample: Measured, *, simulated: bool) -> Vector:
        """Return how far the joints can have moved between two samples. Shape (n,), [rad].

        After a message that was delayed, stamps may be further apart than arrivals; a stamp further
        ahead than the transport delay allows is capped.

        Args:
            before: the earlier one.
            sample: the later one.
            simulated: ROS time comes from /clock, and may run at any speed.
        """
        stamp_s, steady_s = sample.stamp_s, sample.received_s
        silent_s = max(0.0, steady_s - before.received_s)
        if not simulated:
            stamp_s = min(stamp_s, steady_s + self._lead_s(steady_s) + _JITTER_S)
            stamp_s = min(stamp_s, before.stamp_s + silent_s + _BURST_S)
        return self.within(max(silent_s, stamp_s - before.stamp_s))

    def _lead_s(self, steady_s: float) -> float:
        """Return the most by which a stamp was ahead of its arrival in the last second."""
        leads = self._leads
        while len(leads) > 1 and leads[0][0] < steady_s - _LEAD_S:
            leads.popleft()
        return leads[0][1]


def too_far_ahead(last: Measured, sample: Measured, oldest_s: float) -> str:
    """Return why a stamp is implausibly far ahead of the last one; empty: it is not.

    Args:
        last: the last accepted sample.
        sample: the one in question.
        oldest_s: after a longer silence, any stamp is accepted.
    """
    silent_s = sample.received_s - last.received_s
    later_s = sample.stamp_s - last.stamp_s
    if later_s <= silent_s + AHEAD_S or silent_s > oldest_s:
        return ""
    return (
        f"joint states are stamped {later_s:.3f} s later than those before them, but arrived "
        f"{silent_s:.3f} s later"
    )


def beyond_reach(
    joint_names: tuple[str, ...], last: Measured, sample: Measured, reach: Vector
) -> str:
    """Describe why a sample is rejected.

    Args:
        joint_names: of the arm.
        last: the last accepted sample.
        sample: the one in question.
        reach: how far the joints can have moved. Shape (n,), [rad].
    """
    beyond = np.abs(sample.q - last.q) - reach
    joint = int(np.argmax(beyond))
    if beyond[joint] <= 0.0:
        return "joint states are consistent only with others that were rejected"
    unit = sample.unit(joint)
    return (
        f"joint states say that '{joint_names[joint]}' is at {sample.q[joint]:.4f} {unit}; it was "
        f"at {last.q[joint]:.4f} {unit}, and can have moved by {reach[joint]:.4f} {unit} since"
    )
