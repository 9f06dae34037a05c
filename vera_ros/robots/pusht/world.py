# SPDX-License-Identifier: Apache-2.0
"""The world of PushT, by gym-pusht, with a pusher that is driven like two sliding joints."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vera_ros.errors import MotionError
from vera_ros.robots.pusht.geometry import GOAL, Array
from vera_ros.robots.pusht.library import PushTEnv

STEP_S = 0.01
SPEED_LIMIT_PX_S = 512.0  # of each axis
PICTURE_PX = 252
_APART = np.array([40.0, 40.0])  # a pusher there touches no block on its goal
_CONTACT_STEPS = 4


class PushTWorld:
    """A pusher that moves as commanded, and a block that moves only while it is pushed.

    Args:
        seed: of the first episode.
        picture_px: side of the picture.
    """

    def __init__(self, seed: int = 0, picture_px: int = PICTURE_PX) -> None:
        self._env = PushTEnv(
            obs_type="state", visualization_width=picture_px, visualization_height=picture_px
        )
        self._steps = 0
        self.reset(seed)

    @property
    def time_s(self) -> float:
        """Simulated time [s], which never goes back, not even at a reset."""
        return self._steps * STEP_S

    def reset(self, seed: int) -> None:
        """Start an episode: pusher and block placed by the seed, as gym-pusht distributes them."""
        rng = np.random.default_rng(seed)
        pusher = rng.uniform(50, 450, 2)
        block = np.append(rng.uniform(100, 400, 2), rng.uniform(-np.pi, np.pi))
        self._env.reset(seed=seed)
        self.place(pusher, block)
        self._env.space.step(STEP_S)  # what overlaps comes apart

    def place(self, pusher: Array, block: Array) -> None:
        """Put the pusher's centre, Shape (2,), and the block, a pose (x, y, angle), at rest."""
        self._put(_APART, GOAL)
        for _ in range(_CONTACT_STEPS):  # for so long a contact acts on after its end
            self._env.space.step(STEP_S)
        self._put(pusher, block)

    def _put(self, pusher: Array, block: Array) -> None:
        agent, body = self._env.agent, self._env.block
        agent.position, agent.velocity = tuple(pusher), (0, 0)
        # First the angle: it turns the block about its centre of gravity, which moves its origin.
        body.angle = float(block[2])
        body.position = tuple(block[:2])
        body.velocity, body.angular_velocity = (0, 0), 0.0
        self._env.space.reindex_shapes_for_body(agent)
        self._env.space.reindex_shapes_for_body(body)

    def step(self, velocity: Array | Sequence[float]) -> None:
        """Advance by one step with this velocity of the pusher, clipped to the speed limit.

        Args:
            velocity: x, y. Shape (2,), [px/s].

        Raises:
            MotionError: it is not finite.
        """
        x, y = (float(component) for component in velocity)
        if not math.isfinite(x + y):
            raise MotionError(
                f"the pusher's velocity is ({x}, {y}); it must be two finite numbers: check what "
                "commands it"
            )
        self._env.agent.velocity = (_clip(x), _clip(y))
        self._env.space.step(STEP_S)
        self._steps += 1

    def step_to(self, target: Array) -> None:
        """Advance by one step towards a position, Shape (2,), [px], reached where speed allows."""
        self.step((np.asarray(target) - self.pusher) / STEP_S)

    @property
    def pusher(self) -> Array:
        """The pusher's centre. Shape (2,), [px]."""
        return np.array(self._env.agent.position)

    @property
    def pusher_velocity(self) -> Array:
        """The pusher's velocity. Shape (2,), [px/s]."""
        return np.array(self._env.agent.velocity)

    @property
    def block(self) -> Array:
        """The block's pose: x, y [px], angle [rad]. Shape (3,)."""
        return np.array([*self._env.block.position, self._env.block.angle])

    def picture(self) -> npt.NDArray[np.uint8]:
        """Return the world as seen from above, RGB. Shape (picture_px, picture_px, 3)."""
        return np.asarray(self._env.render(), np.uint8)

    def picture_of(self, pusher: Array, block: Array) -> npt.NDArray[np.uint8]:
        """Put pusher and block there (see `place`), and return the picture, without contacts."""
        self.place(pusher, block)
        return self.picture()


def _clip(speed_px_s: float) -> float:
    return max(-SPEED_LIMIT_PX_S, min(SPEED_LIMIT_PX_S, speed_px_s))
