# SPDX-License-Identifier: Apache-2.0
"""Identity of the arm that limits are for, and the check that a description is of that arm."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.yaml_values import numbers, reading, section
from vera_ros.resources import share_path

_EXAMPLE = "panda_limits.yaml"
_OF_RATES = ("position", "joints", "tcp")  # sections of a limits file that RateLimits reads
_WIDER_RAD = 0.1  # descriptions may state mechanical ranges instead of the controller's
_FASTER = 1.15  # some descriptions state a tenth more velocity
_REACH_M = (0.1, 5.0)
_WIDEST_RAD = 4.0 * np.pi
_FASTEST_RAD_S = 20.0


@dataclass(frozen=True)
class ArmIdentity:
    """An arm as its manufacturer specifies it.

    Attributes:
        name: the manufacturer's.
        joint_words: words in joint names that identify this arm.
        lower: lowest joint positions. Shape (n,), [rad or m].
        upper: highest joint positions. Shape (n,), [rad or m].
        velocity: largest joint velocities. Shape (n,), [rad/s or m/s].
        file: the limits file that this was read from.
    """

    name: str
    joint_words: tuple[str, ...]
    lower: Vector
    upper: Vector
    velocity: Vector
    file: Path

    @classmethod
    def load(cls, path: Path) -> "ArmIdentity":
        """Read the section `arm` of a limits file.

        Raises:
            ConfigurationError: the section is missing or invalid; the message says why.
        """
        with reading(path, "limits", f"config/{_EXAMPLE}", _OF_RATES) as content:
            arm = section(content, "arm")
            if not isinstance(arm["velocity"], list):
                raise ValueError(f"velocity must have one number per joint, not {arm['velocity']}")
            joints = len(arm["velocity"])
            lower, upper, velocity = (
                numbers(arm, of, joints) for of in ("lower", "upper", "velocity")
            )
            for of, values, most in (
                ("lower", lower, _WIDEST_RAD),
                ("upper", upper, _WIDEST_RAD),
                ("velocity", velocity, _FASTEST_RAD_S),
            ):
                farthest = float(np.abs(values).max())
                if farthest > most:
                    raise ValueError(
                        f"{of} has {farthest:g}; valid is up to {most:.4g}, in rad and rad/s; in "
                        f"degrees, it is {np.radians(farthest):.4g}: write that"
                    )
            if not ((lower < upper) & (velocity > 0)).all():
                raise ValueError("arm must have lower below upper, and velocity above zero")
            words = tuple(str(word).lower() for word in arm["joint_words"])
            return cls(str(arm["name"]), words, lower, upper, velocity, path)

    def check(self, arm: ArmModel) -> None:
        """Check that a description can be of this arm.

        Narrower ranges and lower velocities are precautions; wider ones belong to another arm.

        Raises:
            ConfigurationError: it is not; the message has both values, and which limits would fit.
        """
        mismatch = self._mismatch(arm)
        if not mismatch:
            return
        packaged = _packaged()
        fitting = next((other for other in packaged if not other._mismatch(arm)), None)
        namesake = next((other for other in packaged if other.is_called(arm.joint_names)), None)
        remedy = f"set 'limits' to a file for your arm, like config/{_EXAMPLE}"
        if fitting is not None:
            remedy = f"for a {fitting.name} set 'limits' to {fitting.file.name}"
        elif namesake is not None and namesake.name != self.name:
            remedy = (
                f"if it is a {namesake.name}, set 'limits' to {namesake.file.name}, and correct "
                "ranges and velocities of the description"
            )
        raise ConfigurationError(
            f"the 'limits' {self.file.name} are for a {self.name}, and robot_description is of "
            f"another arm: {mismatch}; {remedy}"
        )

    def is_called(self, joint_names: Sequence[str]) -> bool:
        """Return whether the joints' names have a word that identifies this arm."""
        return not set(self.joint_words).isdisjoint(
            word for name in joint_names for word in _words(name)
        )

    def _mismatch(self, arm: ArmModel) -> str:
        """Describe how a description differs from this arm; empty: it does not."""
        n = len(self.velocity)
        if arm.n != n:
            return f"joint_names has {arm.n} joints, and that arm has {n}"
        excess = np.maximum(self.lower - arm.lower, arm.upper - self.upper)
        j = int(np.argmax(excess))
        if excess[j] > _WIDER_RAD:
            return (
                f"joint '{arm.joint_names[j]}' has the range {arm.lower[j]:g} to "
                f"{arm.upper[j]:g} {arm.unit(j)} there, and {self.lower[j]:g} to "
                f"{self.upper[j]:g} {arm.unit(j)} in the file"
            )
        j = int(np.argmax(arm.velocity_limit / self.velocity))
        if arm.velocity_limit[j] > _FASTER * self.velocity[j]:
            return (
                f"joint '{arm.joint_names[j]}' may move at {arm.velocity_limit[j]:g} "
                f"{arm.unit(j)}/s there, and at {self.velocity[j]:g} {arm.unit(j)}/s by the file"
            )
        if not self.is_called(arm.joint_names):
            for other in _packaged():
                if other.name != self.name and other.is_called(arm.joint_names):
                    return (
                        f"the joints are called {list(arm.joint_names)}, as those of a {other.name}"
                    )
        return ""


def check_units(arm: ArmModel) -> None:
    """Check that a description is in metres and radians.

    Raises:
        ConfigurationError: the reach or a joint range is implausible.
    """
    travel_m = np.where(arm.turns, 0.0, arm.upper - arm.lower)
    reach_m = max(
        float(np.linalg.norm(tip.chain.offsets[1:], axis=1).sum() + travel_m[tip.columns].sum())
        for tip in arm.tips
    )
    if not _REACH_M[0] <= reach_m <= _REACH_M[1]:
        raise ConfigurationError(
            f"the links of robot_description reach {reach_m:.4g} m from joint "
            f"'{arm.joint_names[0]}' to '{arm.tcp_frame}'; valid is {_REACH_M[0]} to {_REACH_M[1]} "
            "m; a URDF is in metres"
        )
    farthest = np.where(arm.turns, np.maximum(np.abs(arm.lower), np.abs(arm.upper)), 0.0)
    j = int(np.argmax(farthest))
    if farthest[j] > _WIDEST_RAD:
        raise ConfigurationError(
            f"joint '{arm.joint_names[j]}' of robot_description has the range {arm.lower[j]:g} to "
            f"{arm.upper[j]:g} rad; valid is within +-{_WIDEST_RAD:.2f} rad; a URDF is in radians"
        )


def packaged_arm(joint_names: Sequence[str]) -> ArmIdentity | None:
    """Return the arm of this package's limits that has these joints, by their names and number."""
    return next(
        (
            arm
            for arm in _packaged()
            if len(arm.velocity) == len(joint_names) and arm.is_called(joint_names)
        ),
        None,
    )


def _packaged() -> list[ArmIdentity]:
    """Return the arms whose limits this package has."""
    files = sorted(share_path("config", _EXAMPLE).parent.glob("*_limits.yaml"))
    return [ArmIdentity.load(file) for file in files]


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())
