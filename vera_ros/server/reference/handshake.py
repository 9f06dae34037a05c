# SPDX-License-Identifier: Apache-2.0
"""What the reference policy says of itself when a client connects: VERA's mimicgen, by its name."""

import socket
import sys
from collections.abc import Sequence
from typing import Any

from vera_ros import __version__
from vera_ros.embodiments import find_embodiment

EMBODIMENT = "mimicgen"
PROPRIO_KEYS = ("eef_pos", "eef_quat", "gripper_qpos")


def make_server_config(view_keys: Sequence[str], action_horizon: int) -> dict[str, Any]:
    """Return the server config map (names and values are the protocol's)."""
    embodiment = find_embodiment(EMBODIMENT)
    return {
        "embodiment": EMBODIMENT,
        "view_keys": list(view_keys),
        "view_widths": [],
        "image_resolution": list(embodiment.resolution),
        "proprio_keys": list(PROPRIO_KEYS),
        "needs_prompt": False,
        "needs_session_id": True,
        "action_space": "eef_delta",
        "action_horizon": action_horizon,
        "action_dim": embodiment.action_dim,
        "context_frames": 21,
        "control_dt": embodiment.control_dt_s,
        "gripper_is_raw": True,
        "gripper_dim_index": -1,
        "actions_already_metric": True,
        "action_abs_scale": [],
        "planner_model": "reference",
        "idm_model": "reference",
        "is_causal": False,
        "protocol_version": 1,
        "git_head": f"vera_ros {__version__}",
        "git_dirty": False,
        "git_diff_sha": "",
        "hostname": socket.gethostname(),
        "argv": list(sys.argv),
        "run_dir": "",
    }
