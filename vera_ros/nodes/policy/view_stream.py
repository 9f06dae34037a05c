# SPDX-License-Identifier: Apache-2.0
"""The stream of pictures of one camera view: subscription, decoding, and bad pictures."""

from collections import deque
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from vera_ros.errors import ImageError, VeraRosError
from vera_ros.nodes.common.conversions import (
    LOSSLESS_DEPTH,
    SENSOR_DEPTH,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.image_topics import all_reliable, describe_publishers
from vera_ros.vision.compressed_images import decode
from vera_ros.vision.images import RgbImage, to_rgb

_RECENT = 20  # pictures of which the share of bad ones is taken
_AHEAD_S = 0.5  # stamps further ahead of ROS time than that are wrong
_BEHIND_S = 10.0  # no delay on the way explains stamps that are older
_BOOT_S = 1e9  # an earlier time counts from a start, not from 1970


class ViewStream:
    """Subscribes to a view, and passes its pictures on; bad ones are dropped and counted.

    Args:
        node: the rclpy node.
        view: the view's key.
        topic: the parameter's topic, without /compressed.
        add: keeps a picture (view, stamp [ns], RGB); raises ImageError.
        newest_ns: returns the stamp of the view's newest picture that is kept [ns]; None: none is.
        on_picture: called after each good picture.
        on_fault: called with the reason when too many of the last pictures were bad.

    Attributes:
        bad: number of bad pictures.
        reliable: whether the present subscription requests reliable delivery.
    """

    def __init__(
        self,
        node: VeraNode,
        view: str,
        topic: str,
        add: Callable[[str, int, RgbImage], object],
        newest_ns: Callable[[str], int | None],
        on_picture: Callable[[], None],
        on_fault: Callable[[str], None],
    ) -> None:
        p = node.parameters
        compressed = p["image_transport"] == "compressed"
        self._node = node
        self._view = view
        self._kind = CompressedImage if compressed else Image
        self._decode: Callable[[Any], RgbImage] = decode if compressed else to_rgb
        self._topic = node.resolve_topic_name(f"{topic}/compressed" if compressed else topic)
        self._add, self._newest_ns = add, newest_ns
        self._on_picture, self._on_fault = on_picture, on_fault
        self._lockstep = bool(p["lockstep"])
        self._reliability = str(p["image_reliability"])
        self._most_bad = p["bad_picture_share"] * _RECENT
        self._recent: deque[str] = deque(maxlen=_RECENT)  # faults; empty: a good picture
        self._stamp_ns: int | None = None  # of the last one that arrived, and how far ahead it was
        self._ahead_s = 0.0
        self.bad = 0
        self.reliable = self._reliability == "reliable"
        self._subscribe()

    def _subscribe(self) -> None:
        reliability = "reliable" if self.reliable else "best_effort"
        depth = LOSSLESS_DEPTH if self._lockstep else SENSOR_DEPTH
        self._subscription = self._node.create_subscription(
            self._kind, self._topic, self._on_image, sensor_qos(reliability, depth)
        )

    def adapt(self, *, busy: bool) -> None:
        """Request what every publisher offers, where image_reliability is auto.

        A new subscription loses pictures: while `busy`, only one that gets none is replaced.
        """
        if self._reliability != "auto":
            return
        reliable = all_reliable(self._node, self._topic)
        if reliable is None or reliable == self.reliable or (reliable and busy):
            return
        self._node.destroy_subscription(self._subscription)
        self.reliable = reliable
        self._subscribe()

    def _on_image(self, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        if self._lockstep and stamp_ns == self._newest_ns(self._view):
            return  # while time stands still, the same picture is repeated
        self._stamp_ns = stamp_ns
        self._ahead_s = float(stamp_ns - self._node.get_clock().now().nanoseconds) * 1e-9
        try:
            self._check_stamp()
            self._add(self._view, stamp_ns, self._decode(message))
        except VeraRosError as error:
            self._drop(str(error))
        else:
            self._recent.append("")
            self._on_picture()

    def _check_stamp(self) -> None:
        """Refuse a stamp that would hide all pictures until then; lockstep's clock may lag."""
        if self._ahead_s > _AHEAD_S and not self._lockstep:
            raise ImageError(self._stamp_fault())

    def _drop(self, fault: str) -> None:
        self.bad += 1
        self._recent.append(fault)
        bad = sum(bool(each) for each in self._recent)
        words = f"view '{self._view}': {fault}"
        self._node.get_logger().error(
            f"picture dropped ({self.bad} so far): {words}", throttle_duration_sec=5.0
        )
        if bad > self._most_bad:
            self._on_fault(
                f"{bad} of the last {len(self._recent)} pictures were bad; valid is a share of "
                f"up to bad_picture_share, {self._most_bad / _RECENT:g}; {words}"
            )

    # Explanations.

    def explain(self) -> str:
        """Return why pictures are missing or cannot be used; empty: not known."""
        bad = [fault for fault in self._recent if fault]
        if bad:
            return f"{len(bad)} of the last {len(self._recent)} pictures were bad: {bad[-1]}"
        if self._stamp_ns is not None:
            return self._stamp_fault()
        return describe_publishers(self._node, self._topic, self._kind, reliable=self.reliable)

    def _stamp_fault(self) -> str:
        """Return what is wrong with the last stamp; empty: nothing."""
        ahead_s, stamp_s = self._ahead_s, (self._stamp_ns or 0) * 1e-9
        if -_BEHIND_S <= ahead_s <= _AHEAD_S:
            return ""
        now_s = stamp_s - ahead_s
        where = f"{self._topic} is stamped {stamp_s:.3f} s, "
        if stamp_s < 1e-3:
            return f"{where}which is no time; have the camera driver set header.stamp"
        if now_s < 1e-3:
            return (
                f"{where}and ROS time is 0: use_sim_time is true, and nothing publishes /clock; "
                "start the simulation, or set use_sim_time to false"
            )
        if (stamp_s < _BOOT_S) != (now_s < _BOOT_S):
            return (
                f"{where}ROS time is {now_s:.3f} s: one is simulated, or counts from a start; set "
                "use_sim_time alike on all nodes, or have the driver stamp with ROS time"
            )
        relation = "ahead of" if ahead_s > 0.0 else "behind"
        return (
            f"{where}{abs(ahead_s):.1f} s {relation} ROS time; synchronize the clocks of both "
            "machines, for instance with chrony, or have the driver stamp with ROS time"
        )
