# SPDX-License-Identifier: Apache-2.0
"""Collision model: distances within the arm, and from the arm to the table."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.collision.geometry import TABLE, CollisionGeometry, read_model
from vera_ros.motion.kinematics.vec3 import Vector

_SAMPLES = 200  # random postures, to find links that are always too close
_SEED = 0
_ESCAPE_M = 1e-3  # by which a pair that starts too close may come closer on its way out
_SAME_CHAIN = 1e-3  # largest difference between two descriptions of one arm [m and rad]


@dataclass(frozen=True)
class Clearance:
    """The pair that is nearest to its minimum distance.

    Attributes:
        margin_m: distance minus the minimum of that pair; below zero is too close.
        distance_m: of the two; below zero they overlap by that much.
        links: their names; the second is "table" where it is the table.
    """

    margin_m: float
    distance_m: float
    links: tuple[str, str]

    def __str__(self) -> str:
        least_mm = (self.distance_m - self.margin_m) * 1e3
        return (
            f"{self.links[0]} and {self.links[1]} at {self.distance_m * 1e3:.1f} mm; valid is "
            f"{least_mm:.1f} mm or more"
        )


class _Scratch(threading.local):
    """Pinocchio's work data, one set per thread."""

    def __init__(self, geometry: CollisionGeometry) -> None:
        self.data = geometry.model.createData()
        self.shapes_data = pin.GeometryData(geometry.shapes)
        self.results = list(self.shapes_data.distanceResults)


class CollisionModel:
    """Distances within the arm, and from what moves to a table; what the hand holds is ignored.

    Several threads may use it at the same time.

    Attributes:
        left_out: pairs of links that are too close in every posture, by construction: they are not
            checked, so report them to the user. Adjacent links are not even listed.
    """

    def __init__(
        self,
        urdf: str,
        joint_names: Sequence[str],
        *,
        collision_urdf: str = "",
        self_distance_m: float,
        table_z_m: float | None,
        table_distance_m: float,
    ) -> None:
        """Read the shapes.

        Args:
            urdf: the arm's description.
            joint_names: the arm's joints, base to tip, n of them.
            collision_urdf: another description of the same arm, whose collision geometry is used;
                empty: that of `urdf`.
            self_distance_m: minimum distance between links.
            table_z_m: height of the table in the base frame; None: there is none.
            table_distance_m: minimum distance of what moves from the table.

        Raises:
            ConfigurationError: no or unreadable geometry, another arm, nothing to check, or
                distances that are not valid.
        """
        _check_distances(self_distance_m, table_z_m, table_distance_m)
        source = "collision_description" if collision_urdf else "robot_description"
        self._geometry = CollisionGeometry(collision_urdf or urdf, joint_names, source, table_z_m)
        if collision_urdf:
            _check_same_chain(urdf, collision_urdf, joint_names)
        minimum = dict.fromkeys(self._geometry.self_pairs(), self_distance_m)
        minimum.update(dict.fromkeys(self._geometry.table_pairs(), table_distance_m))
        self._set_pairs(minimum)
        self.left_out = self._always_too_close()
        self._check_table_height(table_z_m)
        self._set_pairs(
            {pair: m for pair, m in minimum.items() if self._links(pair) not in self.left_out}
        )
        if not self._pairs:
            raise ConfigurationError(
                f"the URDF in {source} leaves no links that could collide (always closer than "
                f"{self_distance_m} m: {list(self.left_out)}); lower self_distance_m, give other "
                "shapes as collision_description, or turn the collision check off"
            )

    def clearance(self, q: Vector) -> Clearance:
        """Return the pair that is nearest to its minimum distance. `q`: Shape (n,), [rad]."""
        margins = self._margins(q)
        return self._describe(margins, int(np.argmin(margins)))

    def first_too_close(self, q: Vector) -> tuple[int, Clearance] | None:
        """Return the first sample of a motion that is too close, and how close; None: none is.

        Not every sample is checked: no pair closes faster than its shapes can move, so after one
        sample the next are safe until a pair may have used up its margin (conservative
        advancement). A pair that starts too close may move apart, but come no closer.

        Args:
            q: consecutive joint positions. Shape (M, n), [rad].
        """
        moved = np.cumsum(np.abs(np.diff(q, axis=0, prepend=q[:1])), axis=0)
        start = self._margins(q[0])
        least = np.where(start < 0, start - _ESCAPE_M, 0.0)
        index = 0
        while index < len(q):
            margins = self._margins(q[index])
            spare = margins - least
            worst = int(np.argmin(spare))
            if not spare[worst] >= 0:  # NaN is no clearance either
                return index, self._describe(margins, worst)
            index = self._next_doubtful(moved, index, spare)
        return None

    def _next_doubtful(self, moved: Vector, index: int, spare: Vector) -> int:
        """Return the first sample after `index` at which a pair may have used up its margin."""

        def doubtful(later: int) -> bool:
            closed = (moved[later] - moved[index]) @ self._closing_speed
            return not (closed < spare).all()

        return bisect_left(range(len(moved)), True, lo=index + 1, key=doubtful)

    def check_posture(self, q: Vector, name: str) -> None:
        """Raise ConfigurationError if the posture of a parameter called `name` is too close."""
        clearance = self.clearance(q)
        if clearance.margin_m < 0:
            one, other = clearance.links
            raise ConfigurationError(
                f"{name} {np.round(q, 4).tolist()} brings {one} {clearance.distance_m * 1e3:.1f} "
                f"mm from {other}; valid is at least "
                f"{(clearance.distance_m - clearance.margin_m) * 1e3:.1f} mm; choose another "
                "posture, or correct the distances and the table's height"
            )

    def _margins(self, q: Vector) -> Vector:
        """Distance of each pair minus its minimum. Shape (P,), [m]."""
        geometry = self._geometry
        data, shapes_data = self._scratch.data, self._scratch.shapes_data
        pin.computeDistances(geometry.model, data, geometry.shapes, shapes_data, q)
        results = self._scratch.results
        distances = np.array([result.min_distance for result in results], dtype=float)
        return np.asarray(distances - self._minimum)

    def _describe(self, margins: Vector, index: int) -> Clearance:
        margin = float(margins[index])
        distance = margin + float(self._minimum[index])
        return Clearance(margin, distance, self._links(self._pairs[index]))

    def _links(self, pair: tuple[int, int]) -> tuple[str, str]:
        return self._geometry.links[pair[0]], self._geometry.links[pair[1]]

    def _set_pairs(self, minimum: dict[tuple[int, int], float]) -> None:
        """Set the pairs that are checked, each with its minimum distance."""
        shapes = self._geometry.shapes
        shapes.removeAllCollisionPairs()
        for pair in minimum:
            shapes.addCollisionPair(pin.CollisionPair(*pair))
        self._pairs = list(minimum)
        self._minimum = np.array(list(minimum.values()))
        self._closing_speed = np.array([self._geometry.closing_speed(p) for p in minimum]).T
        self._scratch = _Scratch(self._geometry)

    def _always_too_close(self) -> tuple[tuple[str, str], ...]:
        """Return pairs of links with shapes that are too close in each of many random postures."""
        model = self._geometry.model
        lower, upper = model.lowerPositionLimit, model.upperPositionLimit
        postures = np.random.default_rng(_SEED).uniform(lower, upper, (_SAMPLES, len(lower)))
        too_close = np.array([self._margins(q) < 0 for q in postures])
        names = [self._links(pair) for pair in self._pairs]
        return tuple(
            links
            for links in dict.fromkeys(names)
            if too_close[:, [name == links for name in names]].any(axis=1).all()
        )

    def _check_table_height(self, table_z_m: float | None) -> None:
        """Refuse a table that is too close to links beyond the first joint in every posture."""
        model = self._geometry.model
        for link, other in self.left_out:
            if other == TABLE and model.frames[model.getFrameId(link)].parentJoint > 1:
                raise ConfigurationError(
                    f"table_z_m is {table_z_m}: {link} would be in the table in every posture; "
                    "valid is the height of the table's top in the base frame, in m"
                )


