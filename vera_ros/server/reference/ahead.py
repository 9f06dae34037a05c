# SPDX-License-Identifier: Apache-2.0
"""Predicts where the arm will be after the actions that are still pending."""

import numpy as np

from vera_ros.server.reference.cameras import Array, Pose
from vera_ros.server.reference.response import answer
from vera_ros.server.reference.scene_config import ResponseConfig


def look_ahead(tcp: Pose, past: Array, pending: Array, config: ResponseConfig) -> Pose:
    """Return where the TCP comes to rest if nothing is commanded after the pending actions.

    Args:
        tcp: the TCP now, which may be moving.
        past: the actions before now, oldest first. Shape (n, 7).
        pending: the actions from now on. Shape (m, 7).
        config: the response of the arm.
    """
    total: Array = pending[:, :6].sum(axis=0)
    drifts = zip(config.translation_drift, config.rotation_drift, strict=True)
    for row, (translation, rotation) in zip(past[::-1, :6], drifts, strict=False):
        total = total + row * np.repeat([translation, rotation], 3)
    return answer(tcp, total, config)
