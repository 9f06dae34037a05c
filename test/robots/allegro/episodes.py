# SPDX-License-Identifier: Apache-2.0
"""Episodes in lockstep: a client of the protocol plays a policy server's chunks in a world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vera_ros.robots.allegro import ROBOT
from vera_ros.robots.allegro.hand import CAMERAS, JOINTS
from vera_ros.sim.one_controller import OneController
from vera_ros.sim.simulation import Renderer, nanoseconds
from vera_ros.sim.trajectory import TrajectoryPoints
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.messages import InferRequest

Pictures = Mapping[str, NDArray[np.uint8]]
VIEWS = tuple(CAMERAS)
_HELD_S = 0.3
_KEPT = 0.8  # of the last chunk's end, where the next one begins: VERA's runner


@dataclass(frozen=True)
class Outcome:
    """How an episode ended.

    Attributes:
        succeeded: whether the finger touched the right ball for a moment, and not the other one.
        time_s: simulated time until then.
        moved_rad: how far the joints of the other fingers have moved.
    """

    succeeded: bool
    time_s: float
    moved_rad: float


async def play(
    client: PolicyClient,
    robot: OneController,
    renderer: Renderer,
    seed: int,
    spoil: Callable[[Pictures], Pictures] = lambda pictures: pictures,
    time_limit_s: float = 10.0,
) -> Outcome:
    """Play one episode; time stands still while the server thinks.

    Args:
        client: connected to a server, which is configured for VIEWS.
        robot: the simulated hand.
        renderer: of its views.
        seed: of the scene.
        spoil: what is done to pictures before they are sent.
        time_limit_s: simulated time after which the episode ends.
    """
    robot.reset(seed)
    began_s, session, dt_s = robot.time_s, f"scene {seed}", client.config.control_dt
    await client.reset(session, "new_episode")
    start = robot.world.joints().q
    held_s, end = 0.0, start
    while robot.time_s - began_s < time_limit_s:
        pictures = spoil(renderer.render(robot.snapshot()))
        q = robot.world.joints().q
        request = InferRequest(
            np.concatenate([pictures[view] for view in VIEWS], axis=1)[None],
            VIEWS,
            [128] * len(VIEWS),
            session,
            prompt=ROBOT.prompt_of(seed),
            proprio={"q_robot": q.astype(np.float32)},
        )
        reply = await client.infer(request)
        targets = _KEPT * end + (1 - _KEPT) * q + np.cumsum(reply.actions, axis=0)
        end = targets[-1]
        times_s = (np.arange(len(targets)) + 1) * dt_s
        points = TrajectoryPoints(times_s.tolist(), targets)
        robot.controllers["arm"].accept(JOINTS, points, 0, nanoseconds(robot))
        for _ in range(round(times_s[-1] / 0.05)):
            robot.advance(round(0.05 / robot.step_s))
            held_s = held_s + 0.05 if robot.truth().success else 0.0
            if held_s >= _HELD_S:
                moved_rad = float(np.abs(robot.world.joints().q - start)[4:].max())
                return Outcome(True, robot.time_s - began_s, moved_rad)
    return Outcome(False, robot.time_s - began_s, 0.0)
