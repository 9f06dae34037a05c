# SPDX-License-Identifier: Apache-2.0
"""Outlier: a burst of wrong joint states."""

from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.chunk import Measured
from verification.rig import Vector


@dataclass
class Outlier:
    """A burst of joint states that are wrong.

    Attributes:
        offset: by how much. Shape (7,), [rad].
        left: number of samples still to come.
        stamp_s: error of the stamps.
        kind: constant, random or stuck.
        stuck_q: where it is stuck, once it is. Shape (7,), [rad].
    """

    offset: Vector
    left: int
    stamp_s: float
    kind: str
    stuck_q: Vector | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Outlier":
        """Draw one of 1 mrad to 3 rad, in one joint or all, of one to ten samples."""
        joints = np.ones(7) if rng.random() < 0.2 else np.eye(7)[rng.integers(7)]
        size_rad = 10 ** rng.uniform(-3, np.log10(3)) * rng.choice([-1, 1])
        stamp_s = float(rng.choice([0.0, 0.0, -0.3, 0.3, 1000.0]))
        kind = str(rng.choice(["constant", "constant", "random", "stuck"]))
        return cls(joints * size_rad, int(rng.integers(1, 11)), stamp_s, kind)

    @property
    def steady(self) -> bool:
        """Whether all of its samples have the full offset."""
        return self.kind != "random"

    def __str__(self) -> str:
        return f"an outlier ({self.kind}, {np.abs(self.offset).max():.3f} rad, {self.stamp_s:+g} s)"


def corrupted(outlier: list[Outlier], sample: Measured, rng: np.random.Generator) -> Measured:
    """Return the next sample of the burst, or `sample` itself if there is none."""
    if not outlier or outlier[0].left == 0:
        return sample
    burst = outlier[0]
    burst.left -= 1
    q = sample.q + burst.offset * (rng.uniform(-1, 1) if burst.kind == "random" else 1.0)
    if burst.kind == "stuck":
        burst.stuck_q = q if burst.stuck_q is None else burst.stuck_q
        q = np.where(burst.offset != 0.0, burst.stuck_q, sample.q)
    return replace(sample, q=q, stamp_s=sample.stamp_s + burst.stamp_s)
