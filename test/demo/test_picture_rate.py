# SPDX-License-Identifier: Apache-2.0
"""A machine that renders too slowly is told so before the first episode, with what to do."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.picture_rate import PictureRate, judge


@pytest.mark.parametrize("rate_hz", [15.0, 20.0, 60.0])
def test_a_machine_that_is_fast_enough_is_not_complained_of(rate_hz: float) -> None:
    assert judge(rate_hz, 20.0) == ""


@pytest.mark.parametrize("rate_hz", [5.1, 10.0, 14.9])
def test_a_slow_machine_is_warned_of(rate_hz: float) -> None:
    said = judge(rate_hz, 20.0)
    for words in (f"{rate_hz:.1f} pictures", "needs 20", "--lockstep", "image_size: 64"):
        assert words in said


@pytest.mark.parametrize("rate_hz", [0.0, 1.0, 4.9])
def test_a_hopeless_machine_ends_the_run_with_a_remedy(rate_hz: float) -> None:
    with pytest.raises(DemoError, match=r"needs 20: add --lockstep"):
        judge(rate_hz, 20.0)


@pytest.fixture
def node(ros_domain: int) -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    node = rclpy.create_node("evaluator", context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_the_rate_is_that_of_the_pictures(node: Any) -> None:
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    rate = PictureRate(node, "agentview")
    camera = node.create_publisher(CameraInfo, "agentview/camera_info", 5)
    published, began = 0, threading.Event()

    def publish() -> None:
        nonlocal published
        published += began.is_set()
        camera.publish(CameraInfo())

    node.create_timer(0.05, publish)
    waiter = Waiter(executor, ())
    waiter.until(lambda: "" if camera.get_subscription_count() else "discovery", 30.0)
    began.set()
    rate_hz = rate.measure_hz(waiter)
    assert published > 1
    assert rate_hz == pytest.approx(published / 2.0, abs=3.0)
