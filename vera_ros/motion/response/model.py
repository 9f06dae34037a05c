# SPDX-License-Identifier: Apache-2.0
"""Interface of response models: the motion that a chunk of actions leads to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pinocchio as pin

from vera_ros.motion.kinematics.vec3 import Vector

__all__ = ["Response", "ResponseModel", "State", "TcpResponse", "Vector"]

# Largest plausible delta of the pose in one action [m, rad].
LARGEST_POSE_DELTA = np.array([1.0, 1.0, 1.0, np.pi, np.pi, np.pi])

# State that a model carries from one chunk to the next; each model has its own type.
State = Any


@dataclass(frozen=True, kw_only=True)
class Response(ABC):
    """A motion that actions lead to, from the start state to near rest.

    Attributes:
        times_s: from 0, evenly spaced. Shape (N,), [s].
        q: joint motion of the modelled arm, N rows; None: no arm is modelled. [rad or m]
        step_ends: index of the sample at which each action is complete. Shape (H,).
        clipped: whether actions were clipped to the joints' ranges.
    """

    times_s: Vector
    q: Vector | None
    step_ends: npt.NDArray[np.intp]
    clipped: bool = False

    @abstractmethod
    def state_at(self, time_s: float) -> State:
        """Return the model's state at a time of the path, for a chunk that takes over there."""


@dataclass(frozen=True, kw_only=True)
class TcpResponse(Response):
    """A path of the TCP in time, which pose deltas lead to.

    Attributes:
        position: of the TCP, base frame. Shape (N, 3), [m].
        rotation: of the TCP, base frame. Shape (N, 3, 3).
    """

    position: Vector
    rotation: Vector


class ResponseModel(Protocol):
    """Responds to actions, of C columns, as the policy's own environment does."""

    @property
    def largest(self) -> Vector:
        """Largest plausible value of each column. Shape (C,), [m, rad]."""
        ...

    def at_rest(self, q: Vector, pose: pin.SE3 | None, before: State | None) -> State:
        """Return the state of an arm that stands still.

        Args:
            q: joint positions. Shape (n,), [rad or m].
            pose: of the TCP, base frame; None: there is not one, but several tips.
            before: the state in which the previous chunk of the episode ended; None: none did.

        Raises:
            MotionRefusedError: the modelled arm cannot take the pose.
        """
        ...

    def respond(self, state: State, actions: Vector, control_dt_s: float) -> Response:
        """Play `actions` (Shape (H, C)) from `state` until the arm rests.

        They are pose deltas (C = 6, [m, rad], base frame), or displacements or targets of the
        joints (C = n, [rad or m]).

        Raises:
            MotionRefusedError: the modelled arm cannot follow them.
        """
        ...
