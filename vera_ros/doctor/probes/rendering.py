# SPDX-License-Identifier: Apache-2.0
"""Renders the scene's views once."""

import os
import time
from typing import Any

from vera_ros.doctor.probes.wire import Tell, run
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import VeraRosError
from vera_ros.robots.registry import find_robot
from vera_ros.robots.robot import Look


def probe(asked: dict[str, Any], tell: Tell) -> None:
    """Report the `backend`, the `milliseconds` of all views, and their `contrast`; or `error`."""
    try:
        name = asked["embodiment"]
        simulator, height_px = find_robot(name).simulator, find_embodiment(name).resolution[0]
        with simulator.open_renderer(Look(height_px, multisamples=4)) as renderer:
            tell("backend", os.environ.get("MUJOCO_GL", "none"))
            snapshot = simulator.make(0).snapshot()
            renderer.render(snapshot)  # the first one compiles the shaders
            began_s = time.perf_counter()
            pictures = renderer.render(snapshot)
            tell("milliseconds", 1e3 * (time.perf_counter() - began_s))
            tell("contrast", min(float(p.std()) for p in pictures.values()))
    except VeraRosError as error:
        tell("error", str(error))


if __name__ == "__main__":
    run(probe)
