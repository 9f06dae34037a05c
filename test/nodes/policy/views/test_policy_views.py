# SPDX-License-Identifier: Apache-2.0
"""The views of policy_node: what comes in, what is wrong with it, and what a window sees of it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from vera_ros.embodiments import find_embodiment
from vera_ros.nodes.common.conversions import ns_to_stamp, rgb_to_image, sensor_qos
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.views.image_topics import reliable_share
from vera_ros.nodes.policy.views.policy_views import PolicyViews
from vera_ros.wire.protocol.server_config import ServerConfig

from ...stage import ScriptedPolicy, Stage

AGENT, HAND = find_embodiment("mimicgen").view_keys


class Viewer(VeraNode):
    """A node that looks at the views, and does nothing else."""

    def __init__(self, **options: Any) -> None:
        super().__init__("viewer", PARAMETERS, **options)
        self.pictures = 0
        self.busy = False
        self.faults: list[str] = []

    def setup(self) -> None:
        events = self.on_picture, self.faults.append
        self.views = PolicyViews(self, find_embodiment("mimicgen"), *events, lambda: self.busy)

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


def spoil(stage: Stage, how: str, every: int) -> None:
    """Have every so many pictures spoilt."""
    picture, count = stage.picture, iter(range(10**6))

    def spoilt(stamp_ns: int) -> Any:
        image = picture(stamp_ns)
        if next(count) % every == every - 1:
            if how == "encoding":
                image.encoding = "smellovision8"
            elif how == "empty":
                image.data = b""
            elif how == "size":
                image = rgb_to_image(np.zeros((8, 8, 3), np.uint8), stamp_ns, "camera")
            elif how == "short":
                image.data = image.data[:-7]
            elif how == "long":
                image.data = bytes(image.data) + bytes(5)
            elif how == "step":
                image.step -= 1
            elif how == "ahead":
                image.header.stamp = ns_to_stamp(stamp_ns + 4_000_000_000)
        return image

    stage.picture = spoilt


BAD = {
    "encoding": "smellovision8",
    "empty": "empty",
    "size": "changed its size",
    "short": "makes",
    "long": "makes",
    "step": "step is",
    "ahead": "s ahead of ROS time; synchronize",
}


@pytest.mark.parametrize("how", BAD)
def test_a_few_bad_pictures_are_dropped_and_counted(stage: Stage, how: str) -> None:
    stage.cameras = ("robot0_eye_in_hand",)
    spoil(stage, how, every=4)
    viewer = add_viewer(stage)
    stream = viewer.views.streams[HAND]
    stage.wait_until(lambda: stream.bad >= 4 and viewer.pictures >= 10, "pictures")
    assert viewer.faults == []
    newest_ns = viewer.views.buffer.newest_stamp_ns(HAND)
    assert newest_ns is not None
    assert newest_ns <= stage.now_ns
    assert BAD[how] in viewer.views.explain([HAND])


@pytest.mark.parametrize("how", [how for how in BAD if how != "size"])
def test_too_many_bad_pictures_are_a_fault_that_names_view_share_and_reason(
    stage: Stage, how: str
) -> None:
    stage.cameras = ("robot0_eye_in_hand",)
    spoil(stage, how, every=1)
    viewer = add_viewer(stage, bad_picture_share=0.2)
    stage.wait_until(lambda: viewer.faults, "a fault")
    for words in (f"view '{HAND}'", "5 of the last 5", "bad_picture_share, 0.2", BAD[how]):
        assert words in viewer.faults[0]
    assert viewer.pictures == 0


def test_an_allowed_share_of_zero_forgives_nothing(stage: Stage) -> None:
    spoil(stage, "empty", every=3)
    viewer = add_viewer(stage, bad_picture_share=0.0)
    stage.wait_until(lambda: viewer.faults, "a fault")
    assert viewer.views.streams[AGENT].bad + viewer.views.streams[HAND].bad == 1


# Quality of service.


def camera(stage: Stage, reliability: str, name: str = "agentview/image_raw") -> Any:
    return stage.node.create_publisher(Image, name, sensor_qos(reliability))


@pytest.fixture
def dark(stage: Stage) -> Stage:
    """Return the stage without its own cameras."""
    stage.cameras = ()
    for publisher in stage._images.values():
        stage.node.destroy_publisher(publisher)
    stage._images.clear()
    return stage


def test_delivery_is_reliable_where_every_publisher_offers_it(dark: Stage) -> None:
    viewer = add_viewer(dark)
    stream = viewer.views.streams[AGENT]
    assert not stream.reliable
    publisher = camera(dark, "reliable")
    dark.wait_until(lambda: stream.reliable, "the new subscription")
    dark.wait_until(publisher.get_subscription_count, "the camera")
    publisher.publish(rgb_to_image(np.zeros((8, 8, 3), np.uint8), dark.now_ns, "camera"))
    dark.wait_until(lambda: viewer.pictures, "a picture")
    camera(dark, "best_effort")
    dark.wait_until(lambda: not stream.reliable, "the old subscription")


def test_an_episode_keeps_its_subscriptions(dark: Stage) -> None:
    viewer = add_viewer(dark)
    viewer.busy = True
    stream = viewer.views.streams[AGENT]
    camera(dark, "reliable")
    dark.wait_until(lambda: reliable_share(viewer, "/agentview/image_raw"), "discovery")
    stream.adapt(busy=True)
    assert not stream.reliable
    stream.adapt(busy=False)
    assert stream.reliable


@pytest.mark.parametrize(("asked", "reliable"), [("best_effort", False), ("reliable", True)])
def test_what_is_set_is_kept(dark: Stage, asked: str, reliable: bool) -> None:
    viewer = add_viewer(dark, image_reliability=asked)
    camera(dark, "best_effort" if reliable else "reliable")
    stream = viewer.views.streams[AGENT]
    dark.wait_until(lambda: reliable_share(viewer, "/agentview/image_raw") is not None, "discovery")
    stream.adapt(busy=False)
    assert stream.reliable is reliable


# Explanations.


@contextmanager
def another_process(stage: Stage) -> Iterator[Any]:
    """A node with a DDS participant of its own, as in another process."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=stage.node.context.get_domain_id())
    node = rclpy.create_node("driver", context=context)
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def explained(stage: Stage, viewer: Viewer, words: str) -> str:
    stage.wait_until(lambda: words in viewer.views.explain([AGENT]), words)
    return viewer.views.explain([AGENT])


