# SPDX-License-Identifier: Apache-2.0
"""Cameras of a scene, as data; vera_ros.sim.renderer takes their pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that is fixed to a frame of the scene.

    Attributes:
        topic: base of its topics, such as `agentview`.
        frame: body or site of the scene that it is fixed to.
        position_m: in that frame.
        orientation_xyzw: of the optical frame (x right, y down, z forward) in that frame, a unit
            quaternion.
        fov_y_deg: vertical field of view.
    """

    topic: str
    frame: str
    position_m: tuple[float, float, float]
    orientation_xyzw: tuple[float, float, float, float]
    fov_y_deg: float


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion [px]; pixel centres have integer coordinates."""

    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int
