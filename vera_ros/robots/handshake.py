# SPDX-License-Identifier: Apache-2.0
"""A reference policy's configuration on connect: VERA's, with model names of its own."""

import socket
import sys
from pathlib import Path

from vera_ros.embodiments import Embodiment
from vera_ros.wire.protocol.server_config import ServerConfig


def make_server_config(
    embodiment: Embodiment, action_horizon: int, context_frames: int = 21
) -> ServerConfig:
    """Return the server config of an embodiment whose actions are metric, or OSC_POSE actions.

    Args:
        embodiment: the robot kind that is served.
        action_horizon: actions per chunk.
        context_frames: frames that a planner of that kind uses.
    """
    return ServerConfig(
        embodiment=embodiment.name,
        view_keys=embodiment.view_keys,
        image_resolution=embodiment.resolution,
        proprio_keys=("eef_pos", "eef_quat", "gripper_qpos"),
        needs_prompt=False,
        action_space=embodiment.labels[0],
        action_horizon=action_horizon,
        action_dim=embodiment.action_dim,
        context_frames=context_frames,
        control_dt=embodiment.control_dt_s,
        gripper_is_raw=True,
        actions_already_metric=True,
        planner_model="reference",
        idm_model="reference",
        hostname=socket.gethostname(),
        argv=(Path(sys.argv[0]).name,),  # the rest has paths, which are no client's business
    )
