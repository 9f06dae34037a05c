# SPDX-License-Identifier: Apache-2.0
"""Rendering of a scene's cameras from a snapshot of its world."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError, MissingDependencyError
from vera_ros.sim.cameras import Camera, Intrinsics
from vera_ros.sim.gl import GL_PACKAGES, mujoco

# What the cameras see; the other groups hold collision geometry.
_VISUAL_GROUP = 1


class CameraRenderer:
    """Renders every view; create, use and close it in one thread, which owns the GL context.

    Nothing is shared with the thread that steps the world.
    """

    def __init__(
        self,
        model: Any,
        cameras: Mapping[str, Camera],
        size: tuple[int, int],
        multisamples: int = 4,
    ) -> None:
        """Open the GL context.

        Args:
            model: the scene with its cameras, a `mujoco.MjModel` that nothing else uses.
            cameras: by view.
            size: height and width of each picture [px].
            multisamples: samples per pixel; 4 as in the training environment, 0 renders in half
                the time and leaves the edges jagged.

        Raises:
            ConfigurationError: the size cannot be rendered.
            MissingDependencyError: the machine lacks the GL libraries.
        """
        self._model, self._cameras, self._size = model, dict(cameras), size
        largest = int(min(model.vis.global_.offwidth, model.vis.global_.offheight))
        if not 1 <= min(size) <= max(size) <= largest:
            raise ConfigurationError(
                f"pictures of {size[0]} x {size[1]} px cannot be rendered; choose sides from 1 to "
                f"{largest}"
            )
        model.vis.quality.offsamples = multisamples
        self._data = mujoco.MjData(self._model)
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = 0
        self._option.geomgroup[_VISUAL_GROUP] = 1
        self._option.sitegroup[:] = 0
        with _naming_missing_libraries():
            self._renderer = mujoco.Renderer(model, height=size[0], width=size[1])

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
        """Return each view's picture of a snapshot, RGB and upright. Shape (H, W, 3).

        A snapshot has all joint positions, and after them those of the mocap bodies, if any.
        """
        self._data.qpos[:], self._data.mocap_pos.flat = np.split(snapshot, [self._model.nq])
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        return {view: self._picture(camera) for view, camera in self._cameras.items()}

    def intrinsics(self, view: str) -> Intrinsics:
        """Return the intrinsic parameters of a view's camera.

        Raises:
            ConfigurationError: there is no such view.
        """
        if view not in self._cameras:
            raise ConfigurationError(
                f"there is no view '{view}'; the views are {', '.join(self._cameras)}"
            )
        height, width = self._size
        focal = float(height / 2 / np.tan(np.deg2rad(self._cameras[view].fov_y_deg) / 2))
        return Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, height, width)

    def _picture(self, camera: Camera) -> NDArray[np.uint8]:
        self._renderer.update_scene(self._data, camera.topic, self._option)
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
