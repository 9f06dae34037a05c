# SPDX-License-Identifier: Apache-2.0
"""The one place that imports MuJoCo, after choosing how it renders without a screen.

MuJoCo reads MUJOCO_GL while it is imported, so every module of this package takes it from here:
`from vera_ros.sim.gl import mujoco`.
"""

import ctypes
import os
from collections.abc import Callable, Mapping
from typing import Any

from vera_ros.errors import MissingDependencyError

GL_PACKAGES = (
    "install the Debian packages libegl1 libopengl0 libgl1-mesa-dri (MUJOCO_GL=egl) "
    "or libosmesa6 (MUJOCO_GL=osmesa)"
)


def choose_backend(environ: Mapping[str, str], loadable: Callable[[str], bool]) -> str:
    """Return the value for MUJOCO_GL: the environment's, else a backend whose libraries load.

    Args:
        environ: the environment variables.
        loadable: whether the shared library of that name can be loaded.

    Returns:
        "disable" where nothing can render: physics still work, cameras do not.
    """
    if environ.get("MUJOCO_GL"):
        return environ["MUJOCO_GL"]
    if loadable("libEGL.so.1") and loadable("libOpenGL.so.0"):
        return "egl"
    if loadable("libOSMesa.so.8") or loadable("libOSMesa.so.6"):
        return "osmesa"
    return "disable"


def _loadable(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


class _Unusable:
    """Stands for MuJoCo where it cannot be loaded, and raises the reason at its first use.

    The error of an import would end a node before it can report anything.
    """

    def __init__(self, reason: MissingDependencyError) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        raise self._reason


def _import_mujoco() -> Any:
    backend = choose_backend(os.environ, _loadable)
    os.environ["MUJOCO_GL"] = backend
    # For pictures this small, Mesa's software renderer is no slower without threads of its own,
    # and leaves the other cores to the arm's controller.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    try:
        import mujoco
    except ModuleNotFoundError as error:
        return _Unusable(
            MissingDependencyError(
                f"the simulation needs MuJoCo ({error}); pip install 'mujoco>=3.5'"
            )
        )
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        # Without the GL libraries PyOpenGL fails in ways that name anything but the library.
        return _Unusable(
            MissingDependencyError(
                f"MuJoCo cannot load MUJOCO_GL={backend} ({error}); valid is egl, osmesa, glfw or "
                f"disable: unset MUJOCO_GL, or {GL_PACKAGES}"
            )
        )
    return mujoco


mujoco: Any = _import_mujoco()
