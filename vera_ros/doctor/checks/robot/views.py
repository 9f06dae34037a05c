# SPDX-License-Identifier: Apache-2.0
"""Checks of the camera views, as policy_node would receive them."""

from collections.abc import Mapping
from statistics import median

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.context import NO_ROBOT_YET, Context
from vera_ros.doctor.facts.graph import GraphFacts, Topic, ViewFacts, rate_hz
from vera_ros.doctor.facts.streams import judge_delay, judge_sender
from vera_ros.doctor.finding import Finding, combined, failure, not_needed, ok, warning
from vera_ros.vision.source_rate import ARRIVING, source_rate_hz

_FAST_ENOUGH = 0.9  # of the control rate; below, ticks are skipped


def check(context: Context) -> list[Finding]:
    """Check the pictures that were received of every view."""
    configuration, facts = context.configuration, context.graph
    if not context.robot_is_up:
        return [not_needed("views", NO_ROBOT_YET)]
    findings = [
        judge(view, facts.views[view], configuration, facts) for view in configuration.view_topics
    ]
    skew_limit_s = configuration.policy["view_max_skew_s"]
    return [*findings, *judge_together(facts.views, skew_limit_s)]


def judge(name: str, view: ViewFacts, configuration: Configuration, facts: GraphFacts) -> Finding:
    """Check that a view's pictures arrive, are readable, up to date and frequent enough."""
    policy = configuration.policy
    kind = "CompressedImage" if configuration.compressed else "Image"
    remap = f"remap {configuration.view_topics[name]} in the parameter file"
    problem = judge_sender(
        name, view.topic, f"sensor_msgs/msg/{kind}", f"start the camera, or {remap}"
    )
    if problem:
        return problem
    if policy["image_reliability"] == "reliable" and not _all_reliable(view.topic):
        return failure(
            name,
            f"{view.topic.senders} publishes {view.topic.name} best effort, and policy_node "
            "requests it reliable: nothing arrives",
            "set image_reliability: auto in the parameter file",
        )
    if not view.samples:
        return failure(
            name,
            f"{view.topic.senders} publishes {view.topic.name}, but nothing arrived in "
            f"{facts.listened_s:.1f} s",
            f"ros2 topic hz {view.topic.name}; see the camera's log",
        )
    rate = rate_hz(view.samples, facts.clock)
    shown = "time stands still" if rate is None else f"{rate:.1f} Hz"
    size = "" if view.shape is None else f"{view.shape[1]} x {view.shape[0]} {view.encoding}, "
    found = f"{size}{shown}, {view.topic.name}"
    return combined(
        ok(name, found),
        [
            failure(name, view.problem, "set the camera driver's encoding to rgb8 or bgr8")
            if view.problem
            else None,
            judge_delay(
                name,
                view.samples,
                warn_s=policy["view_max_delay_s"],
                fail_s=policy["view_max_age_s"],
                parameters="view_max_delay_s, view_max_age_s",
            ),
            _judge_publishers(name, view),
            _judge_rate(name, view, rate, found, 1.0 / configuration.embodiment.control_dt_s),
        ],
    )


def judge_together(views: Mapping[str, ViewFacts], limit_s: float) -> list[Finding]:
    """Check that the views are taken at about the same time; empty: they cannot be compared."""
    name = "views together"
    stamped = (
        view.samples and all(s.stamp_s > 0.0 for s in view.samples) for view in views.values()
    )
    if len(views) < 2 or not all(stamped):
        return []
    topics = [view.topic.name for view in views.values()]
    if len(set(topics)) < len(topics):
        return [
            failure(
                name,
                f"two views come from the same topic: {', '.join(topics)}",
                "give every view its own topic in view_topics or remappings",
            )
        ]
    skew_s = _skew_s(views)
    if skew_s > limit_s:
        return [
            failure(
                name,
                f"their stamps are {skew_s * 1e3:.0f} ms apart; valid is {limit_s * 1e3:.0f} ms",
                "synchronise the cameras' clocks (chrony), raise their rates, or raise "
                "view_max_skew_s",
            )
        ]
    return [ok(name, f"stamps {skew_s * 1e3:.0f} ms apart")]


def _judge_publishers(name: str, view: ViewFacts) -> Finding | None:
    if len(view.topic.publishers) < 2:
        return None
    return warning(
        name,
        f"{view.topic.senders} publish {view.topic.name}: {len(view.topic.publishers)} cameras "
        "in one view",
        "stop one of them, or give each its own topic",
    )


def _judge_rate(
    name: str, view: ViewFacts, rate: float | None, found: str, wanted_hz: float
) -> Finding | None:
    source_hz = source_rate_hz([sample.stamp_s for sample in view.samples])
    if rate is not None and rate < ARRIVING * source_hz:
        return warning(
            name,
            f"{found}: {rate / source_hz:.0%} arrives, by its stamps it is taken at "
            f"{source_hz:.1f} Hz",
            "start the camera driver in the environment that `ros2 run vera_ros "
            "camera_environment` prints, or set image_transport: compressed",
        )
    if rate is not None and rate < _FAST_ENOUGH * wanted_hz:
        return warning(
            name,
            f"{found}: the policy needs {wanted_hz:.0f} Hz",
            f"raise the camera's rate to {wanted_hz:.0f} Hz; if it has that, the transport loses "
            "pictures, see Middleware",
        )
    return None


def _skew_s(views: Mapping[str, ViewFacts]) -> float:
    """Return the median time from a picture of the slowest view to the others' nearest ones."""
    stamps = sorted(([s.stamp_s for s in view.samples] for view in views.values()), key=len)
    slowest, others = stamps[0], stamps[1:]
    return median(
        max(min(abs(other_s - stamp_s) for other_s in other) for other in others)
        for stamp_s in slowest
    )


def _all_reliable(topic: Topic) -> bool:
    return all(publisher.reliable for publisher in topic.publishers)
