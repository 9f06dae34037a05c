# SPDX-License-Identifier: Apache-2.0
"""The Fast DDS profile for pictures: it loads, it takes effect, and pictures come through."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from vera_ros.resources import share_path

VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
SEGMENT = 16 * 1024 * 1024
HEIGHT, WIDTH = 720, 1280
LONG_S = 60.0

# Says the largest piece of shared memory that its participant has.
PARTICIPANT = """
import pathlib, re
import rclpy
rclpy.init()
node = rclpy.create_node("participant")
maps = pathlib.Path("/proc/self/maps").read_text()
pieces = set(re.findall("/dev/shm/fastrtps_[0-9a-f]{16}", maps))
print(max((pathlib.Path(piece).stat().st_size for piece in pieces), default=0))
"""
# Publishes pictures until it is stopped.
CAMERA = f"""
import array, time
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node("camera")
qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
publisher = node.create_publisher(Image, "image_raw", qos)
image = Image(height={HEIGHT}, width={WIDTH}, encoding="rgb8", step={3 * WIDTH})
image.data = array.array("B", bytes([7]) * {3 * WIDTH * HEIGHT})
node.create_timer(0.05, lambda: publisher.publish(image))
rclpy.spin(node)
"""

pytestmark = pytest.mark.skipif(
    "fastrtps" not in rclpy.get_rmw_implementation_identifier(), reason="is for Fast DDS"
)


@pytest.fixture
def profile(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, str(share_path("config", "fastdds_large_data.xml")))


def largest_segment() -> int:
    ran = subprocess.run(
        [sys.executable, "-c", PARTICIPANT],
        text=True,
        capture_output=True,
        timeout=LONG_S,
        check=True,
    )
    assert "XMLPARSER" not in ran.stderr
    return int(ran.stdout)


@pytest.mark.usefixtures("profile")
def test_the_profile_takes_effect() -> None:
    assert largest_segment() >= SEGMENT


def test_without_it_no_picture_fits(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nobody would need it."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    assert largest_segment() < 640 * 480 * 3


@pytest.fixture
def camera(profile: None) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", CAMERA]) as process:
        yield
        process.kill()


@pytest.mark.usefixtures("camera")
def test_pictures_come_through() -> None:
    images: list[Image] = []
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node("viewer", context=context)
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        node.create_subscription(Image, "image_raw", images.append, qos)
        executor = rclpy.executors.SingleThreadedExecutor(context=context)
        executor.add_node(node)
        deadline = time.monotonic() + LONG_S
        while len(images) < 10 and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    assert len(images) == 10
    assert bytes(images[-1].data) == bytes([7]) * (3 * WIDTH * HEIGHT)
