# SPDX-License-Identifier: Apache-2.0
"""What a response model gives: the TCP path that a chunk of commanded deltas leads to."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ResponseState:
    """What a response model carries from one chunk to the next.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        dq: joint velocities. Shape (n,), [rad/s].
        rotation_goal: the controller's rotation goal, base frame. Shape (3, 3); None: the
            rotation achieved.
    """

    q: Vector
    dq: Vector
    rotation_goal: Vector | None = None


@dataclass(frozen=True)
class Response:
    """A TCP path in time, from the state that it starts in to (nearly) rest.

    Attributes:
        times_s: from 0, evenly spaced. Shape (N,), [s].
        tcp_position: base frame. Shape (N, 3), [m].
        tcp_rotation: base frame. Shape (N, 3, 3).
        q: joint motion of the modelled arm: warm start for the real one. Shape (N, n), [rad].
        step_ends: index of the sample at which each action is complete. Shape (H,).
        end: the state after the last sample.
    """

    times_s: Vector
    tcp_position: Vector
    tcp_rotation: Vector
    q: Vector
    step_ends: npt.NDArray[np.intp]
    end: ResponseState


class ResponseModel(Protocol):
    """Answers commanded deltas as the policy's own environment does."""

    def respond(self, state: ResponseState, deltas: Vector, control_dt_s: float) -> Response:
        """Play `deltas` (Shape (H, 6), [m, rad], base frame) from `state` until it rests."""
        ...