def test_a_misspelt_topic_is_named_with_what_is_published(dark: Stage) -> None:
    camera(dark, "reliable", "front/image_raw")
    viewer = add_viewer(dark, view_topics=["fornt/image_raw", "hand/image_raw"])
    said = explained(dark, viewer, "did you mean /front/image_raw?")
    assert "nothing publishes /fornt/image_raw (sensor_msgs/msg/Image)" in said


def test_a_camera_that_does_not_run_is_named(dark: Stage) -> None:
    viewer = add_viewer(dark)
    said = explained(dark, viewer, "start the camera driver")
    assert "/agentview/image_raw" in said


@pytest.mark.parametrize(
    ("kind", "published", "parameters", "remedy"),
    [
        (CompressedImage, "x", {"view_topics": ["x", "y"]}, "image_transport to compressed, and"),
        (CompressedImage, "x/compressed", {"view_topics": ["x", "y"]}, "to compressed"),
        (Image, "x", {"view_topics": ["x", "y"], "image_transport": "compressed"}, "to raw"),
        (
            CompressedImage,
            "x/compressed",
            {"view_topics": ["x/compressed", "y"], "image_transport": "compressed"},
            "leave it out of view_topics",
        ),
        (String, "x", {"view_topics": ["x", "y"]}, "std_msgs/msg/String, not as sensor_msgs/msg"),
    ],
)
def test_another_type_or_transport_is_named_with_what_to_set(
    dark: Stage, kind: type, published: str, parameters: dict[str, Any], remedy: str
) -> None:
    with another_process(dark) as node:  # one participant may have a topic with one type only
        node.create_publisher(kind, published, 10)
        explained(dark, add_viewer(dark, **parameters), remedy)


