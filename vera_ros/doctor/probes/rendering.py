# SPDX-License-Identifier: Apache-2.0
"""Renders the scene's views once."""

import os
import time

from vera_ros.doctor.probes.wire import Teller, question
from vera_ros.errors import VeraRosError


def main() -> None:
    """Entry point."""
    teller = Teller()
    question()
    try:
        from vera_ros.sim.cameras import CameraRenderer
        from vera_ros.sim.world import World

        teller.tell("backend", os.environ["MUJOCO_GL"])
        with CameraRenderer() as renderer:
            snapshot = World().snapshot()
            renderer.render(snapshot)  # the first one compiles the shaders
            began_s = time.perf_counter()
            pictures = renderer.render(snapshot)
            teller.tell("milliseconds", 1e3 * (time.perf_counter() - began_s))
            teller.tell("contrast", min(float(p.std()) for p in pictures.values()))
    except VeraRosError as error:
        teller.tell("error", str(error))


if __name__ == "__main__":
    main()
