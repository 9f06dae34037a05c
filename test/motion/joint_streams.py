# SPDX-License-Identifier: Apache-2.0
"""Joint states of an arm in motion as they may come, in simulated time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.joint_state_filter import JointStateFilter

Vector = npt.NDArray[np.float64]

NAMES = tuple(f"joint{i}" for i in range(1, 8))
SPEED = np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61])
ACCELERATION = np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0])
OLDEST_S = 0.5
ROS_S = 1.7e9  # of steady time 0


def make_filter(gripper_joint: str = "", oldest_s: float = OLDEST_S) -> JointStateFilter:
    return JointStateFilter(NAMES, SPEED, oldest_s, gripper_joint)


@dataclass(frozen=True)
class Motion:
    """Joints that swing to and fro, `share` of their velocity limits at the fastest."""

    phase: Vector
    share: float = 1.0

    @property
    def _rate(self) -> Vector:
        return np.asarray(0.5 * ACCELERATION / SPEED)  # [rad/s]; half the acceleration limit

    def at(self, time_s: float) -> tuple[Vector, Vector]:
        """Positions and velocities."""
        angle = self._rate * time_s + self.phase
        speed = self.share * SPEED
        return speed / self._rate * np.sin(angle), speed * np.cos(angle)

    def measured(self, time_s: float, received_s: float | None = None) -> Measured:
        q, dq = self.at(time_s)
        return Measured(q, dq, None, ROS_S + time_s, time_s if received_s is None else received_s)


STANDING = Motion(np.zeros(7), 0.0)


def moving(rng: np.random.Generator, share: float = 1.0) -> Motion:
    """A motion that begins anywhere."""
    return Motion(rng.uniform(0.0, 2 * np.pi, 7), share)


def arrivals(
    rng: np.random.Generator, times_s: Sequence[float] | Vector, jitter_s: float, gap_s: float
) -> Vector:
    """When samples of these times arrive: in order, now and then all of a while at once."""
    delay_s = jitter_s * rng.random(len(times_s))
    came_s = np.asarray(times_s) + delay_s
    if gap_s:
        for start_s in np.arange(times_s[0] + 0.5, times_s[-1], 1.3):
            held = (came_s >= start_s) & (came_s < start_s + gap_s)
            came_s[held] = start_s + gap_s
    return np.maximum.accumulate(came_s)


@dataclass
class Stream:
    """A filter, and what has come of what it was given."""

    filter: JointStateFilter = field(default_factory=make_filter)

    def add(self, sample: Measured) -> bool:
        return self.filter.add(sample, ROS_S + sample.received_s)

    def play(self, motion: Motion, times_s: Sequence[float] | Vector) -> None:
        """Have an arm in motion tell of itself; all counts."""
        for time_s in times_s:
            assert self.add(motion.measured(float(time_s)))


def noisy(sample: Measured, rng: np.random.Generator, noise_rad: float = 2e-4) -> Measured:
    return replace(sample, q=sample.q + rng.uniform(-noise_rad, noise_rad, len(sample.q)))


def spoilt(rng: np.random.Generator, samples: Sequence[Measured]) -> Iterator[Measured]:
    """Some samples in a row as a sick encoder or driver has them: 1 mrad to 3 rad off."""
    size = 10 ** rng.uniform(-3, np.log10(3.0)) * rng.choice([-1.0, 1.0])
    joints = np.ones(7, bool) if rng.random() < 0.3 else np.arange(7) == rng.integers(7)
    kind = rng.choice(["constant", "random", "repeated", "degrees"])
    stamp_s = rng.choice([0.0, 0.0, -0.3, 0.3, 1000.0])
    for sample in samples:
        q, dq = sample.q.copy(), sample.dq
        if kind == "constant":
            q[joints] += size
        elif kind == "random":
            q[joints] += 10 ** rng.uniform(-3, np.log10(3.0)) * rng.choice([-1.0, 1.0])
        elif kind == "repeated":
            q[joints] = samples[0].q[joints] + size
        else:
            q, dq = np.degrees(q), np.degrees(dq)
        yield replace(sample, q=q, dq=dq, stamp_s=sample.stamp_s + stamp_s)
