# SPDX-License-Identifier: Apache-2.0
"""Contact detection: an arm that pushes harder than its motion explains touches something."""

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.safety.effort_fit import EffortFit


class ContactWatch:
    """Detects contact by the efforts of the joints."""

    def __init__(
        self,
        arm: ArmModel,
        limits: Vector,
        least_s: float,
        *,
        rigid_body: bool = False,
        fit: EffortFit | None = None,
    ) -> None:
        """Set up for one arm.

        Args:
            arm: model of the arm.
            limits: largest unexplained effort of each joint. Shape (n,), [Nm].
            least_s: how long an effort must be above its limit.
            rigid_body: the measured efforts include gravity and Coriolis forces, which are computed
                from the URDF's inertias and subtracted.
            fit: knows whether that is so; a contact is reported with what it says.

        Raises:
            ConfigurationError: the limits do not fit the arm, or its URDF has no inertias.
        """
        if limits.shape != (arm.n,) or not (limits > 0).all():
            raise ConfigurationError(
                f"effort limits are {limits.tolist()}; valid are {arm.n} numbers above zero, one "
                "per joint [Nm]"
            )
        if rigid_body:
            arm.require_inertias()
        self._arm = arm
        self._limits = limits
        self._least_s = least_s
        self._rigid_body = rigid_body
        self._fit = fit
        self._since_s: float | None = None

    def update(self, effort: Vector | None, q: Vector, dq: Vector, now_s: float) -> str:
        """Describe the joint whose effort shows contact; empty: none, or efforts are not measured.

        Args:
            effort: measured; None: it is not measured. Shape (n,), [Nm].
            q: measured positions. Shape (n,), [rad].
            dq: measured velocities. Shape (n,), [rad/s].
            now_s: when this was measured.
        """
        if effort is None:
            return ""
        explained = self._arm.efforts(q, dq) if self._rigid_body else np.zeros(self._arm.n)
        share = np.abs(effort - explained) / self._limits
        joint = int(np.argmax(share))
        if share[joint] <= 1.0:
            self._since_s = None
            return ""
        if self._since_s is None or now_s < self._since_s:
            self._since_s = now_s
        if now_s - self._since_s < self._least_s:
            return ""
        expected = f"{explained[joint]:.1f} Nm" if self._rigid_body else "none (effort_model: none)"
        return (
            f"'{self._arm.joint_names[joint]}' has touched something, or its effort is wrong: "
            f"measured {effort[joint]:.1f} Nm, expected {expected}; valid is up to "
            f"{self._limits[joint]:g} Nm apart"
            + (f"; {self._fit.mismatch}" if self._fit is not None and self._fit.mismatch else "")
        )
