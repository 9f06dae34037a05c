# SPDX-License-Identifier: Apache-2.0
"""A simulated robot whose joints all belong to one controller, `arm`."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.simulation import Array, JointState, Truth, nanoseconds


class JointWorld(Protocol):
    """A scene with a robot of n joints, as OneController needs it."""

    @property
    def joint_names(self) -> tuple[str, ...]:
        """The joints, in the order of all arrays."""
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
        """Start an episode."""
        ...

    def step(self, q: Array, dq: Array, ddq: Array) -> None:
        """Advance by one step towards finite positions, velocities, accelerations. Shapes (n,)."""
        ...

    def joints(self) -> JointState:
        """Return the measured joints."""
        ...

    def snapshot(self) -> Array:
        """Return a copy of what a renderer needs. Shape (m,)."""
        ...

    def truth(self) -> Truth:
        """Return the present ground truth."""
        ...


class OneController:
    """A world whose joints follow trajectories (see vera_ros.sim.simulation.Simulation).

    The controller runs once in each step. Like real hardware, the joints ignore commands that are
    not finite: such a joint stays at its last finite command.

    Args:
        world: the scene.
        open_loop: start trajectories from the last command, not the measured state.

    Attributes:
        world: the scene.
        commands_not_finite: number of such commands.
    """

    def __init__(self, world: JointWorld, *, open_loop: bool = True) -> None:
        self.world = world
        self.commands_not_finite = 0
        self._q = world.joints().q
        self._follower = TrajectoryFollower(
            world.joint_names, self._q, open_loop=open_loop, period_s=world.step_s
        )

    @property
    def controllers(self) -> Mapping[str, TrajectoryFollower]:
        """The one controller, by name."""
        return {"arm": self._follower}

    @property
    def time_s(self) -> float:
        """Simulated time [s]."""
        return self.world.time_s

    @property
    def step_s(self) -> float:
        """Duration of one step [s]."""
        return self.world.step_s

    def reset(self, seed: int) -> None:
        """Start an episode: the scene of the seed, with the controller holding."""
        self.world.reset(seed)
        self._q = self.world.joints().q
        self._follower.hold(self._q)

    def advance(self, steps: int) -> None:
        """Step the world and its controller."""
        for _ in range(steps):
            measured = self.world.joints()
            told = self._follower.update(nanoseconds(self), measured.q, measured.dq)
            finite = np.isfinite(told.q)
            self.commands_not_finite += not finite.all()
            self._q = np.where(finite, told.q, self._q)
            moving = np.isfinite(told.q + told.dq + told.ddq)
            dq, ddq = np.where(moving, told.dq, 0.0), np.where(moving, told.ddq, 0.0)
            self.world.step(self._q, dq, ddq)

    def joint_states(self) -> tuple[list[str], Array]:
        """Return the joints' names, and their positions, velocities, efforts. Shape (3, n)."""
        measured = self.world.joints()
        return [*self.world.joint_names], np.stack((measured.q, measured.dq, measured.effort))

    def snapshot(self) -> Array:
        """Return a copy of what a renderer needs. Shape (m,)."""
        return self.world.snapshot()

    def truth(self) -> Truth:
        """Return the present ground truth."""
        return self.world.truth()
