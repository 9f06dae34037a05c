# SPDX-License-Identifier: Apache-2.0
"""allegro: a hand of 16 joints touches the ball of the colour that it is told. No ROS."""

from typing import TYPE_CHECKING

from vera_ros.resources import share_path
from vera_ros.robots.allegro.hand import CAMERAS, COLOURS, URDF
from vera_ros.robots.robot import (
    NONE_GIVEN,
    Look,
    Parameters,
    Robot,
    Simulator,
    Task,
    starts_open_loop,
)
from vera_ros.wire.hosted_policy import HostedPolicy

if TYPE_CHECKING:
    from vera_ros.sim.simulation import Renderer, Simulation


def make_policy(*, looks_ahead: bool = True) -> HostedPolicy:
    """Return the touching policy (see PolicyMaker)."""
    from vera_ros.robots.allegro.touch_policy import TouchPolicy

    return TouchPolicy(looks_ahead=looks_ahead)


def make_simulation(seed: int, parameters: Parameters = NONE_GIVEN) -> "Simulation":
    """Return the hand with its balls (see SimulationMaker)."""
    from vera_ros.robots.allegro.world import HandWorld
    from vera_ros.sim.one_controller import OneController

    return OneController(HandWorld(seed), open_loop=starts_open_loop(parameters))


def open_renderer(look: Look) -> "Renderer":
    """Return what renders the views."""
    from vera_ros.robots.allegro.scene import load_model
    from vera_ros.sim.renderer import CameraRenderer

    size = (look.height_px, look.height_px)
    return CameraRenderer(load_model(CAMERAS.values()), CAMERAS, size, look.multisamples)


ROBOT = Robot(
    config="allegro_hand.yaml",
    prompts=tuple(f"touch the {colour} ball with the index finger" for colour in COLOURS),
    vera_prompt="rotate the box in the hand by 90 degrees",
    task=Task(
        noun="touch",
        done="the ball is touched",
        undone="ball not touched",
        total="balls touched",
        time_limit_s=20.0,
    ),
    make_policy=make_policy,
    simulator=Simulator(
        hardware="simulated allegro hand",
        describe=lambda _: share_path("description", "urdf", URDF).read_text(),
        controllers=("arm",),
        make=make_simulation,
        open_renderer=open_renderer,
    ),
    cameras=CAMERAS,
)
