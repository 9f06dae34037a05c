# SPDX-License-Identifier: Apache-2.0
"""Check of the joint states, as ik_node would read them."""

from collections.abc import Iterator

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.context import NO_ROBOT_YET, Context
from vera_ros.doctor.facts.graph import GraphFacts, rate_hz
from vera_ros.doctor.facts.streams import judge_delay, judge_sender
from vera_ros.doctor.finding import Finding, combined, failure, not_needed, ok, warning

NAME = "joint states"


def check(context: Context) -> list[Finding]:
    """Check the joint states that were received."""
    configuration, facts = context.configuration, context.graph
    if not context.robot_is_up:
        return [not_needed(NAME, NO_ROBOT_YET)]
    return [judge(configuration, facts)]


def judge(configuration: Configuration, facts: GraphFacts) -> Finding:
    """Check that the joint states are complete, finite, up to date and frequent enough."""
    ik, joints = configuration.ik, facts.joints
    topic = joints.topic
    mend = "start the joint_state_broadcaster, or remap joint_states in the parameter file"
    problem = judge_sender(NAME, topic, "sensor_msgs/msg/JointState", mend)
    if problem:
        return problem
    if not joints.samples:
        return failure(
            NAME,
            f"{topic.senders} publishes {topic.name}, but nothing arrived in "
            f"{facts.listened_s:.1f} s",
            f"ros2 topic hz {topic.name}; see the driver's log",
        )
    rate = rate_hz(joints.samples, facts.clock)
    shown = "time stands still" if rate is None else f"{rate:.0f} Hz"
    has = " and finger" if ik["gripper_joint"] else ", no gripper"
    found = f"{len(ik['joint_names'])} joints{has}, {shown}, {topic.name}"
    return combined(
        ok(NAME, found),
        [
            *_judge_names(configuration, facts),
            judge_delay(
                NAME,
                joints.samples,
                warn_s=ik["joint_state_timeout_s"] / 2.0,
                fail_s=ik["joint_state_timeout_s"],
                parameters="joint_state_timeout_s",
            ),
            *_judge_rate(configuration, rate),
            *_judge_efforts(configuration, facts),
        ],
    )


def _judge_names(configuration: Configuration, facts: GraphFacts) -> Iterator[Finding]:
    ik, joints = configuration.ik, facts.joints
    wanted = [*ik["joint_names"], *([ik["gripper_joint"]] if ik["gripper_joint"] else [])]
    everything = {name for names in joints.names for name in names}
    missing = [name for name in wanted if name not in everything]
    if missing:
        yield failure(
            NAME,
            f"{joints.topic.name} has no {', '.join(missing)}; it has "
            f"{', '.join(sorted(everything))}",
            "correct joint_names and gripper_joint in the parameter file, or have the "
            "joint_state_broadcaster publish them",
        )
    for what, together in (
        ("the arm's joints", ik["joint_names"]),
        ("the fingers", configuration.policy["finger_joints"]),
    ):
        present = set(together) <= everything
        if present and not any(set(together) <= set(names) for names in joints.names):
            yield failure(
                NAME,
                f"{joints.topic.senders} publishes {what} in different messages; the nodes need "
                "them in one (arm and gripper may be apart)",
                "use one joint_state_broadcaster for them, or joint_state_publisher with "
                "source_list",
            )
    broken = [name for name in wanted if name in joints.not_finite]
    if broken:
        yield failure(
            NAME, f"the positions of {', '.join(broken)} are not numbers", "see the driver's log"
        )
    arm = [name for name in ik["joint_names"] if name in everything]
    silent = [name for name in arm if name not in joints.with_velocity]
    if silent:
        yield failure(
            NAME,
            f"no velocities of {', '.join(silent)}: ik_node cannot tell whether the arm is at "
            "rest, and refuses to move it",
            "have the driver export velocity state interfaces",
        )
    fingers = configuration.policy["finger_joints"]
    unknown = [name for name in fingers if name not in everything and name not in missing]
    if unknown:
        yield failure(
            NAME,
            f"no {', '.join(unknown)}: policy_node waits for them, and no episode begins",
            "correct finger_joints in the parameter file ([] without a gripper)",
        )


def _judge_rate(configuration: Configuration, rate: float | None) -> Iterator[Finding]:
    oldest_s = configuration.ik["joint_state_timeout_s"]
    if rate is not None and rate < 2.0 / oldest_s:
        yield failure(
            NAME,
            f"{rate:.0f} Hz: too slow, since joint states older than {oldest_s} s stop the arm",
            "raise the joint_state_broadcaster's rate (100 Hz), or joint_state_timeout_s",
        )


def _judge_efforts(configuration: Configuration, facts: GraphFacts) -> Iterator[Finding]:
    ik = configuration.ik
    if ik["effort_model"] != "none" and set(ik["joint_names"]) - set(facts.joints.with_effort):
        yield warning(
            NAME,
            "no efforts: ik_node does not notice when the arm touches something",
            "have the driver export effort state interfaces",
        )
