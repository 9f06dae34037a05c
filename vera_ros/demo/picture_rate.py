# SPDX-License-Identifier: Apache-2.0
"""Measures whether the machine renders pictures fast enough for a run in real time."""

import time
from typing import Any

from sensor_msgs.msg import CameraInfo

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.nodes.common.conversions import sensor_qos

_MEASURE_S = 2.0
_POOR = 0.75  # of the policy's rate: some steps find no new picture
_HOPELESS = 0.25  # views are too old to be used
_REMEDY = (
    "add --lockstep, where simulated time waits for the pictures; or have fewer pixels, with "
    "image_size: 64 for sim_node in a copy of its parameter file that --config names; or "
    "stop what else loads the machine"
)


class PictureRate:
    """Counts the pictures of one camera.

    Args:
        node: the rclpy node with the subscription.
        camera: base of the camera's topics, such as `agentview`.
    """

    def __init__(self, node: Any, camera: str) -> None:
        self._count = 0
        topic, qos = f"{camera}/camera_info", sensor_qos("best_effort")
        node.create_subscription(CameraInfo, topic, self._on_picture, qos)

    def _on_picture(self, _: CameraInfo) -> None:
        self._count += 1

    def measure_hz(self, waiter: Waiter) -> float:
        """Return the pictures per second of real time [Hz], measured for two seconds."""
        before, began_s = self._count, time.monotonic()
        end_s = began_s + _MEASURE_S
        waiter.until(lambda: "pictures" if time.monotonic() < end_s else "", 2.0 * _MEASURE_S)
        return (self._count - before) / (time.monotonic() - began_s)


def judge(rate_hz: float, needed_hz: float) -> str:
    """Return a warning if the pictures are too slow; empty: they are not.

    Raises:
        DemoError: they are so slow that no episode could succeed; the message says what to do.
    """
    if rate_hz >= _POOR * needed_hz:
        return ""
    words = (
        f"this machine renders {rate_hz:.1f} pictures of each camera per second; the policy needs "
        f"{needed_hz:g}"
    )
    if rate_hz < _HOPELESS * needed_hz:
        raise DemoError(f"{words}: {_REMEDY}")
    return f"{words}, so steps may find no new picture. {_REMEDY[0].upper()}{_REMEDY[1:]}"
