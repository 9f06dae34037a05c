# SPDX-License-Identifier: Apache-2.0
"""A plan brings the block closer to its goal, and the planner's world foresees the real one."""

import numpy as np
from hypothesis import given, settings

from vera_ros.robots.pusht.geometry import GOAL, PUSHER_RADIUS_PX, Array, distances
from vera_ros.robots.pusht.localisation import Sighting
from vera_ros.robots.pusht.planner import (
    CONTROL_DT_S,
    Plan,
    PushPlanner,
    error_px,
)
from vera_ros.robots.pusht.roadmap import within_reach
from vera_ros.robots.pusht.world import STEP_S, PushTWorld

from .scenes import scenes


def play(world: PushTWorld, plan: Plan) -> None:
    for target in plan.targets:
        velocity = (target - world.pusher) / CONTROL_DT_S
        for _ in range(round(CONTROL_DT_S / STEP_S)):
            world.step(velocity)


@settings(max_examples=10, deadline=None)
@given(scenes)
def test_a_plan_brings_the_block_closer_to_its_goal(scene: tuple[Array, Array]) -> None:
    pusher, block = scene
    if error_px(block) < 20:
        return
    plan = PushPlanner().plan(Sighting(*scene), Plan.none())
    assert plan.rate > 0
    assert within_reach(plan.targets).all()
    assert np.linalg.norm(np.diff(np.vstack((pusher, plan.targets)), axis=0), axis=1).max() < 51.2
    world = PushTWorld()
    world.place(*scene)
    play(world, Plan(plan.way, plan.push[:0]))
    np.testing.assert_allclose(world.block, block, atol=1.0)  # on its way it touched nothing
    assert distances(world.pusher[None], world.block)[0] > PUSHER_RADIUS_PX - 1.0
    play(world, Plan(plan.way[:0], plan.push))
    assert error_px(world.block) < error_px(block)


@settings(max_examples=10, deadline=None)
@given(scenes)
def test_what_is_predicted_happens(scene: tuple[Array, Array]) -> None:
    planner = PushPlanner()
    plan = planner.plan(Sighting(*scene), Plan.none())
    foreseen = planner.predict(Sighting(*scene), plan.targets)
    world = PushTWorld()
    world.place(*scene)
    play(world, plan)
    np.testing.assert_array_equal(foreseen.pusher, world.pusher)
    np.testing.assert_array_equal(foreseen.block, world.block)


@settings(max_examples=10, deadline=None)
@given(scenes)
def test_a_plan_is_kept_until_a_better_one_is_found(scene: tuple[Array, Array]) -> None:
    planner, now = PushPlanner(), Sighting(*scene)
    first = planner.plan(now, Plan.none())
    second = planner.plan(now, first)
    assert second.rate >= first.rate - 1e-6


def test_the_steps_of_a_plan_come_one_after_the_other() -> None:
    plan = Plan(np.arange(6.0).reshape(3, 2), np.arange(6.0, 10.0).reshape(2, 2))
    for steps in range(7):
        np.testing.assert_array_equal(plan.after(steps).targets, plan.targets[steps:])
    assert len(Plan.none().targets) == 0


def test_the_error_is_the_distance_of_the_corners() -> None:
    assert error_px(GOAL) == 0.0
    np.testing.assert_allclose(error_px(GOAL + np.array([3.0, 4.0, 0.0])), 5.0)
    np.testing.assert_allclose(error_px(GOAL + np.array([0.0, 0.0, 2 * np.pi])), 0.0, atol=1e-9)
