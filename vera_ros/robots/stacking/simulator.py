# SPDX-License-Identifier: Apache-2.0
"""How the embodiments that stack are simulated; the scene is imported when it is made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vera_ros.embodiments import find_embodiment
from vera_ros.robots.robot import (
    NONE_GIVEN,
    Look,
    Parameters,
    Simulator,
    Task,
    starts_open_loop,
)
from vera_ros.robots.stacking.frames import BASE
from vera_ros.robots.stacking.tables import DARK_WOOD
from vera_ros.sim.cameras import Camera

if TYPE_CHECKING:
    from vera_ros.sim.simulation import Renderer, Simulation

TASK = Task(
    noun="tower", done="the tower stands", undone="no tower", total="towers standing", hold_s=0.3
)


def make_simulator(embodiment: str, cameras: Mapping[str, Camera]) -> Simulator:
    """Return the simulated Panda at its table, seen by these cameras."""

    def open_renderer(look: Look) -> "Renderer":
        from vera_ros.robots.stacking.scene import load_model
        from vera_ros.sim.renderer import CameraRenderer

        height, width = find_embodiment(embodiment).resolution
        size = (look.height_px, round(look.height_px * width / height))
        model = load_model(cameras.values(), look.parameters.get("table", DARK_WOOD))
        return CameraRenderer(model, cameras, size, look.multisamples)

    return Simulator(
        hardware="simulated panda",
        urdf="panda.urdf",
        frame=BASE,
        controllers=("arm", "gripper"),
        make=_make,
        open_renderer=open_renderer,
    )


def _make(seed: int, parameters: Parameters = NONE_GIVEN) -> "Simulation":
    from vera_ros.robots.stacking.simulated_robot import SimulatedRobot
    from vera_ros.robots.stacking.world import World

    return SimulatedRobot(World(seed), open_loop=starts_open_loop(parameters))
