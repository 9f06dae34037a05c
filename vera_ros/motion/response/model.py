# SPDX-License-Identifier: Apache-2.0
"""Interface of response models: the TCP path that a chunk of commanded deltas leads to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pinocchio as pin

from vera_ros.motion.kinematics.vec3 import Vector

__all__ = ["Response", "ResponseModel", "State", "Vector"]

# State that a model carries from one chunk to the next; each model has its own type.
State = Any


@dataclass(frozen=True)
class Response(ABC):
    """A TCP path in time, from the start state to near rest.

    Attributes:
        times_s: from 0, evenly spaced. Shape (N,), [s].
        position: of the TCP, base frame. Shape (N, 3), [m].
        rotation: of the TCP, base frame. Shape (N, 3, 3).
        q: joint motion of the modelled arm, N rows; None: no arm is modelled. [rad]
        step_ends: index of the sample at which each action is complete. Shape (H,).
    """

    times_s: Vector
    position: Vector
    rotation: Vector
    q: Vector | None
    step_ends: npt.NDArray[np.intp]

    @abstractmethod
    def state_at(self, time_s: float) -> State:
        """Return the model's state at a time of the path, for a chunk that takes over there."""


class ResponseModel(Protocol):
    """Responds to commanded deltas as the policy's own environment does."""

    def at_rest(self, q: Vector, pose: pin.SE3, before: State | None) -> State:
        """Return the state of an arm that stands still.

        Args:
            q: joint positions. Shape (n,), [rad].
            pose: of the TCP, base frame.
            before: the state in which the previous chunk of the episode ended; None: none did.

        Raises:
            MotionRefusedError: the modelled arm cannot take the pose.
        """
        ...

    def respond(self, state: State, deltas: Vector, control_dt_s: float) -> Response:
        """Play `deltas` (Shape (H, 6), [m, rad], base frame) from `state` until the TCP rests.

        Raises:
            MotionRefusedError: the modelled arm cannot follow the deltas.
        """
        ...
