# SPDX-License-Identifier: Apache-2.0
"""The views of policy_node: what comes in, what is wrong with it, and what a window sees of it."""

from typing import Any

import numpy as np
from sensor_msgs.msg import Image

from vera_ros.embodiments import find_embodiment
from vera_ros.nodes.common.conversions import rgb_to_image
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.views import PolicyViews
from vera_ros.wire.server_config import ServerConfig

from ..stage import ScriptedPolicy, Stage

AGENT, HAND = find_embodiment("mimicgen").view_keys


class Viewer(VeraNode):
    """A node that looks at the views, and does nothing else."""

    def __init__(self, **options: Any) -> None:
        super().__init__("viewer", PARAMETERS, **options)
        self.pictures = 0
        self.faults: list[str] = []

    def setup(self) -> None:
        self.views = PolicyViews(
            self, find_embodiment("mimicgen"), self.on_picture, self.faults.append
        )

    def on_picture(self) -> None:
        self.pictures += 1

    def received(self, view: str) -> int:
        return self.views.buffer.counts[view].received


def add_viewer(stage: Stage, **parameters: Any) -> Viewer:
    viewer = stage.add(Viewer, **parameters)
    stage.wait_until_active(viewer)
    return viewer


def see_both(stage: Stage, viewer: Viewer) -> None:
    stage.wait_until(lambda: viewer.received(AGENT) and viewer.received(HAND), "pictures")


def test_every_picture_is_told_of(stage: Stage) -> None:
    viewer = add_viewer(stage)
    see_both(stage, viewer)
    assert viewer.pictures == viewer.received(AGENT) + viewer.received(HAND)
    assert viewer.faults == []


def test_a_picture_that_cannot_be_used_is_a_fault_that_names_the_view(stage: Stage) -> None:
    stage.cameras = ("robot0_eye_in_hand",)
    viewer = add_viewer(stage)
    picture = stage.picture

    def spoilt(stamp_ns: int) -> Any:
        image = picture(stamp_ns)
        image.encoding = "smellovision8"
        return image

    stage.picture = spoilt
    stage.wait_until(lambda: viewer.faults, "a fault")
    assert f"view '{HAND}'" in viewer.faults[0]
    assert "smellovision8" in viewer.faults[0]


def test_in_lockstep_the_present_counts_once(stage: Stage) -> None:
    stage.cameras = ()
    viewer = add_viewer(stage, lockstep=True, image_reliability="reliable")
    camera = stage.node.create_publisher(Image, "agentview/image_raw", 10)
    stage.wait_until(camera.get_subscription_count, "the viewer")
    picture = np.zeros((8, 8, 3), np.uint8)
    for stamp_ns in (1_000, 1_000, 1_000, 2_000):
        camera.publish(rgb_to_image(picture, stamp_ns, "camera"))
    stage.wait_until(lambda: viewer.views.buffer.newest_stamp_ns(AGENT) == 2_000, "the last one")
    assert viewer.pictures == viewer.received(AGENT) == 2


def test_a_window_has_the_servers_order_and_nothing_of_before(stage: Stage) -> None:
    viewer = add_viewer(stage)
    see_both(stage, viewer)
    stage.cameras = ()
    before, counts = viewer.views.buffer, dict(viewer.views.buffer.counts)
    settings = ScriptedPolicy(view_keys=[HAND, AGENT]).server_config()
    window = viewer.views.make_window(ServerConfig.from_wire(settings))
    buffer = viewer.views.buffer
    assert buffer is not before
    assert buffer.view_keys == (HAND, AGENT)
    assert [buffer.newest_stamp_ns(view) for view in (HAND, AGENT)] == [None, None]
    assert buffer.counts == counts
    assert (window.fill, window.size) == (0, settings["context_frames"])


def test_every_view_needs_a_topic(stage: Stage) -> None:
    viewer = stage.add(Viewer, view_topics=["one"], autostart=False)
    viewer.trigger_configure()
    assert "view_topics has 1 topics" in str(viewer.fault)
    assert AGENT in str(viewer.fault)
