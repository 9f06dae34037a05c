# SPDX-License-Identifier: Apache-2.0
"""A second client of the policy server: one inference request in a session of its own."""

import asyncio
import contextlib

import numpy as np

from vera_ros.errors import WireError
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.protocol.messages import InferRequest

SESSION = "intruder"
_SIZE_PX = 128
_TIMEOUT_S = 5.0


async def intrude(url: str) -> None:
    """Send one inference request; errors and time-outs are ignored."""
    with contextlib.suppress(WireError, asyncio.TimeoutError, TimeoutError):
        await asyncio.wait_for(_infer_once(url), _TIMEOUT_S)


async def _infer_once(url: str) -> None:
    async with PolicyClient(ClientTimeouts(infer_s=_TIMEOUT_S)) as client:
        config = await client.connect(url, _TIMEOUT_S)
        views = config.view_keys
        await client.infer(
            InferRequest(
                context_rgb=np.zeros((1, _SIZE_PX, _SIZE_PX * len(views), 3), np.uint8),
                view_keys=views,
                view_widths=[_SIZE_PX] * len(views),
                session_id=SESSION,
                proprio={
                    "q_robot": np.zeros(7, np.float32),
                    "eef_pos": np.array([0.5, 0.0, 0.2], np.float32),
                    "eef_quat": np.array([1.0, 0.0, 0.0, 0.0], np.float32),
                    "gripper_qpos": np.array([0.04, -0.04], np.float32),
                },
            )
        )
