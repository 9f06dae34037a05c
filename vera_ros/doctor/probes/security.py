# SPDX-License-Identifier: Apache-2.0
"""Starts a node in an enclave, with its keys or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vera_ros.bringup.enclaves import enclave_of, secure_environment
from vera_ros.bringup.middleware import RANGE
from vera_ros.doctor.probes.wire import Tell, run

os.environ[RANGE] = "OFF"  # it has the keys of a node that may be running

import rclpy

from vera_ros.nodes.common.parameters.ros_options import rcl_message


def probe(asked: dict[str, Any], tell: Tell) -> Callable[[], None] | None:
    """Report as `error` why a node of this enclave does not start; empty: it does."""
    os.environ.update(secure_environment(Path(asked["keystore"])))
    name, namespace = asked["name"], asked["namespace"]
    try:
        rclpy.init(args=["--ros-args", "--enclave", enclave_of(namespace, name)])
        node = rclpy.create_node(
            name, namespace=namespace
        )  # only of this name it may have services
    except RuntimeError as error:  # rclpy's RCLError
        tell("error", rcl_message(error))
        return None
    tell("error", "")

    def clean_up() -> None:
        node.destroy_node()
        rclpy.shutdown()

    return clean_up


if __name__ == "__main__":
    run(probe)
