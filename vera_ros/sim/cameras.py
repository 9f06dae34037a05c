# SPDX-License-Identifier: Apache-2.0
"""Rendering of the scene's two cameras from a snapshot of the world."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError, MissingDependencyError
from vera_ros.sim.gl import GL_PACKAGES, mujoco
from vera_ros.sim.scene import VIEW_CAMERAS, load_model
from vera_ros.sim.tables import DARK_WOOD

# What the cameras see; the other groups hold collision geometry.
_VISUAL_GROUP = 1


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion [px]; pixel centres have integer coordinates."""

    fx: float
    fy: float
    cx: float
    cy: float
    size: int


class CameraRenderer:
    """Renders every view; create, use and close it in one thread, which owns the GL context.

    It has a model of its own, so nothing is shared with the thread that steps the world.
    """

    def __init__(self, size: int = 128, multisamples: int = 4, table: str = DARK_WOOD) -> None:
        """Open the GL context.

        Args:
            size: height and width of each picture [px].
            multisamples: samples per pixel; 4 as in the training environment, 0 renders in half
                the time and leaves the edges jagged.
            table: the table top, one of vera_ros.sim.tables.TABLES.

        Raises:
            ConfigurationError: the size cannot be rendered.
            MissingDependencyError: the machine lacks the GL libraries.
        """
        self._model = load_model(table)
        largest = int(min(self._model.vis.global_.offwidth, self._model.vis.global_.offheight))
        if not 1 <= size <= largest:
            raise ConfigurationError(
                f"pictures of {size} px cannot be rendered; choose a size from 1 to {largest}"
            )
        self._model.vis.quality.offsamples = multisamples
        self._size = size
        self._data = mujoco.MjData(self._model)
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = 0
        self._option.geomgroup[_VISUAL_GROUP] = 1
        self._option.sitegroup[:] = 0
        with _naming_missing_libraries():
            self._renderer = mujoco.Renderer(self._model, height=size, width=size)

    def __enter__(self) -> "CameraRenderer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the GL context; in the thread that created it."""
        self._renderer.close()

    def render(self, snapshot: NDArray[np.float64]) -> dict[str, NDArray[np.uint8]]:
        """Return each view's picture of a `World.snapshot`, RGB and upright. Shape (H, W, 3)."""
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        return {view: self._picture(camera) for view, camera in VIEW_CAMERAS.items()}

    def intrinsics(self, view: str) -> Intrinsics:
        """Return the intrinsic parameters of a view's camera.

        Raises:
            ConfigurationError: there is no such view.
        """
        if view not in VIEW_CAMERAS:
            raise ConfigurationError(
                f"there is no view '{view}'; the views are {', '.join(VIEW_CAMERAS)}"
            )
        fovy_rad = np.deg2rad(self._model.camera(VIEW_CAMERAS[view]).fovy[0])
        focal = float(self._size / 2 / np.tan(fovy_rad / 2))
        centre = (self._size - 1) / 2
        return Intrinsics(focal, focal, centre, centre, self._size)

    def _picture(self, camera: str) -> NDArray[np.uint8]:
        self._renderer.update_scene(self._data, camera, self._option)
        picture: NDArray[np.uint8] = self._renderer.render()
        return picture


@contextmanager
def _naming_missing_libraries() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the GL backends raise whatever their bindings run into
        raise MissingDependencyError(
            f"this machine cannot render without a screen ({type(error).__name__}: {error}); "
            f"{GL_PACKAGES}"
        ) from error
