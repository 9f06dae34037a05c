# SPDX-License-Identifier: Apache-2.0
"""Kinematics of the index finger: where a point beyond its tip is, and how to bring it somewhere.

The point lies in the direction of the last link, so that a finger that brings it to a ball's centre
touches the ball with its tip.
"""

import numpy as np
import numpy.typing as npt
import pinocchio as pin

from vera_ros.resources import share_path
from vera_ros.robots.allegro.hand import FINGER, JOINTS, TIP, URDF

Array = npt.NDArray[np.float64]

_NOMINAL_RAD = np.array([0.6, 0.6, 0.5])  # bends that the finger is kept near
_MARGIN_RAD = 0.03  # to the joints' ranges
_DAMPING = 1e-4
_ITERATIONS = 60
_TOLERANCE_M = 2e-4
_PULL = 0.1  # towards the posture to stay near, in the null space, per iteration


class Finger:
    """The index finger, by the hand's URDF."""

    def __init__(self) -> None:
        self._model = pin.buildModelFromXML(share_path("description", "urdf", URDF).read_text())
        self._data = self._model.createData()
        self._columns = [self._model.joints[self._model.getJointId(n)].idx_v for n in JOINTS]
        self._columns = self._columns[FINGER]
        self._tip = self._model.getFrameId(TIP)
        self.lower = self._model.lowerPositionLimit[self._columns] + _MARGIN_RAD
        self.upper = self._model.upperPositionLimit[self._columns] - _MARGIN_RAD

    def point(self, q: Array, beyond_m: float = 0.0) -> Array:
        """Return the point so far beyond the tip's centre. Shapes (4,) [rad] and (3,) [m]."""
        return self._point_and_jacobian(q, beyond_m)[0]

    def reach(self, target: Array, beyond_m: float, near: Array | None = None) -> Array | None:
        """Return joint angles that bring the point to a target; None: it is out of reach.

        Damped least squares with a posture in the null space (Nakamura and Hanafusa 1986).

        Args:
            target: Shape (3,), [m].
            beyond_m: the point's distance from the tip's centre.
            near: the posture to start from and to stay near; None: a bent finger. Shape (4,).
        """
        if near is None:
            sideways_rad = np.arctan2(target[1] - self.point(np.zeros(4))[1], target[0])
            near = np.append(sideways_rad, _NOMINAL_RAD)
        q = near
        for _ in range(_ITERATIONS):
            point, jacobian = self._point_and_jacobian(q, beyond_m)
            inverse = jacobian.T @ np.linalg.inv(jacobian @ jacobian.T + _DAMPING**2 * np.eye(3))
            null = np.eye(4) - inverse @ jacobian
            step = inverse @ (target - point) + null @ (near - q) * _PULL
            q = np.clip(q + np.clip(step, -0.3, 0.3), self.lower, self.upper)
        away_m = float(np.linalg.norm(target - self.point(q, beyond_m)))
        return q if away_m < _TOLERANCE_M else None

    def _point_and_jacobian(self, q: Array, beyond_m: float) -> tuple[Array, Array]:
        """Return the point, Shape (3,), and its derivatives by the joints, Shape (3, 4)."""
        whole = np.zeros(self._model.nq)
        whole[self._columns] = q
        jacobians = pin.computeFrameJacobian(
            self._model, self._data, whole, self._tip, pin.LOCAL_WORLD_ALIGNED
        )[:, self._columns]
        tip = pin.updateFramePlacement(self._model, self._data, self._tip)
        offset = tip.rotation[:, 2] * beyond_m
        return tip.translation + offset, jacobians[:3] + np.cross(jacobians[3:].T, offset).T
