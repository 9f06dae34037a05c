# SPDX-License-Identifier: Apache-2.0
"""The simulated arm with its controllers: trajectories in, joint states out."""

import numpy as np
from numpy.typing import NDArray

from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.task import StackTask
from vera_ros.robots.stacking.world import World
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.simulation import Truth, advance_to, nanoseconds
from vera_ros.sim.trajectory import Array


class SimulatedRobot:
    """A world whose arm and gripper follow joint trajectories (see vera_ros.sim.simulation).

    The controllers run once in each step. Like real hardware, the joints ignore commands that are
    not finite: such a joint stays at its last finite command.

    Args:
        world: the scene.
        open_loop: start the arm's trajectories from the last command, not the measured state.

    Attributes:
        commands_not_finite: number of such commands from the controllers.
    """

    def __init__(self, world: World, *, open_loop: bool = True) -> None:
        self.world = world
        self._task = StackTask(world)
        self.commands_not_finite = 0
        self.arm = TrajectoryFollower(
            world.robot.joint_names, world.arm().q, open_loop=open_loop, period_s=world.step_s
        )
        self.gripper = TrajectoryFollower(
            world.robot.hand.joints[:1], [world.robot.hand.start], period_s=world.step_s
        )
        self._arm_q, self._finger_q = world.arm().q, np.array([world.robot.hand.start])

    @property
    def controllers(self) -> dict[str, TrajectoryFollower]:
        """The controllers by name."""
        return {"arm": self.arm, "gripper": self.gripper}

    @property
    def time_s(self) -> float:
        """Simulated time [s]."""
        return self.world.time_s

    @property
    def step_s(self) -> float:
        """Duration of one step [s]."""
        return self.world.step_s

    @property
    def time_ns(self) -> int:
        """Simulated time [ns]."""
        return nanoseconds(self)

    def reset(self, seed: int) -> None:
        """Start an episode: the scene of the seed, with both controllers holding."""
        self.world.reset(seed)
        self._arm_q, self._finger_q = self.world.arm().q, np.array([self.world.robot.hand.start])
        self.arm.hold(self._arm_q)
        self.gripper.hold(self._finger_q)

    def advance_to(self, time_s: float) -> None:
        """Step the world until `time_s` [s] (to the nearest step)."""
        advance_to(self, time_s)

    def advance(self, steps: int) -> None:
        """Step the world and both controllers."""
        world = self.world
        for _ in range(steps):
            measured, fingers = world.arm(), world.fingers()
            arm = self.arm.update(self.time_ns, measured.q, measured.dq)
            finger = self.gripper.update(self.time_ns, fingers.q[:1], fingers.dq[:1])
            self._arm_q = self._taken(arm.q, self._arm_q)
            self._finger_q = self._taken(finger.q, self._finger_q)
            moving = np.isfinite(arm.q + arm.dq + arm.ddq)
            dq, ddq = np.where(moving, arm.dq, 0.0), np.where(moving, arm.ddq, 0.0)
            world.step(self._arm_q, dq, float(self._finger_q[0]), ddq)

    def _taken(self, command: Array, before: Array) -> Array:
        """Return a command, with values from before where it is not finite."""
        finite = np.isfinite(command)
        if finite.all():
            return command
        self.commands_not_finite += 1
        return np.where(finite, command, before)

    def joint_states(self) -> tuple[list[str], NDArray[np.float64]]:
        """Return names, and positions, velocities and efforts, of the arm's and the driven joints.

        Shape (3, m), of m joints; those of the hand that follow a driven one are not published.
        """
        arm, fingers = self.world.arm(), self.world.fingers()
        values = np.stack(
            (
                np.concatenate((arm.q, fingers.q)),
                np.concatenate((arm.dq, fingers.dq)),
                np.concatenate((arm.effort, fingers.effort)),
            )
        )
        return [*self.world.robot.joint_names, *self.world.robot.hand.joints], values

    def snapshot(self) -> Array:
        """Return a copy of all joint positions, for a CameraRenderer. Shape (nq,)."""
        return self.world.snapshot()

    def truth(self) -> Truth:
        """Return where the cubes are, and whether the tower stands."""
        base = self.world.robot.base
        cubes = (scene.RED_CUBE, scene.GREEN_CUBE)
        return Truth(
            success=self._task.succeeded(),
            frame=base,
            objects={cube: self.world.pose(cube, base) for cube in cubes},
        )
