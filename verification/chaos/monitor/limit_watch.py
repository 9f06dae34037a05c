# SPDX-License-Identifier: Apache-2.0
"""Check the true arm against the manufacturer's limits, whatever its trajectories are."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verification.chaos.monitor.arm_watch import CATCHES_UP_S, LATE_S
from verification.chaos.monitor.recording import JointSample, Playing
from verification.judge.bounds import TrajectoryBounds, Vector

# The true arm may exceed the limits by so much, since it oscillates about its set-point.
_POSITION_RAD = 0.02  # trajectories keep this margin to the ends of the joints
_VELOCITY_SHARE = 1.05
_ACCELERATION_SHARE = 1.25  # of the mean over `_MEAN_S`, which suppresses noise of the samples
_MEAN_S = 0.05
_LATE_SAMPLES = 16
_SETTLING_S = 0.5  # after a step of the set-point


@dataclass(frozen=True)
class StepWindow:
    """A time span in which a trajectory that is taken up late may make a step in velocity.

    Attributes:
        from_s, until_s: when the step can affect the acceleration, ROS time [s].
        step: largest step in velocity. Shape (n,), [rad/s].
    """

    from_s: float
    until_s: float
    step: Vector


class LimitWatch:
    """Checks the arm's joint samples, in the order of their stamps.

    Args:
        bounds: with the limits of the joints.

    Attributes:
        violations: (stamp [s], message), one for each time that a limit is exceeded.
        largest: largest velocity and acceleration, as shares of their limits.
    """

    def __init__(self, bounds: TrajectoryBounds) -> None:
        self._bounds = bounds
        self._recent: deque[JointSample] = deque()
        self._playing: Playing | None = None
        self._step_windows: deque[StepWindow] = deque()
        self._beyond: set[str] = set()
        self._catches_up_until_s = float("-inf")
        self._newest_s = float("inf")
        self.violations: list[tuple[float, str]] = []
        self.largest = {"velocity": 0.0, "acceleration": 0.0}

    def skip(self, sample: JointSample) -> None:
        """Skip a sample: the simulator moved the arm, or it may play an unknown trajectory."""
        self._detect_gap(sample)
        self._recent.clear()
        self._step_windows.clear()
        self._playing = None

    def _detect_gap(self, sample: JointSample) -> None:
        if sample.follows_a_gap(self._newest_s):
            self._catches_up_until_s = sample.stamp_s + CATCHES_UP_S
        self._newest_s = sample.stamp_s

    def add_trajectory(self, playing: Playing) -> None:
        """Replace the trajectory that plays, as its controller does when it takes up a new one.

        The step that results from taking it up late is not attributed to the arm.
        """
        at_s = playing.from_s
        step = np.zeros_like(playing.trajectory.start_q)
        for late_s in np.linspace(0.0, LATE_S, _LATE_SAMPLES):
            dq = playing.at(at_s + late_s).dq
            if self._playing is not None:
                dq = dq - self._playing.at(at_s + late_s).dq
            step = np.maximum(step, np.abs(dq))
        self._step_windows.append(StepWindow(at_s, at_s + LATE_S + _MEAN_S, step))
        self._playing = playing
        if playing.steps:
            after_s = at_s + LATE_S + _SETTLING_S
            self._catches_up_until_s = max(self._catches_up_until_s, after_s)

    def update(self, sample: JointSample) -> None:
        """Check the next sample."""
        self._detect_gap(sample)
        if sample.stamp_s < self._catches_up_until_s:
            self._recent.clear()
            return
        beyond = dict(self._exceeded(sample))
        for name in beyond.keys() - self._beyond:
            self.violations.append((sample.stamp_s, beyond[name]))
        self._beyond = set(beyond)

    def _exceeded(self, sample: JointSample) -> Iterator[tuple[str, str]]:
        """Yield the name of each limit that the sample exceeds, and a message."""
        bounds = self._bounds
        outside = np.maximum(bounds.lower - sample.q, sample.q - bounds.upper) - _POSITION_RAD
        if outside.max() > 0.0:
            joint = int(np.argmax(outside))
            words = (
                f"joint {joint + 1} of the arm is at {sample.q[joint]:.3f} rad; valid is "
                f"{bounds.lower[joint]:.3f} to {bounds.upper[joint]:.3f} rad"
            )
            yield "position", words
        velocity = np.abs(sample.dq)
        yield from self._check_rate("velocity", velocity, bounds.velocity, _VELOCITY_SHARE, "rad/s")
        acceleration = self._acceleration(sample)
        if acceleration is not None:
            unit = f"rad/s^2 over {_MEAN_S} s"
            limits = bounds.acceleration
            yield from self._check_rate(
                "acceleration", acceleration, limits, _ACCELERATION_SHARE, unit
            )

    def _check_rate(
        self, name: str, values: Vector, limits: Vector, share: float, unit: str
    ) -> Iterator[tuple[str, str]]:
        used = values / limits
        joint = int(np.argmax(used))
        self.largest[name] = max(self.largest[name], float(used[joint]))
        if used[joint] > share:
            words = (
                f"the {name} of joint {joint + 1} of the arm is {values[joint]:.3f} {unit}; its "
                f"limit is {limits[joint]:g}, of which {share:.0%} are tolerated"
            )
            yield name, words

    def _acceleration(self, sample: JointSample) -> Vector | None:
        """Return the mean acceleration over `_MEAN_S`, less the steps of late trajectories.

        Absolute values, shape (n,), [rad/s^2]; None: the samples do not span `_MEAN_S` yet.
        """
        recent = self._recent
        recent.append(sample)
        while len(recent) > 1 and recent[1].stamp_s <= sample.stamp_s - _MEAN_S:
            recent.popleft()
        while self._step_windows and self._step_windows[0].until_s < sample.stamp_s:
            self._step_windows.popleft()
        passed_s = sample.stamp_s - recent[0].stamp_s
        if passed_s < _MEAN_S:
            return None
        change = np.abs(sample.dq - recent[0].dq)
        for window in self._step_windows:
            if window.from_s <= sample.stamp_s:
                change = np.maximum(change - window.step, 0.0)
        return change / passed_s
