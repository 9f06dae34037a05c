# SPDX-License-Identifier: Apache-2.0
"""Whether the efforts of a resting arm contain gravity, as effort_model says."""

from collections.abc import Sequence

import numpy as np

from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector

_LEAST_NM = 5.0  # a posture in which gravity is less tells nothing
_CONTAINED = (0.5, 2.0)  # measured efforts as a share of gravity, with a tool of unknown mass
_ABSENT = 0.25
_REST_S = 1.0


class EffortFit:
    """Compares the efforts of a resting arm with gravity, and names the effort_model that fits.

    Args:
        dynamics: the arm with its inertias; None: they are not known.
        joint_names: the arm's joints, n of them.
        limits: see ContactWatch. Shape (n,), [Nm].
        rigid_body: whether effort_model is rigid_body, else none.
        rest_speed: a joint slower than this is at rest [rad/s].

    Attributes:
        mismatch: what does not fit, and which effort_model does; empty: the present one fits; None:
            not known yet.
    """

    def __init__(
        self,
        dynamics: ArmModel | None,
        joint_names: Sequence[str],
        limits: Vector,
        *,
        rigid_body: bool,
        rest_speed: float,
    ) -> None:
        self._dynamics = dynamics
        self._joint_names = tuple(joint_names)
        self._limits = limits
        self._rigid_body = rigid_body
        self._rest_speed = rest_speed
        self._content = ""
        self._candidate: str | None = None  # what a rest has shown since `_since_s`; None: it moves
        self._since_s = 0.0
        self.mismatch: str | None = None

    def update(self, effort: Vector | None, q: Vector, dq: Vector, now_s: float) -> str | None:
        """Return `mismatch` after a measurement.

        Args:
            effort: measured; None: it is not measured. Shape (n,), [Nm].
            q: measured positions. Shape (n,), [rad].
            dq: measured velocities. Shape (n,), [rad/s].
            now_s: when this was measured.
        """
        if effort is None or not effort.any() or np.abs(dq).max() >= self._rest_speed:
            self._candidate = None
            return self.mismatch
        content = self.content(effort, q)
        if content != self._candidate or now_s < self._since_s:
            self._candidate, self._since_s = content, now_s
        lasts = now_s - self._since_s >= _REST_S
        # Only without inertias does nothing to be told mean that nothing is wrong.
        tells = bool(content) or self._dynamics is None
        if lasts and tells and content != self._content:  # so the words stay the same meanwhile
            self._content, self.mismatch = content, "; ".join(self.judge(effort, q) or ())
        return self.mismatch

    def content(self, effort: Vector, q: Vector) -> str:
        """Return what a resting arm's efforts contain: "gravity", "none" of it, or "other".

        An empty string: it cannot be told, in this posture or without inertias.
        """
        if self._dynamics is None:
            return "gravity" if (np.abs(effort) > self._limits).any() else ""
        gravity = self._dynamics.efforts(q, np.zeros(len(q)))
        if np.abs(gravity).max() < _LEAST_NM:
            return ""
        share = float(effort @ gravity / (gravity @ gravity))
        if _CONTAINED[0] < share < _CONTAINED[1]:
            return "gravity"
        return "none" if abs(share) < _ABSENT else "other"

    def judge(self, effort: Vector, q: Vector) -> tuple[str, str] | tuple[()] | None:
        """Return what does not fit of a resting arm's efforts, and what to do.

        Empty: effort_model fits; None: that cannot be told.
        """
        content = self.content(effort, q)
        if not content:
            return None
        if content == ("gravity" if self._rigid_body else "none"):
            return ()
        if self._dynamics is None:
            j = int(np.argmax(np.abs(effort) / self._limits))
            return (
                f"at rest, '{self._joint_names[j]}' has an effort of {effort[j]:.1f} Nm, and "
                f"effort_limits allow {self._limits[j]:g}: the efforts seem to contain gravity, "
                "which effort_model none takes for contact",
                "set effort_model: rigid_body, with inertias in the URDF or by "
                "collision_description (of a Panda: panda.urdf)",
            )
        gravity = self._dynamics.efforts(q, np.zeros(len(q)))
        j = int(np.argmax(np.abs(gravity)))
        found = (
            f"at rest, '{self._joint_names[j]}' has an effort of {effort[j]:.1f} Nm, and gravity "
            f"is {gravity[j]:.1f} Nm by the URDF"
        )
        if content == "other":
            return (
                f"the efforts fit no effort_model, so contact is not told reliably: {found}",
                "correct the driver's efforts (Nm, and their sign), or the URDF's inertias",
            )
        model, has = ("rigid_body", "contain") if content == "gravity" else ("none", "lack")
        present = "rigid_body" if self._rigid_body else "none"
        return (
            f"the efforts {has} gravity, and effort_model is {present}: {found}",
            f"set effort_model: {model}",
        )
