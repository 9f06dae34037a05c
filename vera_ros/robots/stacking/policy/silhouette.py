# SPDX-License-Identifier: Apache-2.0
"""The outline of a convex body in a picture: distances to it, and how they change with the body."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vera_ros.robots.pinhole import Array


@dataclass(frozen=True)
class Silhouette:
    """A convex polygon in continuous pixel coordinates.

    Attributes:
        corners: which of the body's corners are on it, in order around it, Shape (E,).
        points: where they are, Shape (E, 2), [px].
        normals: of the edge from each to the next, pointing out, Shape (E, 2).
    """

    corners: npt.NDArray[np.intp]
    points: Array
    normals: Array

    @staticmethod
    def of(pixels: Array) -> "Silhouette":
        """Return the hull of the body's projected corners, Shape (N, 2), [px], all finite."""
        corners = cv2.convexHull(pixels.astype(np.float32), returnPoints=False)[:, 0]
        points = pixels[corners]
        along = points[(np.arange(len(points)) + 1) % len(points)] - points
        across = np.column_stack([along[:, 1], -along[:, 0]])
        normals = across / np.maximum(np.hypot(across[:, :1], across[:, 1:]), 1e-9)
        return Silhouette(corners, points, normals)

    def distances(self, centres: Array) -> tuple[Array, npt.NDArray[np.intp]]:
        """Return the signed distances of pixels, Shape (N, 2), and the edge that each belongs to.

        The distance, [px], is negative inside, and that to the edge's line outside.
        """
        each = centres @ self.normals.T - np.einsum("ij,ij->i", self.normals, self.points)
        edges = each.argmax(axis=1)
        return each[np.arange(len(each)), edges], edges

    def distance_changes(
        self, centres: Array, edges: npt.NDArray[np.intp], motions: Array
    ) -> Array:
        """Return the derivative of the distances, Shape (K, N), when the corners move.

        `motions`, Shape (K, corners of the body, 2), [px/unit], are the corners' derivatives. A
        point of an edge's line moves as the mean of its ends, weighted by its place between them.
        """
        start = self.points[edges]
        ahead = (np.arange(len(self.points)) + 1) % len(self.points)
        along = self.points[ahead][edges] - start
        place = np.einsum("ij,ij->i", centres - start, along) / np.einsum("ij,ij->i", along, along)
        outward = np.einsum("kej,ej->ke", motions[:, self.corners], self.normals)
        outward_ahead = np.einsum("kej,ej->ke", motions[:, self.corners[ahead]], self.normals)
        changes: Array = -((1 - place) * outward[:, edges] + place * outward_ahead[:, edges])
        return changes
