# SPDX-License-Identifier: Apache-2.0
"""Limits that every motion keeps: joint ranges and rates, TCP rates, workspace, fingers."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.yaml_values import Values, number, numbers, reading, section

RATES = ("velocity", "acceleration", "jerk")

# Unit of each kind of rates, and the largest that arms have: a few times those of fast ones.
_PLAUSIBLE = {
    "joints": ("rad", (20.0, 100.0, 50_000.0)),
    "linear": ("m", (10.0, 100.0, 50_000.0)),
    "angular": ("rad", (40.0, 400.0, 200_000.0)),  # of a finger, whose joints add up
}
_OTHER_UNITS = {"rad": ("deg", np.pi / 180.0), "m": ("mm", 1e-3)}


@dataclass(frozen=True)
class RateLimits:
    """Velocity, acceleration and jerk limits of the joints and the TCP, in the order of RATES.

    Attributes:
        joints: joint rates; of a joint that slides, in m. Shape (3, n), [rad/s, rad/s^2, rad/s^3].
        linear: rates of the translation of each tip. Shape (3,), [m/s, m/s^2, m/s^3].
        angular: rates of the rotation of each tip. Shape (3,), [rad/s, rad/s^2, rad/s^3].
        position: joint ranges narrower than the URDF's, lower row first; None: the URDF's.
            Shape (2, n), [rad or m].
    """

    joints: Vector
    linear: Vector
    angular: Vector
    position: Vector | None = None

    def __post_init__(self) -> None:
        n = self.joints.shape[-1]
        shapes = (("joints", (3, n)), ("linear", (3,)), ("angular", (3,)))
        for name, shape in shapes:
            values = getattr(self, name)
            if values.shape != shape:
                raise ConfigurationError(
                    f"rate limits '{name}' have the shape {values.shape}; valid are finite numbers "
                    f"above zero of shape {shape}"
                )
            for rate, row in zip(RATES, values, strict=True):
                wrong = [float(one) for one in np.atleast_1d(row) if not 0.0 < one < np.inf]
                if wrong:
                    raise ConfigurationError(
                        f"'{rate}' of '{name}' is {wrong[0]:g}; valid are finite numbers above zero"
                    )

    @classmethod
    def load(cls, path: Path, joints: int) -> "RateLimits":
        """Read the rate limits of `joints` joints from a YAML file.

        Raises:
            ConfigurationError: the limits are missing or invalid; the message says why.
        """
        with reading(path, "limits", "config/panda_limits.yaml", ("arm",)) as content:
            position = None
            if "position" in content:
                ranges = section(content, "position")
                position = np.array([numbers(ranges, end, joints) for end in ("lower", "upper")])
            tcp = section(content, "tcp")
            limits = cls(
                joints=np.array([numbers(section(content, "joints"), of, joints) for of in RATES]),
                linear=_of_tcp(tcp, "linear"),
                angular=_of_tcp(tcp, "angular"),
                position=position,
            )
            for name, (unit, most) in _PLAUSIBLE.items():
                _refuse_implausible(name, getattr(limits, name), unit, most)
            return limits

    def slower(self, joints: Vector, speed_m_s: float, turn_rad_s: float) -> "RateLimits":
        """Return a copy with lower velocity limits; `joints`: Shape (n,), [rad/s or m/s]."""
        all_joints, linear, angular = self.joints.copy(), self.linear.copy(), self.angular.copy()
        all_joints[0] = np.minimum(all_joints[0], joints)
        linear[0], angular[0] = min(linear[0], speed_m_s), min(angular[0], turn_rad_s)
        return replace(self, joints=all_joints, linear=linear, angular=angular)

    def shares(self, joints: Vector, tcp: Vector) -> Vector:
        """Return the largest share of each rate's limits used at each sample. Shape (3, N).

        Args:
            joints: rates of the joints. Shape (3, N, n), [rad/s^k].
            tcp: rates of T tips, of each the linear part first. Shape (3, N, 6 T),
                [m/s^k, rad/s^k].
        """
        shares = (np.abs(joints) / self.joints[:, None, :]).max(axis=2)
        for part in range(tcp.shape[2] // 3):  # linear and angular in turn
            limit = (self.linear, self.angular)[part % 2]
            rates = np.sqrt(np.square(tcp[:, :, 3 * part : 3 * part + 3]).sum(axis=2))
            np.maximum(shares, rates / limit[:, None], out=shares)
        return np.asarray(shares)


def _refuse_implausible(name: str, rates: Vector, unit: str, most: tuple[float, ...]) -> None:
    """Raise ValueError for rates that no arm has, which are most likely in another unit."""
    other, factor = _OTHER_UNITS[unit]
    for order, (rate, values, bound) in enumerate(zip(RATES, rates, most, strict=True), 1):
        value, per = float(np.max(values)), "s" if order == 1 else f"s^{order}"
        if value > bound:
            raise ValueError(
                f"'{rate}' of '{name}' is {value:g} {unit}/{per}; valid is up to {bound:g} "
                f"{unit}/{per}; if it is in {other}/{per}, write {value * factor:.4g}"
            )


def _of_tcp(tcp: Values, name: str) -> Vector:
    rates = section(tcp, name)
    return np.array([number(rates, of, 0.0, np.inf) for of in RATES])


@dataclass(frozen=True)
class GripperLimits:
    """Limits of the fingers' joint, which slides [m] or turns [rad].

    Attributes:
        lower_m: lower end of its travel.
        upper_m: upper end of its travel.
        speed_m_s: its largest speed.
        duration_s: longest trajectory [s].
        closes_up: whether the fingers are closed at the upper end, and open at the lower.
        unit: m or rad.
    """

    lower_m: float
    upper_m: float
    speed_m_s: float
    duration_s: float
    closes_up: bool = False
    unit: str = "m"

    def __post_init__(self) -> None:
        if not -np.inf < self.lower_m < self.upper_m < np.inf:
            raise ConfigurationError(
                f"the fingers' travel is {self.lower_m} to {self.upper_m} {self.unit}; valid are "
                "finite numbers, the lower one first"
            )
        if not (0 < self.speed_m_s < np.inf and 0 < self.duration_s < np.inf):
            raise ConfigurationError(
                f"the fingers' speed is {self.speed_m_s} {self.unit}/s for up to "
                f"{self.duration_s} s; valid are finite numbers above zero"
            )

    def end_m(self, *, close: bool) -> float:
        """Return the joint's position when closed, or when open."""
        return self.upper_m if close == self.closes_up else self.lower_m


