# SPDX-License-Identifier: Apache-2.0
"""A tip of an arm or hand: the TCP of one serial chain of its joints."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vera_ros.motion.kinematics.chain import Chain, tcp_motion, tcp_poses
from vera_ros.motion.kinematics.vec3 import Vector


@dataclass(frozen=True)
class Tip:
    """The end of a serial chain of k of the n joints.

    Attributes:
        frame: its name.
        chain: the chain's kinematics.
        columns: indices of the chain's joints among the n, base to tip. Shape (k,).
    """

    frame: str
    chain: Chain
    columns: npt.NDArray[np.intp]

    def poses(self, q: Vector) -> tuple[Vector, Vector]:
        """Return its positions and rotations, base frame: Shapes (N, 3), [m], and (N, 3, 3).

        `q`: joint positions. Shape (N, n), [rad or m].
        """
        positions, rotations = np.empty((len(q), 3)), np.empty((len(q), 3, 3))
        tcp_poses(self.chain, self._own(q), positions, rotations)
        return positions, rotations

    def motion(self, motion: Vector) -> tuple[Vector, Vector, Vector]:
        """Return its positions, rotations and rates for samples of a joint motion.

        Shapes (N, 3), (N, 3, 3) and (3, N, 6): see `chain.tcp_motion`. `motion`: positions,
        velocities, accelerations and jerks of the joints. Shape (4, N, n).
        """
        count = motion.shape[1]
        positions, rotations = np.empty((count, 3)), np.empty((count, 3, 3))
        rates = np.empty((3, count, 6))
        tcp_motion(self.chain, self._own(motion), positions, rotations, rates)
        return positions, rotations, rates

    def _own(self, values: Vector) -> Vector:
        """Return the chain's columns of values, whose last axis is that of the joints."""
        own = values if len(self.columns) == values.shape[-1] else values[..., self.columns]
        return np.ascontiguousarray(own)
