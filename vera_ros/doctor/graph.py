# SPDX-License-Identifier: Apache-2.0
"""What the running ROS graph looks like: facts that probes/graph.py gathers. No ROS here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vera_ros.doctor.tools import Probe

if TYPE_CHECKING:  # what it imports may not be installed
    from vera_ros.doctor.configuration import Configuration

ARM_TOPIC = "arm_controller/joint_trajectory"
GRIPPER_TOPIC = "gripper_controller/joint_trajectory"
ARM_ACTION = "arm_controller/follow_joint_trajectory"
GRIPPER_ACTION = "gripper_controller/gripper_cmd"


@dataclass(frozen=True)
class Endpoint:
    """A publisher or a subscriber.

    Attributes:
        node: full name of its node.
        type: of its messages, like `sensor_msgs/msg/Image`.
        reliable: whether it offers, or wants, that nothing is lost.
        latched: whether it offers, or wants, what was published before.
    """

    node: str
    type: str
    reliable: bool
    latched: bool


@dataclass(frozen=True)
class Topic:
    """A topic.

    Attributes:
        name: its full name.
        publishers: who sends.
        subscribers: who listens.
    """

    name: str
    publishers: tuple[Endpoint, ...] = ()
    subscribers: tuple[Endpoint, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Topic":
        """Read what the probe wrote."""
        return cls(
            values["name"],
            tuple(Endpoint(**end) for end in values["publishers"]),
            tuple(Endpoint(**end) for end in values["subscribers"]),
        )

    @property
    def senders(self) -> str:
        """The publishers' nodes, in words."""
        return ", ".join(sorted({end.node for end in self.publishers}))


@dataclass(frozen=True)
class Sample:
    """When a message was stamped, and when it came.

    Attributes:
        stamp_s: its stamp.
        arrival_s: steady time.
        now_s: ROS time at its arrival, by the simulation's clock where there is one.
    """

    stamp_s: float
    arrival_s: float
    now_s: float


@dataclass(frozen=True)
class ViewFacts:
    """One camera view.

    Attributes:
        topic: where it comes from.
        samples: the messages that came, oldest first.
        shape: height and width of the newest picture, px; None: there is none.
        encoding: of the newest, or its format where it is compressed.
        size_bytes: of the newest message's data.
        problem: why it is no picture; empty: it is one.
    """

    topic: Topic
    samples: tuple[Sample, ...] = ()
    shape: tuple[int, int] | None = None
    encoding: str = ""
    size_bytes: int = 0
    problem: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ViewFacts":
        """Read what the probe wrote."""
        shape = values["shape"]
        return cls(
            Topic.of(values["topic"]),
            _samples(values["samples"]),
            None if shape is None else (int(shape[0]), int(shape[1])),
            values["encoding"],
            values["size_bytes"],
            values["problem"],
        )


