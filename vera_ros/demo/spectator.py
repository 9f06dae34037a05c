# SPDX-License-Identifier: Apache-2.0
"""The subscriptions of a run: pictures, the simulator's truth, and policy_node's diagnostics."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from vera_ros.demo.film.recorder import Recorder
from vera_ros.nodes.common.conversions import LOSSLESS_DEPTH, sensor_qos, stamp_to_ns
from vera_ros.vision.images import to_rgb
from vera_ros_interfaces.msg import TaskTruth


class Spectator:
    """Receives what the nodes of a run publish, and keeps the latest of it.

    Args:
        node: that subscribes.
        views: view names and the base of their topics, e.g. `agentview`.
        recorder: records the pictures; None: no film, and no pictures are received.
        lossless: no picture may be lost, as in lockstep.
        on_truth: called with each truth.
        on_picture: called with view and stamp [ns] of each picture.

    Attributes:
        views: names of the views.
        truth: the simulator's latest truth; None: none was received.
        truth_arrived_s: when that arrived, steady time.
        diagnostics: policy_node's last values, by key; those of views and latencies with their
            part's name before it.
    """

    def __init__(
        self,
        node: Node,
        views: Mapping[str, str],
        recorder: Recorder | None,
        *,
        lossless: bool,
        on_truth: Callable[[TaskTruth], None],
        on_picture: Callable[[str, int], None],
    ) -> None:
        self.views = tuple(views)
        self._recorder = recorder
        self._on_new_truth = on_truth
        self._on_picture = on_picture
        self._picture_ns: dict[str, int | None] = dict.fromkeys(views)
        self._scene_since_ns = 0
        self.truth: TaskTruth | None = None
        self.truth_arrived_s = time.monotonic()
        self.diagnostics: dict[str, str] = {}
        node.create_subscription(TaskTruth, "task_truth", self._on_truth, LOSSLESS_DEPTH)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        qos = sensor_qos("reliable", LOSSLESS_DEPTH) if lossless else sensor_qos("best_effort")
        for view, topic in views.items():
            # Without a film, their camera_info suffices to count the pictures.
            kind, name, callback = (
                (CameraInfo, "camera_info", self._on_camera_info)
                if recorder is None
                else (Image, "image_raw", self._on_image)
            )
            node.create_subscription(kind, f"{topic}/{name}", partial(callback, view), qos)

    def missing(self) -> str:
        """Return what has not been received yet; empty: everything has."""
        if self.truth is None:
            return "sim_node's task_truth"
        unseen = [view for view, stamp_ns in self._picture_ns.items() if stamp_ns is None]
        return f"sim_node's pictures {', '.join(unseen)}" if unseen else ""

    def missing_scene(self, seed: int, resets: int) -> str:
        """Return what has not been received of a scene; empty: everything has.

        Args:
            seed: of the scene.
            resets: the simulator's count of resets before the scene was set.
        """
        truth = self.truth
        if truth is None or truth.seed != seed or truth.resets <= resets:
            return f"sim_node's task_truth of the scene of seed {seed}"
        return self.missing_pictures(self._scene_since_ns)

    def missing_pictures(self, since_ns: int) -> str:
        """Return the views without a picture of this time or later; empty: none."""
        unseen = [view for view, stamp_ns in self._picture_ns.items() if (stamp_ns or 0) < since_ns]
        since_s = since_ns * 1e-9
        return f"sim_node's pictures {', '.join(unseen)} of {since_s:.3f} s" if unseen else ""

    def _on_truth(self, truth: TaskTruth) -> None:
        if self.truth is None or truth.resets != self.truth.resets:
            self._scene_since_ns = stamp_to_ns(truth.header.stamp)
        self.truth = truth
        self.truth_arrived_s = time.monotonic()
        self._on_new_truth(truth)

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        found: dict[str, str] = {}
        for status in array.status:
            name, _, part = status.name.partition(": ")
            if name.rsplit("/", 1)[-1] == "policy_node":
                prefix = "" if part in ("", "server") else f"{part} "
                found |= {f"{prefix}{value.key}": value.value for value in status.values}
        self.diagnostics = found or self.diagnostics

    def _on_camera_info(self, view: str, message: CameraInfo) -> None:
        self._note_picture(view, stamp_to_ns(message.header.stamp))

    def _on_image(self, view: str, message: Image) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        is_new = stamp_ns != self._picture_ns.get(view)
        self._note_picture(view, stamp_ns)
        if self._recorder is not None and self._recorder.rolling and is_new:
            self._recorder.see(view, stamp_ns, to_rgb(message))

    def _note_picture(self, view: str, stamp_ns: int) -> None:
        self._picture_ns[view] = stamp_ns
        self._on_picture(view, stamp_ns)
