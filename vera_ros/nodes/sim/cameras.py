# SPDX-License-Identifier: Apache-2.0
"""The cameras of sim_node: the topics image_raw and camera_info."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from vera_ros.embodiments import find_embodiment
from vera_ros.nodes.common.conversions import LOSSLESS_DEPTH, ns_to_stamp, rgb_to_image, sensor_qos
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.sim.camera_thread import CameraThread, Snapshot
from vera_ros.robots.registry import find_robot
from vera_ros.robots.stacking.arms.simulated_arm import SimulatedArm
from vera_ros.robots.stacking.scene import load_model
from vera_ros.sim.cameras import Intrinsics
from vera_ros.sim.renderer import CameraRenderer
from vera_ros.sim.sabotage import Sabotage


class SimCameras:
    """Publishes image_raw and camera_info of each camera; in lockstep, no picture is skipped.

    Args:
        node: the rclpy node.
        arm: the arm in the scene.

    Raises:
        VeraRosError: rendering is not possible; the message says what is missing.
    """

    def __init__(self, node: VeraNode, arm: SimulatedArm) -> None:
        p = node.parameters
        cameras = find_robot(p["embodiment"]).cameras
        lockstep, reliability = p["lockstep"], p["image_reliability"]
        qos = sensor_qos(reliability, LOSSLESS_DEPTH) if lockstep else sensor_qos(reliability)
        self._publishers = {
            view: (
                node.create_publisher(Image, f"{camera.topic}/image_raw", qos),
                node.create_publisher(CameraInfo, f"{camera.topic}/camera_info", qos),
                f"{camera.topic}_optical",
            )
            for view, camera in cameras.items()
        }
        self._thread = CameraThread(
            partial(_open_renderer, p, arm),
            Sabotage(p["sabotage"]),
            tuple(cameras),
            self._publish,
        )
        self._take = self._thread.take_now if lockstep else self._thread.take

    @property
    def skipped(self) -> int:
        """Number of snapshots that were skipped since rendering was behind."""
        return self._thread.skipped

    def take(self, snapshot: Snapshot) -> None:
        """Render a snapshot; in lockstep, wait until its pictures are published."""
        self._take(snapshot)

    def close(self) -> None:
        """Stop the cameras' thread."""
        self._thread.stop()

    def _publish(self, pictures: Mapping[str, NDArray[np.uint8]], stamp_ns: int) -> None:
        """Publish the pictures; called in the cameras' thread."""
        for view, picture in pictures.items():
            images, infos, frame_id = self._publishers[view]
            images.publish(rgb_to_image(picture, stamp_ns, frame_id))
            infos.publish(camera_info(self._thread.intrinsics[view], stamp_ns, frame_id))


def _open_renderer(p: Mapping[str, Any], arm: SimulatedArm) -> CameraRenderer:
    """Return a renderer of the embodiment's views, image_size px high."""
    cameras = find_robot(p["embodiment"]).cameras
    height, width = find_embodiment(p["embodiment"]).resolution
    size = (p["image_size"], round(p["image_size"] * width / height))
    model = load_model(cameras.values(), p["table"], arm)
    return CameraRenderer(model, cameras, size, p["multisamples"])


def camera_info(camera: Intrinsics, stamp_ns: int, frame_id: str) -> CameraInfo:
    """Return the CameraInfo message of a camera without distortion."""
    k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    return CameraInfo(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id),
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k,
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0],
    )
