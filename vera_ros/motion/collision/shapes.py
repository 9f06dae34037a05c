# SPDX-License-Identifier: Apache-2.0
"""The convex shapes of a URDF's collision geometry."""

import os
from pathlib import Path

import coal
import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.vec3 import Vector

_SAME_M = 1e-6  # rounding error of a capsule's ends


def read_shapes(model: pin.Model, urdf: str, source: str) -> pin.GeometryModel:
    """Read the shapes of `model`, whose URDF text came from `source`.

    A cylinder with a sphere of its radius at both ends becomes one capsule: that is how capsules
    are written in a URDF, and one is far cheaper than three. A mesh becomes its convex hull.

    Raises:
        ConfigurationError: a mesh cannot be loaded.
    """
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    folders = [str(Path(prefix, "share")) for prefix in prefixes if prefix]
    try:
        read = pin.buildGeomFromUrdfString(model, urdf, pin.GeometryType.COLLISION, None, folders)
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"a collision mesh of the URDF in {source} cannot be loaded ({error}); packages are "
            f"looked for in {folders}: source the workspace that has it, give a URDF without "
            "meshes as collision_description, or turn the collision check off"
        ) from error
    shapes = pin.GeometryModel()
    for shape in _with_capsules(list(read.geometryObjects)):
        if isinstance(shape.geometry, coal.BVHModelBase):
            shape.geometry.buildConvexHull(True, "Qt")
            shape.geometry = shape.geometry.convex
        shape.geometry.computeLocalAABB()
        shapes.addGeometryObject(shape)
    return shapes


def corners(shape: pin.GeometryObject) -> Vector:
    """Return the corners of a box around the shape, in its joint's frame. Shape (8, 3), [m]."""
    box = shape.geometry.aabb_local
    low, high = np.asarray(box.min_).ravel(), np.asarray(box.max_).ravel()
    local = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    return np.array([shape.placement.act(corner) for corner in local])


def extent(shape: pin.GeometryObject) -> float:
    """Return an upper bound of the distance of the shape's points from its joint's origin [m]."""
    return float(np.linalg.norm(corners(shape), axis=1).max())


def _with_capsules(shapes: list[pin.GeometryObject]) -> list[pin.GeometryObject]:
    """Replace each cylinder that has spheres of its radius at both ends by a capsule."""
    merged: set[str] = set()
    for shape in shapes:
        if isinstance(shape.geometry, coal.Cylinder):
            radius, half = shape.geometry.radius, shape.geometry.halfLength
            ends = [_spheres_at(end, shape, shapes) for end in (-half, half)]
            if all(ends):
                shape.geometry = coal.Capsule(radius, 2 * half)
                merged.update(*ends)
    return [shape for shape in shapes if shape.name not in merged]


def _spheres_at(
    end_m: float, cylinder: pin.GeometryObject, shapes: list[pin.GeometryObject]
) -> list[str]:
    """Return the names of spheres of a cylinder's radius at one of its ends."""
    centre = cylinder.placement.act(np.array([0.0, 0.0, end_m]))
    return [
        str(shape.name)
        for shape in shapes
        if isinstance(shape.geometry, coal.Sphere)
        and shape.parentFrame == cylinder.parentFrame
        and abs(shape.geometry.radius - cylinder.geometry.radius) < _SAME_M
        and np.linalg.norm(shape.placement.translation - centre) < _SAME_M
    ]