def _check_distances(self_m: float, table_z_m: float | None, table_m: float) -> None:
    for name, value in (("self_distance_m", self_m), ("table_distance_m", table_m)):
        if not 0 <= value < np.inf:
            raise ConfigurationError(f"{name} is {value}; valid is a finite number of 0 or more")
    if table_z_m is not None and not np.isfinite(table_z_m):
        raise ConfigurationError(f"table_z_m is {table_z_m}; valid is a finite height in m")


def _check_same_chain(urdf: str, collision_urdf: str, joint_names: Sequence[str]) -> None:
    """Raise ConfigurationError unless both descriptions place the joints alike."""
    models = (
        read_model(urdf, joint_names, "robot_description"),
        read_model(collision_urdf, joint_names, "collision_description"),
    )
    for angle in (0.0, 0.5):
        own, other = (_joint_frames(model, joint_names, angle) for model in models)
        for name, difference in zip(joint_names, np.abs(own - other), strict=True):
            if difference.max() > _SAME_CHAIN:
                raise ConfigurationError(
                    f"collision_description is of another arm: joint '{name}' is not where "
                    "robot_description has it; valid is a URDF with the same joints, relative to "
                    f"the link that carries '{joint_names[0]}'"
                )


def _joint_frames(model: pin.Model, joint_names: Sequence[str], angle: float) -> Vector:
    """Return the placements of the joints in the base frame. Shape (n, 4, 4)."""
    q, data = pin.neutral(model), model.createData()
    joints = [model.getJointId(name) for name in joint_names]
    q[[model.joints[joint].idx_q for joint in joints]] = angle
    pin.framesForwardKinematics(model, data, q)
    base = data.oMf[model.frames[model.getFrameId(joint_names[0])].parentFrame]
    return np.array([base.actInv(data.oMi[joint]).homogeneous for joint in joints])