@dataclass(frozen=True)
class JointFacts:
    """The joint states.

    Attributes:
        topic: where they come from.
        samples: the messages that came, oldest first.
        names: which joints one message holds, for every kind of message that came.
        not_finite: joints with a position that is no number.
        with_velocity: joints with a velocity that is a number.
        with_effort: joints with an effort that is a number.
    """

    topic: Topic
    samples: tuple[Sample, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    not_finite: tuple[str, ...] = ()
    with_velocity: tuple[str, ...] = ()
    with_effort: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "JointFacts":
        """Read what the probe wrote."""
        return cls(
            Topic.of(values["topic"]),
            _samples(values["samples"]),
            tuple(tuple(names) for names in values["names"]),
            tuple(values["not_finite"]),
            tuple(values["with_velocity"]),
            tuple(values["with_effort"]),
        )


@dataclass(frozen=True)
class ControllerFacts:
    """A controller as the controller_manager lists it.

    Attributes:
        name: of the controller.
        type: of its plugin.
        state: active, inactive, ...
        claimed: command interfaces that it holds, like `panda_joint1/position`.
    """

    name: str
    type: str
    state: str
    claimed: tuple[str, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ControllerFacts":
        """Read what the probe wrote."""
        return cls(values["name"], values["type"], values["state"], tuple(values["claimed"]))


@dataclass(frozen=True)
class GraphFacts:
    """Everything of the graph that is judged.

    Attributes:
        nodes: full names of all nodes; a name that two nodes have is there twice.
        clock: whether time is simulated: a simulation runs, and publishes its clock.
        views: camera views, by the embodiment's names.
        joints: the joint states.
        arm: topic of the arm's trajectories.
        gripper: topic of the fingers' trajectories.
        actions: full names of the actions that have a server, and their types.
        arm_action: full name of the arm's action.
        gripper_action: full name of the gripper's action.
        manager: what lists the controllers: its service, empty where there is none.
        manager_problem: why it was not asked, or did not answer.
        controllers: what it listed.
        arm_parameters: parameters of the arm's controller, where it told them.
        listened_s: for how long.
    """

    nodes: tuple[str, ...]
    clock: bool
    views: Mapping[str, ViewFacts]
    joints: JointFacts
    arm: Topic
    gripper: Topic
    actions: Mapping[str, str]
    arm_action: str
    gripper_action: str
    manager: str
    manager_problem: str
    controllers: tuple[ControllerFacts, ...]
    arm_parameters: Mapping[str, Any]
    listened_s: float

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "GraphFacts":
        """Read what the probe wrote."""
        return cls(
            **{
                **values,
                "nodes": tuple(values["nodes"]),
                "views": {name: ViewFacts.of(view) for name, view in values["views"].items()},
                "joints": JointFacts.of(values["joints"]),
                "arm": Topic.of(values["arm"]),
                "gripper": Topic.of(values["gripper"]),
                "controllers": tuple(ControllerFacts.of(c) for c in values["controllers"]),
            }
        )

    def runs(self, node: str) -> bool:
        """Whether a node of that full name runs."""
        return node in self.nodes


def observe(
    probe: Probe,
    configuration: "Configuration",
    prefix: str,
    simulated: bool,
    seconds: float,
    on_description: Callable[[str], None],
) -> GraphFacts:
    """Observe the graph.

    Args:
        probe: `graph`, not asked yet.
        configuration: says which topics are meant.
        prefix: what the graph's namespace puts before a name; empty: nothing.
        simulated: whether the robot is, and may have a time of its own.
        seconds: how long it may take.
        on_description: told the URDF as soon as it comes by topic.

    Raises:
        ToolError: the probe crashed, or did not answer.
    """
    probe.ask(
        {
            "namespace": prefix or "/",
            "clock": simulated,
            "remappings": configuration.remappings,
            "views": configuration.view_topics,
            "compressed": configuration.compressed,
            "reliability": configuration.policy["image_reliability"],
            "topics": {"arm": ARM_TOPIC, "gripper": GRIPPER_TOPIC},
            "actions": {"arm_action": ARM_ACTION, "gripper_action": GRIPPER_ACTION},
            "seconds": seconds,
        }
    )
    facts: GraphFacts | None = None
    for name, value in probe.facts():
        if name == "robot_description":
            on_description(value)
        else:
            facts = GraphFacts.of(value)
    assert facts is not None
    return facts


def rate_hz(samples: Sequence[Sample], clock: bool) -> float | None:
    """Messages per second, by their stamps where time is simulated; None: time stands still."""
    if len(samples) < 2:
        return 0.0
    first, last = samples[0], samples[-1]
    span_s = last.stamp_s - first.stamp_s if clock else last.arrival_s - first.arrival_s
    return (len(samples) - 1) / span_s if span_s > 0.0 else None


def _samples(values: Sequence[Sequence[float]]) -> tuple[Sample, ...]:
    return tuple(Sample(*value) for value in values)
