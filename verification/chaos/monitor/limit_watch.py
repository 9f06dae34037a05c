# SPDX-License-Identifier: Apache-2.0
"""Holds the true arm to its maker's limits, whatever it was told."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verification.chaos.monitor.arm_watch import CATCHES_UP_S, LATE_S
from verification.chaos.monitor.recording import JointSample, Playing
from verification.judge.bounds import TrajectoryBounds, Vector

# What an arm may be above its limits: it is a body with a controller, and swings about its plan.
_POSITION_RAD = 0.02  # trajectories keep so far from the ends of the joints
_VELOCITY_SHARE = 1.05
_ACCELERATION_SHARE = 1.25  # of the mean over so long: a sample's noise is no motion
_MEAN_S = 0.05
_LATE_SAMPLES = 16
_CALMS_DOWN_S = 0.5  # an arm whose set-point made a step


@dataclass(frozen=True)
class Entry:
    """A controller takes up a trajectory, at one of these moments [s].

    Attributes:
        from_s, until_s: when it can be felt.
        step: in velocity that it makes at most, for having it late. Shape (n,), [rad/s].
    """

    from_s: float
    until_s: float
    step: Vector


class LimitWatch:
    """Follows the arm's joint samples, in the order of their stamps.

    Attributes:
        violations: (stamp [s], what was seen); once for each time that a limit is left.
        largest: shares of the limits of velocity and acceleration that were used at most.
    """

    def __init__(self, bounds: TrajectoryBounds) -> None:
        self._bounds = bounds
        self._recent: deque[JointSample] = deque()
        self._plays: Playing | None = None
        self._entries: deque[Entry] = deque()
        self._beyond: set[str] = set()
        self._catches_up_until_s = float("-inf")
        self._newest_s = float("inf")
        self.violations: list[tuple[float, str]] = []
        self.largest = {"velocity": 0.0, "acceleration": 0.0}

    def lose_sight(self, sample: JointSample) -> None:
        """This sample says nothing: the arm was put somewhere else, or plays what was not heard."""
        self._look_for_gap(sample)
        self._recent.clear()
        self._entries.clear()
        self._plays = None

    def _look_for_gap(self, sample: JointSample) -> None:
        if sample.follows_a_gap(self._newest_s):
            self._catches_up_until_s = sample.stamp_s + CATCHES_UP_S
        self._newest_s = sample.stamp_s

    def told(self, playing: Playing) -> None:
        """A trajectory has come to its controller, and replaces what plays once it is taken up.

        That it comes late is no fault of the arm, nor is the step that is left of it then.
        """
        at_s = playing.from_s
        step = np.zeros_like(playing.trajectory.start_q)
        for late_s in np.linspace(0.0, LATE_S, _LATE_SAMPLES):
            dq = playing.at(at_s + late_s).dq
            if self._plays is not None:
                dq = dq - self._plays.at(at_s + late_s).dq
            step = np.maximum(step, np.abs(dq))
        self._entries.append(Entry(at_s, at_s + LATE_S + _MEAN_S, step))
        self._plays = playing
        if playing.steps:
            after_s = at_s + LATE_S + _CALMS_DOWN_S
            self._catches_up_until_s = max(self._catches_up_until_s, after_s)

    def see(self, sample: JointSample) -> None:
        """Look at the next sample."""
        self._look_for_gap(sample)
        if sample.stamp_s < self._catches_up_until_s:
            self._recent.clear()
            return
        beyond = dict(self._leaves(sample))
        for name in beyond.keys() - self._beyond:
            self.violations.append((sample.stamp_s, beyond[name]))
        self._beyond = set(beyond)

    def _leaves(self, sample: JointSample) -> Iterator[tuple[str, str]]:
        """The limits that the arm is beyond, and in words."""
        bounds = self._bounds
        outside = np.maximum(bounds.lower - sample.q, sample.q - bounds.upper) - _POSITION_RAD
        if outside.max() > 0.0:
            joint = int(np.argmax(outside))
            words = (
                f"joint {joint + 1} of the arm is at {sample.q[joint]:.3f} rad, beyond its range"
            )
            yield "position", words
        velocity = np.abs(sample.dq)
        yield from self._exceeds("velocity", velocity, bounds.velocity, _VELOCITY_SHARE, "rad/s")
        acceleration = self._acceleration(sample)
        if acceleration is not None:
            unit = f"rad/s^2 over {_MEAN_S} s"
            limits = bounds.acceleration
            yield from self._exceeds(
                "acceleration", acceleration, limits, _ACCELERATION_SHARE, unit
            )

    def _exceeds(
        self, name: str, values: Vector, limits: Vector, share: float, unit: str
    ) -> Iterator[tuple[str, str]]:
        used = values / limits
        joint = int(np.argmax(used))
        self.largest[name] = max(self.largest[name], float(used[joint]))
        if used[joint] > share:
            words = (
                f"the {name} of joint {joint + 1} of the arm is {values[joint]:.3f} {unit}; its "
                f"limit is {limits[joint]:g}, and {share:g} of it is borne"
            )
            yield name, words

    def _acceleration(self, sample: JointSample) -> Vector | None:
        """The mean over the last moments, less what comes of trajectories that came late.

        Shape (n,), [rad/s^2], not below zero; None: they were not all seen.
        """
        recent = self._recent
        recent.append(sample)
        while len(recent) > 1 and recent[1].stamp_s <= sample.stamp_s - _MEAN_S:
            recent.popleft()
        while self._entries and self._entries[0].until_s < sample.stamp_s:
            self._entries.popleft()
        passed_s = sample.stamp_s - recent[0].stamp_s
        if passed_s < _MEAN_S:
            return None
        change = np.abs(sample.dq - recent[0].dq)
        for entry in self._entries:
            if entry.from_s <= sample.stamp_s:
                change = np.maximum(change - entry.step, 0.0)
        return change / passed_s