@dataclass(frozen=True)
class Limits:
    """Limits of the arm's motion.

    Attributes:
        lower: lowest joint positions. Shape (n,), [rad or m].
        upper: highest joint positions. Shape (n,), [rad or m].
        rates: rate limits of joints and TCP.
        workspace_lower: corner of the box that `hand` stays in, base frame. Shape (3,), [m].
        workspace_upper: the opposite corner. Shape (3,), [m].
        duration_s: longest duration of a trajectory.
        start_rad: largest distance of a trajectory's start from the measured position, per joint
            [rad or m].
        hand: the TCP itself and points around the fingers (see `fingers.finger_points`), in the
            TCP's frame. Shape (P, 3), [m].
    """

    lower: Vector
    upper: Vector
    rates: RateLimits
    workspace_lower: Vector
    workspace_upper: Vector
    duration_s: float
    start_rad: float
    hand: Vector = field(default_factory=lambda: np.zeros((1, 3)))

    def __post_init__(self) -> None:
        n = self.rates.joints.shape[1]
        for name, count in (
            ("lower", n),
            ("upper", n),
            ("workspace_lower", 3),
            ("workspace_upper", 3),
        ):
            values = getattr(self, name)
            if values.shape != (count,) or not np.isfinite(values).all():
                raise ConfigurationError(
                    f"limit '{name}' is {values}; valid are {count} finite numbers"
                )
        if self.hand.ndim != 2 or self.hand.shape[1] != 3 or not np.isfinite(self.hand).all():
            raise ConfigurationError(
                f"limit 'hand' has shape {self.hand.shape}; valid are finite points (P, 3)"
            )
        for name in ("duration_s", "start_rad"):
            if not 0 < getattr(self, name) < np.inf:
                raise ConfigurationError(
                    f"limit '{name}' is {getattr(self, name)}; valid is a finite number above zero"
                )
        for low, high in (("lower", "upper"), ("workspace_lower", "workspace_upper")):
            if not (getattr(self, low) < getattr(self, high)).all():
                raise ConfigurationError(
                    f"'{low}' {getattr(self, low)} must be below '{high}' {getattr(self, high)}"
                )

    def depth_outside(self, positions: Vector, rotations: Vector, inset_m: float = 0.0) -> Vector:
        """Return how far the hand is outside the workspace at poses of the TCP; 0: inside.

        Args:
            positions: of the TCP, base frame. Shape (N, 3), [m].
            rotations: of the TCP, base frame. Shape (N, 3, 3).
            inset_m: margin by which the workspace is shrunk on every side.

        Returns:
            The depth of the point that is farthest out. Shape (N,), [m].
        """
        depths = np.empty(len(positions))
        lower, upper = self.workspace_lower + inset_m, self.workspace_upper - inset_m
        _depths(positions, rotations, self.hand, lower, upper, depths)
        return depths

    def leaves(self, position: Vector, rotation: Vector, tip: str = "the TCP") -> str:
        """Describe the hand's worst point outside at a TCP pose (Shapes (3,), [m], and (3, 3)).

        `tip`: what to call the TCP.
        """
        points = position + self.hand @ rotation.T
        outside = np.maximum(self.workspace_lower - points, points - self.workspace_upper)
        worst = int(np.argmax(outside.max(axis=1)))
        what = "a finger" if self.hand[worst].any() else tip
        return (
            f"{what} would go to {np.round(points[worst], 3).tolist()} m; the workspace is "
            f"{self.workspace_lower.tolist()} to {self.workspace_upper.tolist()} m"
        )


@compiled
def _depths(
    positions: Vector,
    rotations: Vector,
    points: Vector,
    lower: Vector,
    upper: Vector,
    depths: Vector,
) -> None:
    for sample in range(len(positions)):
        deepest = 0.0
        for k in range(3):
            low = high = 0.0  # extent of the points relative to the TCP, along this axis
            for i in range(len(points)):
                along = 0.0
                for c in range(3):
                    along += rotations[sample, k, c] * points[i, c]
                if i == 0 or along < low:
                    low = along
                if i == 0 or along > high:
                    high = along
            at = positions[sample, k]
            deepest = max(deepest, lower[k] - at - low, at + high - upper[k])
            if np.isnan(at + low + high):
                deepest = np.inf
        depths[sample] = deepest
