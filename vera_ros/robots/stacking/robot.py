# SPDX-License-Identifier: Apache-2.0
"""The robots that stack: simulation and policy, which are imported when they are made."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vera_ros.embodiments import find_embodiment
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
from vera_ros.robots.stacking.hands import PANDA_HAND, Hand
from vera_ros.robots.stacking.prompts import PROMPT, VERA_PROMPT
from vera_ros.robots.stacking.tables import DARK_WOOD
from vera_ros.sim.cameras import Camera
from vera_ros.wire.hosted_policy import HostedPolicy

if TYPE_CHECKING:
    from vera_ros.robots.stacking.arms.simulated_arm import SimulatedArm
    from vera_ros.robots.stacking.policy.arm import Arm
    from vera_ros.sim.simulation import Renderer, Simulation

_TASK = Task(
    noun="tower", done="the tower stands", undone="no tower", total="towers standing", hold_s=0.3
)


def stacking_robot(
    embodiment: str,
    config: str,
    cameras: Mapping[str, Camera],
    arm: "Callable[[], Arm]",
    hand: Hand = PANDA_HAND,
) -> Robot:
    """Return a robot that stacks.

    Args:
        embodiment: VERA's name of it.
        config: its parameter file in config/.
        cameras: see Robot.
        arm: returns how its policy moves an arm; called when a policy is made.
        hand: what its flange carries.
    """

    def make_policy(*, looks_ahead: bool = True) -> HostedPolicy:
        from vera_ros.robots.stacking.policy.stack_policy import StackPolicy

        return StackPolicy(arm(), looks_ahead=looks_ahead)

    return Robot(
        config=config,
        prompts=(PROMPT,),
        vera_prompt=VERA_PROMPT,
        task=_TASK,
        make_policy=make_policy,
        simulator=_simulator(embodiment, cameras, hand),
        cameras=cameras,
    )


def _simulator(embodiment: str, cameras: Mapping[str, Camera], hand: Hand) -> Simulator:
    """Return the simulated arm with its hand at its table, seen by these cameras."""

    def open_renderer(look: Look) -> "Renderer":
        from vera_ros.robots.stacking.scene import load_model
        from vera_ros.sim.renderer import CameraRenderer

        height, width = find_embodiment(embodiment).resolution
        size = (look.height_px, round(look.height_px * width / height))
        table = look.parameters.get("table", DARK_WOOD)
        model = load_model(cameras.values(), table, arm_of(look.parameters, hand))
        return CameraRenderer(model, cameras, size, look.multisamples)

    def make(seed: int, parameters: Parameters = NONE_GIVEN) -> "Simulation":
        from vera_ros.robots.stacking.simulated_robot import SimulatedRobot
        from vera_ros.robots.stacking.world import World

        world = World(seed, arm_of(parameters, hand))
        return SimulatedRobot(world, open_loop=starts_open_loop(parameters))

    return Simulator(
        hardware="simulated arm",
        describe=lambda parameters: describe_arm(parameters, hand),
        controllers=("arm", "gripper"),
        other_arms="",
        make=make,
        open_renderer=open_renderer,
    )


def arm_of(parameters: Parameters, hand: Hand = PANDA_HAND) -> "SimulatedArm":
    """Return the arm of sim_node's parameters, with a hand; without them the Panda."""
    from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
    from vera_ros.robots.stacking.arms.start_posture import check_start

    description = parameters.get("arm_description", "")
    arm = SimulatedArm.read(
        description,
        parameters.get("flange", ""),
        parameters.get("joint_names", PANDA.joint_names),
        parameters.get("start_posture", PANDA.start_posture),
        hand,
    )
    if description:
        check_start(arm)
    return arm
