# SPDX-License-Identifier: Apache-2.0
"""What a simulated robot offers: controllers to command, joints to measure, pictures, and truth."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vera_ros.sim.cameras import Intrinsics
from vera_ros.sim.follower import TrajectoryFollower

Array = NDArray[np.float64]


@dataclass(frozen=True)
class JointState:
    """Measured joints: q [rad or m], dq [rad/s or m/s], effort [Nm or N]. Shapes (n,)."""

    q: Array
    dq: Array
    effort: Array


@dataclass(frozen=True)
class Pose:
    """Position [m], shape (3,), and orientation as quaternion x y z w, shape (4,)."""

    position: Array
    quaternion: Array


@dataclass(frozen=True)
class Truth:
    """Ground truth of a scene, for evaluation alone.

    Attributes:
        success: whether the task is done now.
        frame: that the objects' poses are in.
        objects: where the things of the task are, by name.
    """

    success: bool
    frame: str
    objects: Mapping[str, Pose] = field(default_factory=dict)


class Simulation(Protocol):
    """A robot in its scene, whose joints follow trajectories. All times are simulated time."""

    @property
    def controllers(self) -> Mapping[str, TrajectoryFollower]:
        """The controllers by name: `arm`, and `gripper` where there is one."""
        ...

    @property
    def commands_not_finite(self) -> int:
        """Number of controllers' commands that were not finite, and not followed."""
        ...

    @property
    def time_s(self) -> float:
        """Simulated time [s], which never goes back, not even at a reset."""
        ...

    @property
    def step_s(self) -> float:
        """Duration of one step [s]."""
        ...

    def reset(self, seed: int) -> None:
        """Start an episode: the scene of the seed, with all controllers holding."""
        ...

    def advance(self, steps: int) -> None:
        """Step the scene and the controllers."""
        ...

    def joint_states(self) -> tuple[list[str], Array]:
        """Return the joints' names, and their positions, velocities, efforts. Shape (3, n)."""
        ...

    def snapshot(self) -> Array:
        """Return a copy of what a Renderer needs to show the present. Shape (n,)."""
        ...

    def truth(self) -> Truth:
        """Return the present ground truth."""
        ...


class Renderer(AbstractContextManager["Renderer"], Protocol):
    """Renders all views of a scene; to be created, used and closed in one thread."""

    def render(self, snapshot: Array) -> Mapping[str, NDArray[np.uint8]]:
        """Return each view's picture of a `Simulation.snapshot`, RGB. Shape (H, W, 3)."""
        ...

    def intrinsics(self, view: str) -> Intrinsics:
        """Return the intrinsic parameters of a view's camera."""
        ...


def nanoseconds(simulation: Simulation) -> int:
    """Return the simulated time [ns]."""
    return round(simulation.time_s * 1e9)


def advance_to(simulation: Simulation, time_s: float) -> None:
    """Step a simulation until `time_s` [s] (to the nearest step)."""
    simulation.advance(round((time_s - simulation.time_s) / simulation.step_s))
