# SPDX-License-Identifier: Apache-2.0
"""Distances of an arm's links from each other and from the table, for the independent checker.

Every collision shape of the URDF is checked unsimplified, every 20 ms of a motion.
"""

from itertools import combinations

import coal
import numpy as np
import numpy.typing as npt
import pinocchio as pin
from scipy.interpolate import BPoly

Vector = npt.NDArray[np.float64]

_STEP_S = 0.02  # at 13 m/s^2, a distance dips by less than 1 mm between two samples
_ROUNDING_M = 1e-3
_ESCAPE_M = 1e-3  # how much nearer a pair that starts too near may come on its way out


class Clearances:
    """Distances between pairs of links that can collide, and from moving links to a table.

    Of other joints than the arm's, those that slide (fingers) are open, those that turn at zero.
    Neighbouring links are not checked against each other, nor are links that move together with the
    last joint.

    Attributes:
        links: names of the P pairs; the second is "table" for the table.
    """

    def __init__(self, urdf: str, joints: tuple[str, ...], table_z_m: float | None) -> None:
        """Read the shapes.

        Args:
            urdf: text of the URDF.
            joints: the arm's joints, base to tip.
            table_z_m: height of the table in the frame of the URDF's root; None: there is none.
        """
        self._model = pin.buildModelFromXML(urdf)
        self._data = self._model.createData()
        self._columns = [self._model.joints[self._model.getJointId(name)].idx_q for name in joints]
        shapes = pin.buildGeomFromUrdfString(self._model, urdf, pin.GeometryType.COLLISION)
        pairs = self._pairs(list(shapes.geometryObjects), len(joints))
        moving = [i for i, shape in enumerate(shapes.geometryObjects) if shape.parentJoint > 0]
        if table_z_m is None:
            moving = []
        below = coal.Halfspace(np.array([0.0, 0.0, 1.0]), table_z_m or 0.0)
        table = shapes.addGeometryObject(
            pin.GeometryObject("table", 0, 0, pin.SE3.Identity(), below)
        )
        for pair in (*pairs, *((shape, table) for shape in moving)):
            shapes.addCollisionPair(pin.CollisionPair(*pair))
        self._shapes, self._shapes_data = shapes, pin.GeometryData(shapes)
        frames = [shape.parentFrame for shape in shapes.geometryObjects]
        names = [str(self._model.frames[frame].name) for frame in frames]
        names[table] = "table"
        both = [(names[pair.first], names[pair.second]) for pair in shapes.collisionPairs]
        self.links = list(dict.fromkeys(both))
        self._of_links = np.array([self.links.index(pair) for pair in both])

    def violations(self, curve: BPoly, self_m: float, table_m: float) -> list[str]:
        """Return what comes too near during a motion, as text; empty: it is good.

        Args:
            curve: joint positions [rad] over time [s].
            self_m: least distance of the links from each other.
            table_m: least distance of moving links from the table.
        """
        count = max(2, int(np.ceil(curve.x[-1] / _STEP_S)) + 1)
        distances = np.array([self.distances(q) for q in curve(np.linspace(0, curve.x[-1], count))])
        least = np.array([table_m if pair[1] == "table" else self_m for pair in self.links])
        least = np.where(distances[0] < least, distances[0] - _ESCAPE_M, least)
        # A penetration depth depends on how a shape is composed: overlaps at the start are ignored.
        short = np.where(distances[0] < 0.0, 0.0, least - distances).max(axis=0)
        worst = int(np.argmax(short))
        if short[worst] <= _ROUNDING_M:
            return []
        nearest_mm = distances[:, worst].min() * 1e3
        return [
            f"{' and '.join(self.links[worst])} come as near as {nearest_mm:.1f} mm; valid is "
            f"{least[worst] * 1e3:.1f} mm or more"
        ]

    def distances(self, q: Vector) -> Vector:
        """Return each pair's distance (Shape (P,), [m]) at joint positions (Shape (n,), [rad])."""
        whole = pin.neutral(self._model)
        for joint in list(self._model.joints)[1:]:
            if str(joint.shortname()).startswith("JointModelP"):
                whole[joint.idx_q] = self._model.upperPositionLimit[joint.idx_q]
        whole[self._columns] = q
        pin.computeDistances(self._model, self._data, self._shapes, self._shapes_data, whole)
        nearest = np.full(len(self.links), np.inf)
        found = [result.min_distance for result in self._shapes_data.distanceResults]
        np.minimum.at(nearest, self._of_links, found)
        return nearest

    def _pairs(self, shapes: list[pin.GeometryObject], joints: int) -> list[tuple[int, int]]:
        links = {int(shape.parentFrame) for shape in shapes}
        body = [min(shape.parentJoint, joints) for shape in shapes]
        link = [int(shape.parentFrame) for shape in shapes]
        carrier = [self._carrier(frame, links) for frame in link]
        return [
            (i, j)
            for i, j in combinations(range(len(shapes)), 2)
            if body[i] != body[j] and carrier[i] != link[j] and carrier[j] != link[i]
        ]

    def _carrier(self, link: int, links: set[int]) -> int:
        """Return the next link towards the base that is one of `links`; 0: there is none."""
        frame = int(self._model.frames[link].parentFrame)
        while frame and frame not in links:
            frame = int(self._model.frames[frame].parentFrame)
        return frame
