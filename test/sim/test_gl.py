# SPDX-License-Identifier: Apache-2.0
"""Rendering backends: the environment wins, then EGL, then OSMesa, and without any, physics."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from vera_ros.sim.gl import choose_backend

EGL = {"libEGL.so.1", "libOpenGL.so.0"}


@pytest.mark.parametrize(
    ("environ", "libraries", "backend"),
    [
        ({"MUJOCO_GL": "osmesa"}, EGL, "osmesa"),
        ({"MUJOCO_GL": ""}, EGL, "egl"),
        ({}, EGL | {"libOSMesa.so.8"}, "egl"),
        ({}, {"libEGL.so.1", "libOSMesa.so.8"}, "osmesa"),
        ({}, {"libOSMesa.so.6"}, "osmesa"),
        ({}, set(), "disable"),
    ],
)
def test_backend(environ: Mapping[str, str], libraries: set[str], backend: str) -> None:
    assert choose_backend(environ, libraries.__contains__) == backend


def test_without_gl_physics_run_and_the_camera_names_the_packages() -> None:
    """MuJoCo's own error is an AttributeError or ImportError deep in the GL bindings."""
    program = (
        "from vera_ros.robots.stacking.scene import load_model\n"
        "from vera_ros.robots.stacking.world import World\n"
        "from vera_ros.sim.renderer import CameraRenderer\n"
        "from vera_ros.errors import MissingDependencyError\n"
        "World().step([0] * 7, [0] * 7, 0)\n"
        "try:\n"
        "    CameraRenderer(load_model(), {}, (128, 128))\n"
        "except MissingDependencyError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MUJOCO_GL": "disable"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "libegl1 libopengl0 libgl1-mesa-dri" in done.stdout
    assert "libosmesa6" in done.stdout