def test_reliability_that_is_not_offered_is_named(dark: Stage) -> None:
    camera(dark, "best_effort")
    viewer = add_viewer(dark, image_reliability="reliable")
    said = explained(dark, viewer, "with best effort")
    assert "/stage" in said
    assert "set it to auto or best_effort" in said


@pytest.mark.parametrize(
    ("stamp_ns", "words"),
    [
        (lambda now_ns: 0, "set header.stamp"),
        (lambda now_ns: 3_600_000_000_000, "counts from a start"),
        (lambda now_ns: now_ns - 25_000_000_000, "25.0 s behind ROS time"),
    ],
)
def test_stamps_that_are_not_of_ros_time_are_named(
    dark: Stage, stamp_ns: Callable[[int], int], words: str
) -> None:
    viewer = add_viewer(dark)
    publisher = camera(dark, "best_effort")
    dark.wait_until(publisher.get_subscription_count, "the viewer")
    picture, number = np.zeros((8, 8, 3), np.uint8), itertools.count()

    def publish() -> None:
        publisher.publish(rgb_to_image(picture, stamp_ns(dark.now_ns) + next(number), "camera"))

    dark.node.create_timer(0.05, publish)
    explained(dark, viewer, words)


def test_simulated_time_without_a_clock_is_named(dark: Stage) -> None:
    viewer = add_viewer(dark, use_sim_time=True)
    publisher = camera(dark, "best_effort")
    dark.wait_until(publisher.get_subscription_count, "the viewer")
    picture = np.zeros((8, 8, 3), np.uint8)
    dark.node.create_timer(
        0.05, lambda: publisher.publish(rgb_to_image(picture, dark.now_ns, "camera"))
    )
    assert "nothing publishes /clock" in explained(dark, viewer, "use_sim_time is true")


def test_a_camera_that_dies_is_explained_by_the_graph_not_by_its_last_pictures(
    stage: Stage,
) -> None:
    spoil(stage, "empty", every=3)
    viewer = add_viewer(stage)
    stage.wait_until(lambda: viewer.views.streams[AGENT].bad, "a bad picture")
    stage.cameras = ()
    explained(stage, viewer, "/stage publishes /agentview/image_raw, but nothing arrives")


def test_a_second_publisher_takes_no_pictures_from_an_episode(dark: Stage) -> None:
    viewer = add_viewer(dark, image_reliability="auto")
    stream = viewer.views.streams[AGENT]
    first = camera(dark, "reliable")
    dark.wait_until(lambda: stream.reliable, "the subscription")
    viewer.busy = True
    camera(dark, "best_effort")
    dark.wait_until(lambda: reliable_share(viewer, "/agentview/image_raw") == 0.5, "discovery")
    stream.adapt(busy=True)
    assert stream.reliable
    dark.node.destroy_publisher(first)
    dark.wait_until(lambda: not stream.reliable, "the one that is left")


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
    counts = dict(viewer.views.buffer.counts)
    settings = ScriptedPolicy(view_keys=[HAND, AGENT]).server_config()
    window = viewer.views.make_window(ServerConfig.from_wire(settings))
    buffer = viewer.views.buffer
    assert buffer.view_keys == (HAND, AGENT)
    assert [buffer.newest_stamp_ns(view) for view in (HAND, AGENT)] == [None, None]
    assert buffer.counts == counts
    assert (window.fill, window.size) == (0, settings["context_frames"])


def test_every_view_needs_a_topic(stage: Stage) -> None:
    viewer = stage.add(Viewer, view_topics=["one"], autostart=False)
    viewer.trigger_configure()
    assert "'view_topics' has 1 topics, ['one']" in str(viewer.fault)
    assert AGENT in str(viewer.fault)


@pytest.mark.parametrize("topics", [["x", "x"], ["x", "/x"]])
def test_one_topic_for_two_views_is_refused(stage: Stage, topics: list[str]) -> None:
    viewer = stage.add(Viewer, view_topics=topics, autostart=False)
    viewer.trigger_configure()
    assert f"'/x' for both '{AGENT}' and '{HAND}'" in str(viewer.fault)
