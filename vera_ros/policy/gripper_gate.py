# SPDX-License-Identifier: Apache-2.0
"""Decides when the gripper closes and opens, for policies that predict its change per action."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.floating]

_PRIOR_SIGMA = 0.05
_PRIOR_SAMPLES = 70.0
_LEAST_SIGMA = 1e-6


@dataclass(frozen=True)
class GateRules:
    """When the gripper closes and opens; names and meanings are those of the parameters.

    Attributes:
        gripper_close_z: standard scores above it demand to close.
        gripper_open_z: standard scores below minus this demand to open.
        gripper_open_actions: so many of them in a row open a closed gripper.
        gripper_arrival_m: a demanded close waits while an action descends by this or more; 0: it
            does not wait [m].
        gripper_ascent_m: a close that waits is dropped when an action rises by more than this [m].
    """

    gripper_close_z: float = 2.0
    gripper_open_z: float = 2.0
    gripper_open_actions: int = 1
    gripper_arrival_m: float = 0.0
    gripper_ascent_m: float = 0.003


class GripperGate:
    """Closes and opens the gripper on outliers of the raw column, through a whole episode.

    Each value is compared with the column's running mean and standard deviation, itself included
    (Welford 1962, "Note on a method for calculating corrected sums of squares and products"). A
    prior of mean 0 and standard deviation 0.05, with the weight of 70 samples, keeps the first
    values from being compared with themselves.

    Args:
        rules: when it closes and opens.
        plan_scale: returns the server's factor on planned motion; rises count as without it.
    """

    def __init__(self, rules: GateRules, plan_scale: Callable[[], float] = lambda: 1.0) -> None:
        self._rules = rules
        self._plan_scale = plan_scale
        self.begin()

    def begin(self) -> None:
        """Begin an episode: the gripper is open, and the last episode's column is forgotten."""
        self._samples, self._mean = _PRIOR_SAMPLES, 0.0
        self._squares = _PRIOR_SIGMA**2 * _PRIOR_SAMPLES  # sum of squared deviations
        self._closed = self._demanded = False
        self._openings = 0  # demanded in a row

    def decide(self, raw: Column, rise_m: Column) -> npt.NDArray[np.bool_]:
        """Return whether the gripper is closed after each action. Shape (H,).

        Args:
            raw: the gripper column of the episode's next chunk. Shape (H,).
            rise_m: how far each action raises the gripper, base frame. Shape (H,), [m].
        """
        rises = np.asarray(rise_m, float) / self._plan_scale()
        steps = zip(np.asarray(raw, float), rises, strict=True)
        return np.array([self._closed_after(*step) for step in steps], bool)

    def _closed_after(self, raw: float, rise_m: float) -> bool:
        rules, z = self._rules, self._standard_score(raw)
        self._openings = self._openings + 1 if z < -rules.gripper_open_z else 0
        if z > rules.gripper_close_z:
            self._demanded = True
        elif self._openings and (not self._closed or self._openings >= rules.gripper_open_actions):
            self._demanded = self._closed = False
        if self._demanded and not self._closed:
            waits = rules.gripper_arrival_m > 0.0
            if waits and rise_m > rules.gripper_ascent_m:
                self._demanded = False  # the policy has given that grasp up
            elif not waits or rise_m > -rules.gripper_arrival_m:
                self._closed = True
        return self._closed

    def _standard_score(self, raw: float) -> float:
        self._samples += 1.0
        off = raw - self._mean
        self._mean += off / self._samples
        self._squares += off * (raw - self._mean)
        sigma = max(math.sqrt(self._squares / self._samples), _LEAST_SIGMA)
        return (raw - self._mean) / sigma
