# SPDX-License-Identifier: Apache-2.0
"""The simulated Panda with its controllers: trajectories in, joint states out."""

import numpy as np
from numpy.typing import NDArray

from vera_ros.sim import scene
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.world import World


class SimulatedRobot:
    """A world whose arm and gripper follow joint trajectories. All times are simulated time [s]."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arm = TrajectoryFollower(scene.ARM_JOINTS, world.arm().q, open_loop=True)
        self.gripper = TrajectoryFollower(scene.FINGER_JOINTS[:1], [scene.START_FINGER_M])

    def reset(self, seed: int) -> None:
        """Start an episode: scene from the seed, both controllers holding."""
        self.world.reset(seed)
        self.arm.hold(self.world.arm().q)
        self.gripper.hold([scene.START_FINGER_M])

    def advance_to(self, time_s: float) -> None:
        """Step the world until `time_s` (to the step that is nearest)."""
        self.advance(round((time_s - self.world.time_s) / self.world.step_s))

    def advance(self, steps: int) -> None:
        """Step the world."""
        world = self.world
        for _ in range(steps):
            arm = self.arm.sample(world.time_s + world.step_s)
            finger = self.gripper.sample(world.time_s + world.step_s)
            world.step(arm.q, arm.dq, float(finger.q[0]), arm.ddq)

    def joint_states(self) -> tuple[list[str], NDArray[np.float64]]:
        """Names, and positions, velocities and efforts of all joints. Shape (3, 9)."""
        arm, fingers = self.world.arm(), self.world.fingers()
        values = np.stack(
            (
                np.concatenate((arm.q, fingers.q)),
                np.concatenate((arm.dq, fingers.dq)),
                np.concatenate((arm.effort, fingers.effort)),
            )
        )
        return [*scene.ARM_JOINTS, *scene.FINGER_JOINTS], values
