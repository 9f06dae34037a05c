# SPDX-License-Identifier: Apache-2.0
"""PushT: a disc pushes a T-shaped block onto its goal, in the plane of the picture. No ROS.

Lengths are pixels of the world, a square of 512 px: x to the right, y down, angles clockwise in the
picture. As a robot (`pusher.py`) they are metres.
"""

from typing import TYPE_CHECKING

from vera_ros.resources import share_path
from vera_ros.robots.pusht.plane import CAMERA, JOINTS, PIXEL_M, VIEW
from vera_ros.robots.robot import (
    NONE_GIVEN,
    Look,
    Parameters,
    Robot,
    Simulator,
    Task,
    starts_open_loop,
)
from vera_ros.robots.stacking.arms.description import describe_arm
from vera_ros.robots.stacking.robot import arm_of
from vera_ros.wire.hosted_policy import HostedPolicy

if TYPE_CHECKING:
    from vera_ros.sim.simulation import Renderer, Simulation


def make_policy(*, looks_ahead: bool = True) -> HostedPolicy:
    """Return the pushing policy (see PolicyMaker)."""
    from vera_ros.robots.pusht.push_policy import PushPolicy

    return PushPolicy(looks_ahead=looks_ahead)


def make_simulation(seed: int, parameters: Parameters = NONE_GIVEN) -> "Simulation":
    """Return the pusher with its block (see SimulationMaker): sliding joints, or an arm."""
    from vera_ros.robots.pusht.arm_pusher import ArmPusherWorld, PicturePlane
    from vera_ros.robots.pusht.pusher import PusherWorld
    from vera_ros.sim.one_controller import JointWorld, OneController

    pixel_m = parameters.get("pixel_m", PIXEL_M)
    origin_m = parameters.get("picture_origin", (0.0, 0.0, 0.0))
    world: JointWorld
    if not _has_arm(parameters):
        world = PusherWorld(seed, pixel_m, origin_m[:2])
    else:
        plane = PicturePlane(pixel_m, origin_m, parameters["picture_x"], parameters["picture_y"])
        world = ArmPusherWorld(seed, arm_of(parameters), plane)
    return OneController(world, open_loop=starts_open_loop(parameters))


def describe(parameters: Parameters) -> str:
    """Return the URDF of the pusher, or of the arm that pushes."""
    if _has_arm(parameters):
        return describe_arm(parameters)
    return share_path("description", "urdf", "pusht_pusher.urdf").read_text()


def _has_arm(parameters: Parameters) -> bool:
    others = tuple(parameters.get("joint_names", JOINTS)) != JOINTS
    return others or bool(parameters.get("arm_description"))


def open_renderer(look: Look) -> "Renderer":
    """Return what draws the picture."""
    from vera_ros.robots.pusht.pusher import PusherRenderer

    return PusherRenderer(look.height_px)


ROBOT = Robot(
    config="pusht.yaml",
    prompts=("push the T-shaped block onto its goal",),
    vera_prompt="push the T-shaped block onto its goal",
    task=Task(
        noun="covered",
        done="the goal is covered",
        undone="goal not covered",
        total="goals covered",
        hold_s=0.0,
        time_limit_s=20.0,  # 200 actions
        lockstep=True,
    ),
    make_policy=make_policy,
    simulator=Simulator(
        hardware="simulated pusher",
        describe=describe,
        controllers=("arm",),
        other_arms="pusht_arm.yaml",
        make=make_simulation,
        open_renderer=open_renderer,
    ),
    cameras={VIEW: CAMERA},
)
