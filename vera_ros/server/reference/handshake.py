# SPDX-License-Identifier: Apache-2.0
"""The reference policy's configuration on connect: VERA's mimicgen, with its own model names."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from vera_ros.embodiments import find_embodiment
from vera_ros.wire.protocol.server_config import ServerConfig

EMBODIMENT = "mimicgen"


def make_server_config(view_keys: Sequence[str], action_horizon: int) -> ServerConfig:
    """Return the server config of a policy with these views."""
    embodiment = find_embodiment(EMBODIMENT)
    return ServerConfig(
        embodiment=EMBODIMENT,
        view_keys=tuple(view_keys),
        image_resolution=embodiment.resolution,
        proprio_keys=("eef_pos", "eef_quat", "gripper_qpos"),
        needs_prompt=False,
        action_space="eef_delta",
        action_horizon=action_horizon,
        action_dim=embodiment.action_dim,
        context_frames=21,
        control_dt=embodiment.control_dt_s,
        gripper_is_raw=True,
        actions_already_metric=True,
        planner_model="reference",
        idm_model="reference",
        hostname=socket.gethostname(),
        argv=(Path(sys.argv[0]).name,),  # the rest has paths, which are no client's business
    )
