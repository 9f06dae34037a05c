# SPDX-License-Identifier: Apache-2.0
"""The robot's URDF, from a parameter or from the topic robot_description."""

import hashlib
import re
from typing import Any

from std_msgs.msg import String

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.common.discovery import only_here

TOPIC = "robot_description"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def check_sha256(what: str, digest: str) -> None:
    """Raise ConfigurationError unless this is a SHA-256 digest, or empty."""
    if digest and not _SHA256.fullmatch(digest):
        raise ConfigurationError(
            f"{what} is '{digest}'; valid are the 64 hexadecimal digits, in lower case, that "
            "ik_node logs when it receives the description by topic"
        )


class Description:
    """Keeps the URDF that was received last, and the one that its node is configured with.

    The arm's model, its limits and the TCP are made of it: another one, however it comes, is not
    used before the node is configured anew.

    Args:
        node: the rclpy node, with its `parameters`.

    Attributes:
        by_topic: whether the URDF comes by topic.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._received: str = node.parameters["robot_description"]
        self._pinned: str = node.parameters["robot_description_sha256"]
        self._used: str | None = None
        self.by_topic = not self._received
        if self.by_topic:
            node.create_subscription(String, TOPIC, self._on_message, LATCHED)

    def waiting_for(self) -> str:
        """Return what is missing; empty: nothing."""
        if self._received:
            return ""
        return f"robot_description, as a parameter or on its latched topic{only_here()}"

    def use(self) -> str:
        """Return the URDF to configure the node with; others are not used until `release`.

        Raises:
            ConfigurationError: it is not the one that robot_description_sha256 demands.
        """
        # A parameter comes without the spaces and line breaks around it: both have one digest.
        digest = hashlib.sha256(self._received.strip().encode()).hexdigest()
        if self._pinned not in ("", digest):
            raise ConfigurationError(
                f"{TOPIC} has the SHA-256 {digest}, and robot_description_sha256 is "
                f"{self._pinned}; if the robot was changed on purpose, set the parameter to the "
                "former"
            )
        if self.by_topic:
            self._node.get_logger().info(f"{TOPIC} has the SHA-256 {digest}")
        self._used = self._received
        return self._used

    def release(self) -> None:
        """Take the newest URDF when the node is configured next."""
        self._used = None

    def warnings(self) -> list[str]:
        """Return that the last URDF received is not the one in use; empty: it is."""
        if self._used in (None, self._received):
            return []
        return [
            f"another {TOPIC} was published, and is not used; if the robot was changed, clean up "
            "ik_node and configure it again"
        ]

    def _on_message(self, message: String) -> None:
        self._received = message.data
