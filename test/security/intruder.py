# SPDX-License-Identifier: Apache-2.0
"""Tries to command the arm, and prints what of it arrived: a program of test_enforcement.py."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import rclpy
from std_msgs.msg import Empty
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vera_ros_interfaces.msg import ActionChunk

TOPICS = {
    "/action_chunk": ActionChunk,
    "/arm_controller/joint_trajectory": JointTrajectory,
    "/hold": Empty,
}
SERVICES = ("/ik_node/approve", "/ik_node/hold", "/ik_node/release", "/ik_node/stop")


def attempt(create: Callable[..., Any], *arguments: Any) -> Any:
    """What is created; None: the middleware refuses it."""
    try:
        return create(*arguments)
    except RuntimeError:  # rclpy's RCLError
        return None


def main(name: str, patience_s: float) -> None:
    rclpy.init(args=[])
    node = rclpy.create_node(name)
    publishers = {
        topic: attempt(node.create_publisher, kind, topic, 10) for topic, kind in TOPICS.items()
    }
    clients = {service: attempt(node.create_client, Trigger, service) for service in SERVICES}
    answers: dict[str, Any] = {}
    published: set[str] = set()
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s and len(published) + len(answers) < len(TOPICS) + len(
        SERVICES
    ):
        rclpy.spin_once(node, timeout_sec=0.05)
        for topic, publisher in publishers.items():
            if publisher is not None and publisher.get_subscription_count():
                published.add(topic)
        for service, client in clients.items():
            if service not in answers and client is not None and client.service_is_ready():
                answers[service] = client.call_async(Trigger.Request())
    answered = [service for service, answer in answers.items() if answer.done()]
    print(json.dumps({"publishes": sorted(published), "calls": sorted(answered)}), flush=True)
    os._exit(0)  # as the nodes: the end of a DDS participant may hang


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
