# SPDX-License-Identifier: Apache-2.0
"""Episodes in lockstep: a client of the protocol plays a policy server's chunks in a world."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vera_ros.embodiments import find_embodiment
from vera_ros.policy.actions import ActionConvention, interpret_actions
from vera_ros.robots.pusht.judge import TIME_LIMIT_S, CoverageJudge
from vera_ros.robots.pusht.world import STEP_S, PushTWorld
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.messages import InferRequest

Picture = NDArray[np.uint8]
EMBODIMENT = find_embodiment("pusht")


@dataclass(frozen=True)
class Outcome:
    """How an episode ended.

    Attributes:
        succeeded: whether the block came to lie on its goal.
        actions: played until then.
        coverage: of the goal, at the end.
        travelled_px: the way of the pusher.
    """

    succeeded: bool
    actions: int
    coverage: float
    travelled_px: float


async def play(
    client: PolicyClient,
    seed: int,
    spoil: Callable[[Picture], Picture] = lambda picture: picture,
    time_limit_s: float = TIME_LIMIT_S,
) -> Outcome:
    """Play one episode; time stands still while the server thinks.

    Args:
        client: connected to a server.
        seed: of the scene.
        spoil: what is done to pictures before they are sent.
        time_limit_s: simulated time after which the episode ends.
    """
    world, config = PushTWorld(seed), client.config
    judge = CoverageJudge(world)
    convention = ActionConvention(
        config.action_dim, None, config.actions_already_metric, config.action_abs_scale
    )
    session = f"scene {seed}"
    await client.reset(session, "new_episode")
    window = deque([spoil(world.picture())], config.context_frames)
    actions, travelled_px = 0, 0.0
    while world.time_s < time_limit_s:
        request = InferRequest(np.stack(window), EMBODIMENT.view_keys, (252,), session)
        reply = await client.infer(request)
        for velocity in interpret_actions(reply.actions, EMBODIMENT, convention).poses:
            before = world.pusher
            for _ in range(round(config.control_dt / STEP_S)):
                world.step(velocity)
            actions += 1
            travelled_px += float(np.linalg.norm(world.pusher - before))
            window.append(spoil(world.picture()))
            if judge.succeeded():
                return Outcome(True, actions, judge.coverage(), travelled_px)
    return Outcome(False, actions, judge.coverage(), travelled_px)
