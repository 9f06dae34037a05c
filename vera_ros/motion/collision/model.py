# SPDX-License-Identifier: Apache-2.0
"""Collision model: distances within the arm, and from the arm to the table."""

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.collision.finger_posture import UNKNOWN, FingerPosture
from vera_ros.motion.collision.geometry import TABLE, CollisionGeometry, read_model
from vera_ros.motion.kinematics.vec3 import Vector

# Random postures, anywhere and near the start posture, that tell which links are too close by
# construction: nearly always, or, for shapes of neighbouring bodies, so often that these must be
# coarser than the arm. Of exact shapes, no pair of a Panda is nearer than 10 mm in 10 % of them.
_SAMPLES, _NEAR_SAMPLES, _SEED = 200, 60, 0
_NEAR_RAD = 0.3
_NEARLY_ALL, _OFTEN, _OFTEN_M = 0.95, 0.2, 0.01
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
            f"{least_mm:.1f} mm or more, by the shapes in the URDF (see collision_description)"
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
        left_out: pairs of links that are too close by construction, or by coarse shapes: they are
            not checked, so report them to the user. Adjacent links are not even listed.
        other_joints: joints of the description that are not the arm's and move shapes that it can
            touch, such as those of a second arm; see `place_others`.
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
        start_q: Vector | None = None,
        fingers: FingerPosture = UNKNOWN,
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
            start_q: a posture that the arm works in; None: the middle of the joints' ranges.
                Shape (n,), [rad].
            fingers: of the gripper, which is taken as open.

        Raises:
            ConfigurationError: no or unreadable geometry, another arm, nothing to check, or
                distances that are not valid.
        """
        _check_distances(self_distance_m, table_z_m, table_distance_m)
        source = "collision_description" if collision_urdf else "robot_description"
        self._geometry = CollisionGeometry(
            collision_urdf or urdf, joint_names, source, table_z_m, fingers
        )
        if collision_urdf:
            check_same_chain(urdf, collision_urdf, joint_names)
        self.other_joints = self._geometry.others.names
        self._lock = threading.RLock()  # shapes of other joints stay while a motion is checked
        minimum = dict.fromkeys(self._geometry.self_pairs(), self_distance_m)
        minimum.update(dict.fromkeys(self._geometry.table_pairs(), table_distance_m))
        self._set_pairs(minimum)
        too_close = self._too_close_by_construction(start_q)
        self.left_out = tuple(links for links, joined in too_close.items() if not joined)
        self._check_table_height(table_z_m)
        self._set_pairs(
            {pair: m for pair, m in minimum.items() if self._links(pair) not in too_close}
        )
        if not self._pairs:
            raise ConfigurationError(
                f"the URDF in {source} leaves no links that could collide (always closer than "
                f"{self_distance_m} m: {list(too_close)}); lower self_distance_m, give other "
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
        with self._lock:
            return self._first_too_close(q)

    def _first_too_close(self, q: Vector) -> tuple[int, Clearance] | None:
        moved = np.abs(np.diff(q, axis=0, prepend=q[:1])).cumsum(axis=0)[:, self._geometry.order]
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

    def place_others(self, positions: Mapping[str, float]) -> None:
        """Place what `other_joints` carry for these positions [m or rad]; others are at zero."""
        with self._lock:
            self._geometry.others.place(positions)

    def check_posture(self, q: Vector, name: str) -> None:
        """Raise ConfigurationError if the posture of a parameter called `name` is too close.

        What other joints carry does not count: where it is, is not known before the arm moves.
        """
        others = self._geometry.others.shapes
        own = np.array([not others & set(pair) for pair in self._pairs])
        if not own.any():
            return
        margins = np.where(own, self._margins(q), np.inf)
        clearance = self._describe(margins, int(np.argmin(margins)))
        if clearance.margin_m < 0:
            one, other = clearance.links
            raise ConfigurationError(
                f"{name} {np.round(q, 4).tolist()} brings {one} {clearance.distance_m * 1e3:.1f} "
                f"mm from {other}; valid is at least "
                f"{(clearance.distance_m - clearance.margin_m) * 1e3:.1f} mm; choose another "
                "posture, correct the distances and the table's height, or, where the shapes are "
                "larger than the arm, give others as collision_description"
            )

    def _margins(self, q: Vector) -> Vector:
        """Distance of each pair minus its minimum. Shape (P,), [m]."""
        geometry = self._geometry
        data, shapes_data = self._scratch.data, self._scratch.shapes_data
        with self._lock:
            own = q[geometry.order]
            pin.computeDistances(geometry.model, data, geometry.shapes, shapes_data, own)
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

    def _too_close_by_construction(self, start_q: Vector | None) -> dict[tuple[str, str], bool]:
        """Return pairs of links whose shapes cannot tell a collision, and whether a joint is why.

        These are too close in the start posture and in nearly all others; or belong to neighbouring
        bodies, one or two joints apart, and are very often close. Where two joints lie between, as
        between forearm and hand, shapes that leave room around the start posture are kept. Shapes
        on both sides of one joint that always overlap are joined there, like adjacent links.
        """
        model, columns = self._geometry.model, np.argsort(self._geometry.order)
        lower, upper = model.lowerPositionLimit[columns], model.upperPositionLimit[columns]
        start = (lower + upper) / 2 if start_q is None else start_q
        random = np.random.default_rng(_SEED)
        everywhere = random.uniform(lower, upper, (_SAMPLES, len(lower)))
        around = random.uniform(-_NEAR_RAD, _NEAR_RAD, (_NEAR_SAMPLES, len(lower)))
        others, random = self._geometry.others, np.random.default_rng(_SEED)
        margins = np.empty((_SAMPLES, len(self._pairs)))
        for k, q in enumerate(everywhere):
            others.place(others.sample(random))
            margins[k] = self._margins(q)
        others.place({})
        near = np.array([self._margins(q) for q in (start, *np.clip(start + around, lower, upper))])
        names = [self._links(pair) for pair in self._pairs]
        found = {}
        for links in dict.fromkeys(names):
            of = [i for i, name in enumerate(names) if name == links]
            too_close = (margins[:, of] < 0).any(axis=1).mean()
            distance = (margins[:, of] + self._minimum[of]).min(axis=1)
            apart = self._geometry.joints_between(self._pairs[of[0]])
            neighbours = apart == 1 or (apart == 2 and (near[:, of] < 0).any())
            always = too_close >= _NEARLY_ALL and (near[0, of] < 0).any()
            coarse = neighbours and (distance < _OFTEN_M).mean() >= _OFTEN
            if too_close == 1.0 if links[1] == TABLE else always or coarse:
                found[links] = apart == 1 and bool((distance < 0).all())
        return found

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


def check_same_chain(urdf: str, collision_urdf: str, joint_names: Sequence[str]) -> None:
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
