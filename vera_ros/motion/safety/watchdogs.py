# SPDX-License-Identifier: Apache-2.0
"""Watchdogs that work on times and joint positions alone."""

from collections import deque
from enum import Enum, auto

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector


class FrozenJoints:
    """Detects joint states that stay the same while the arm should move.

    An arm that is up to `delay_s` late has by now done what the plan did until `delay_s` ago: if
    the plan moved until then, joint states must have changed.

    Args:
        time_s: how long joint states must stay the same.
        angle_rad: how far the plan must have moved a joint meanwhile.
        delay_s: how late the arm may be.

    Attributes:
        same_s: how long joint states have been the same, whether or not the arm should move.
    """

    def __init__(self, time_s: float, angle_rad: float, delay_s: float) -> None:
        self._time_s = time_s
        self._angle_rad = angle_rad
        self._delay_s = delay_s
        self.forget()

    def forget(self) -> None:
        """Start over: earlier observations no longer count."""
        self._measured: Vector | None = None
        self._since_s = np.inf
        self.same_s = 0.0
        self._forget_plan()

    def _forget_plan(self) -> None:
        self._recent: deque[tuple[float, Vector]] = deque()
        self._played_s = np.inf
        self._lowest: Vector | float = np.inf
        self._highest: Vector | float = -np.inf

    def update(self, measured: Vector, planned: Vector | None, now_s: float) -> bool:
        """Return whether the joints count as frozen.

        Args:
            measured: joint positions. Shape (n,), [rad].
            planned: planned joint positions; None: nothing is played. Shape (n,), [rad].
            now_s: when the measurement arrived; a silent driver is detected elsewhere.
        """
        if self._measured is None or not np.array_equal(measured, self._measured):
            self.forget()
            self._measured, self._since_s = measured.copy(), now_s
        self.same_s = max(self.same_s, now_s - self._since_s)
        if planned is None:
            self._forget_plan()
            return False
        if not self._recent or now_s > self._recent[-1][0]:  # not while time stands still
            self._recent.append((now_s, planned))
            self._played_s = min(self._played_s, now_s)
        while self._recent and self._recent[0][0] <= now_s - self._delay_s:
            _, was = self._recent.popleft()
            self._lowest = np.minimum(self._lowest, was)
            self._highest = np.maximum(self._highest, was)
        moved_rad = float(np.max(self._highest - self._lowest))
        return now_s - self._played_s >= self._time_s and moved_rad >= self._angle_rad


class StartWatch:
    """Detects whether an arm has left the posture in which a motion began.

    Args:
        angle_rad: distance up to which it counts as still there; above encoder noise.
    """

    def __init__(self, angle_rad: float) -> None:
        self._angle_rad = angle_rad
        self._stood: Vector | None = None

    def forget(self) -> None:
        """Forget the posture."""
        self._stood = None

    def update(self, measured: Vector, *, plays: bool) -> None:
        """Process a measured posture, Shape (n,), [rad]. `plays`: the arm should move."""
        if not plays:
            self._stood = measured.copy()
        elif not self.stands(measured):
            self._stood = None

    def stands(self, measured: Vector) -> bool:
        """Whether the arm is where it was before the motion. `measured`: Shape (n,), [rad]."""
        stood = self._stood
        return stood is not None and bool(np.abs(measured - stood).max() <= self._angle_rad)


class ClockWatch:
    """Detects a ROS clock that jumps backwards.

    Args:
        jump_s: smaller steps back are ignored.
    """

    def __init__(self, jump_s: float) -> None:
        self._jump_s = jump_s
        self._latest_s = -np.inf

    def later(self, by_s: float) -> None:
        """Account for a clock that is known to have been set forward by `by_s`."""
        self._latest_s += by_s

    def update(self, now_s: float) -> float:
        """Return by how much ROS time went back since the last call [s]; 0: it did not."""
        latest_s = self._latest_s
        if now_s >= latest_s - self._jump_s:
            self._latest_s = max(now_s, latest_s)
            return 0.0
        self._latest_s = now_s
        return latest_s - now_s


class Rest(Enum):
    """Progress of a stop towards rest."""

    COMING = auto()  # the stop is not over, or only just
    THERE = auto()  # the arm rests
    OVERDUE = auto()  # the arm still moves, or its motion is unknown; once per time-out
    UNKNOWN = auto()  # ROS time stands still, so the stop never ends; once per time-out


class RestWatch:
    """Checks that an arm that was stopped comes to rest.

    Args:
        time_s: how long that may take after the stop's planned end, and how long ROS time may stand
            still.
    """

    def __init__(self, time_s: float) -> None:
        self._time_s = time_s
        self.forget()

    def forget(self) -> None:
        """Start over: earlier observations no longer count."""
        self._due_s = self._present_s = self._since_s = -np.inf

    def update(self, end_s: float, moves: bool | None, now_s: float, steady_s: float) -> Rest:
        """Process whether the arm moves; return the progress of its stop.

        Args:
            end_s: when the stop that was sent last ends, ROS time.
            moves: whether the arm moves; None: not known.
            now_s: ROS time.
            steady_s: steady time.
        """
        if now_s != self._present_s:
            self._present_s, self._since_s = now_s, steady_s
        if now_s >= end_s and moves is False:
            return Rest.THERE
        self._due_s = max(self._due_s, end_s + self._time_s)
        if now_s >= self._due_s:
            self._due_s = now_s + self._time_s
            return Rest.OVERDUE
        if steady_s - self._since_s < self._time_s:
            return Rest.COMING
        self._since_s = steady_s
        return Rest.UNKNOWN
