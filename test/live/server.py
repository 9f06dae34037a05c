# SPDX-License-Identifier: Apache-2.0
"""A policy server somewhere, and plausible questions to it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.embodiments import ActionSpace, Embodiment, find_embodiment
from vera_ros.policy.actions import ActionConvention, interpret_actions
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.messages import InferReply, InferRequest
from vera_ros.wire.protocol.server_config import ServerConfig, check_embodiment

OPEN_TIMEOUT_S = 120.0  # it may be in the middle of somebody else's inference
_STANDING = {
    "eef_pos": [0.46, 0.0, 0.1],
    "eef_quat": [1.0, 0.0, 0.0, 0.0],
    "gripper_qpos": [0.04, -0.04],
}
# Of one step, where the policy has no range of its own: none that makes sense asks for more
# [m and rad; rad; rad; px/s].
_MOST = {
    ActionSpace.EEF_DELTA: (0.1, 0.1, 0.1, 0.2, 0.2, 0.2),
    ActionSpace.JOINT_POSITION: (2.0 * np.pi,),
    ActionSpace.JOINT_DELTA: (0.5,),
    ActionSpace.PLANAR: (2048.0,),
}


@dataclass(frozen=True)
class LiveServer:
    """Where the server is, and what it should serve."""

    url: str
    embodiment: Embodiment

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "LiveServer":
        embodiment = find_embodiment(environment.get("VERA_LIVE_EMBODIMENT", "mimicgen"))
        host = environment.get("VERA_LIVE_HOST", "127.0.0.1")
        port = environment.get("VERA_LIVE_PORT", str(embodiment.policy_port))
        return cls(f"ws://{host}:{port}", embodiment)

    async def connect(self, client: PolicyClient) -> ServerConfig:
        config = await client.connect(self.url, OPEN_TIMEOUT_S)
        check_embodiment(config, self.embodiment)
        return config

    def question(
        self, config: ServerConfig, session_id: str, frames: int, **more: Any
    ) -> InferRequest:
        """A request with frames in which something moves."""
        height, width = config.image_resolution or self.embodiment.resolution
        widths = list(config.view_widths) or [width] * len(config.view_keys)
        proprio = {k: np.array(v, np.float32) for k, v in _STANDING.items()}
        rgb = np.stack([_scene(height, sum(widths), index) for index in range(frames)])
        return InferRequest(rgb, config.view_keys, widths, session_id, proprio=proprio, **more)

    def check(self, reply: InferReply, config: ServerConfig) -> None:
        """Make sure that an arm could be given these actions."""
        actions = reply.actions
        assert actions.dtype == np.float32
        assert actions.shape[1] == config.action_dim
        assert len(actions) >= 1
        assert reply.info.get("chunk_len", len(actions)) == len(actions)
        assert reply.non_finite_rows.size == 0
        column = config.gripper_column
        if column is not None:
            assert np.abs(actions[:, column]).max() <= 1.0
        commands = interpret_actions(
            actions,
            self.embodiment,
            ActionConvention(
                config.action_dim, column, config.actions_already_metric, config.action_abs_scale
            ),
        )
        assert commands.clipped_rows == 0
        if self.embodiment.action_limit is None:
            assert (np.abs(commands.poses) <= _MOST[self.embodiment.action_space]).all()


def new_session() -> str:
    return str(uuid.uuid4())


def _scene(height: int, width: int, index: int) -> npt.NDArray[np.uint8]:
    """A pale table with a block that moves."""
    picture = np.full((height, width, 3), 200, np.uint8)
    picture[: height // 3] = 90
    left = (index * 2) % max(1, width - height // 8)
    picture[height // 2 : height // 2 + height // 8, left : left + height // 8] = (200, 30, 30)
    return picture
