# SPDX-License-Identifier: Apache-2.0
"""Facts about the running ROS graph, which probes/graph.py gathers; ROS is not imported here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vera_ros.doctor.facts.tools import Probe

if TYPE_CHECKING:  # what it imports may not be installed
    from vera_ros.doctor.facts.configuration import Configuration

ARM_TOPIC = "arm_controller/joint_trajectory"
GRIPPER_TOPIC = "gripper_controller/joint_trajectory"
ARM_ACTION = "arm_controller/follow_joint_trajectory"
GRIPPER_ACTION = "gripper_controller/gripper_cmd"

# Parameters of a controller that starts from its last command, in older and in newer releases.
FROM_LAST_COMMAND = ("open_loop_control", "interpolate_from_desired_state")


@dataclass(frozen=True)
class Endpoint:
    """A publisher or a subscriber.

    Attributes:
        node: full name of its node.
        type: of its messages, like `sensor_msgs/msg/Image`.
        reliable: whether its QoS reliability is reliable.
        latched: whether its QoS durability is transient local.
    """

    node: str
    type: str
    reliable: bool
    latched: bool


@dataclass(frozen=True)
class Topic:
    """A topic and its endpoints.

    Attributes:
        name: its full name.
        publishers: endpoints that publish.
        subscribers: endpoints that subscribe.
    """

    name: str
    publishers: tuple[Endpoint, ...] = ()
    subscribers: tuple[Endpoint, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Topic":
        """Convert the probe's values."""
        return cls(
            values["name"],
            tuple(Endpoint(**end) for end in values["publishers"]),
            tuple(Endpoint(**end) for end in values["subscribers"]),
        )

    @property
    def senders(self) -> str:
        """Names of the publishing nodes, as text."""
        return ", ".join(sorted({end.node for end in self.publishers}))


@dataclass(frozen=True)
class Sample:
    """Stamp and arrival of one message.

    Attributes:
        stamp_s: stamp of its header.
        arrival_s: steady time at its arrival.
        now_s: ROS time at its arrival, by the simulation's clock where there is one.
    """

    stamp_s: float
    arrival_s: float
    now_s: float


@dataclass(frozen=True)
class ViewFacts:
    """One camera view.

    Attributes:
        topic: its topic.
        samples: the messages that were received, oldest first.
        shape: height and width of the newest picture, px; None: there is none.
        encoding: of the newest picture, or its format where it is compressed.
        size_bytes: of the newest message's data.
        problem: why the newest message cannot be decoded; empty: it can.
    """

    topic: Topic
    samples: tuple[Sample, ...] = ()
    shape: tuple[int, int] | None = None
    encoding: str = ""
    size_bytes: int = 0
    problem: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ViewFacts":
        """Convert the probe's values."""
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
        topic: their topic.
        samples: the messages that were received, oldest first.
        names: the different lists of joint names that messages had.
        not_finite: joints whose position is not finite.
        with_velocity: joints with a finite velocity.
        with_effort: joints with a finite effort.
        newest: position, velocity and effort of each joint; NaN where there is none.
    """

    topic: Topic
    samples: tuple[Sample, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    not_finite: tuple[str, ...] = ()
    with_velocity: tuple[str, ...] = ()
    with_effort: tuple[str, ...] = ()
    newest: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "JointFacts":
        """Convert the probe's values."""
        return cls(
            Topic.of(values["topic"]),
            _samples(values["samples"]),
            tuple(tuple(names) for names in values["names"]),
            tuple(values["not_finite"]),
            tuple(values["with_velocity"]),
            tuple(values["with_effort"]),
            values["newest"],
        )


@dataclass(frozen=True)
class ControllerFacts:
    """A controller as the controller_manager lists it.

    Attributes:
        name: of the controller.
        type: of its plugin.
        state: active, inactive, ...
        claimed: command interfaces that it claims, like `panda_joint1/position`.
    """

    name: str
    type: str
    state: str
    claimed: tuple[str, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ControllerFacts":
        """Convert the probe's values."""
        return cls(values["name"], values["type"], values["state"], tuple(values["claimed"]))


@dataclass(frozen=True)
class GraphFacts:
    """All facts about the graph that the checks judge.

    Attributes:
        nodes: full names of all nodes; a name that two nodes share is listed twice.
        clock: whether time is simulated: a simulation runs, and publishes its clock.
        views: camera views, by the embodiment's names.
        joints: the joint states.
        arm: topic of the arm's trajectories.
        gripper: topic of the fingers' trajectories.
        actions: full names of the actions that have a server, and their types.
        arm_action: full name of the arm's action.
        gripper_action: full name of the gripper's action.
        manager: the controller_manager's service that lists controllers; empty: there is none.
        manager_problem: why that service was not called, or did not answer; empty: it answered.
        controllers: the controllers that it listed.
        arm_parameters: parameters of the arm's controller, as far as it returned them.
        listened_s: for how long the graph was observed, [s].
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
        """Convert the probe's values."""
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
        """Return whether a node of this full name runs."""
        return node in self.nodes


def observe(
    probe: Probe,
    configuration: "Configuration",
    prefix: str,
    simulated: bool,
    seconds: float,
    on_description: Callable[[str], None],
) -> GraphFacts:
    """Observe the graph for a while.

    Args:
        probe: the probe `graph`, before its request.
        configuration: names the topics.
        prefix: of names in the graph's namespace; empty: none.
        simulated: whether the robot is simulated, and may have a clock of its own.
        seconds: how long it may take, [s].
        on_description: called with the URDF as soon as it arrives by topic.

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
            "arm_controller": ARM_ACTION
            if configuration.ik["arm_output"] == "action"
            else ARM_TOPIC,
            "arm_parameters": ["interpolation_method", *FROM_LAST_COMMAND],
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
    """Return the messages' rate, [Hz]; None: time stands still.

    Args:
        samples: the messages.
        clock: whether time is simulated, and the rate is that of the stamps.
    """
    if len(samples) < 2:
        return 0.0
    first, last = samples[0], samples[-1]
    span_s = last.stamp_s - first.stamp_s if clock else last.arrival_s - first.arrival_s
    return (len(samples) - 1) / span_s if span_s > 0.0 else None


def _samples(values: Sequence[Sequence[float]]) -> tuple[Sample, ...]:
    return tuple(Sample(*value) for value in values)
