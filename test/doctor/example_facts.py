# SPDX-License-Identifier: Apache-2.0
"""Facts as the probes tell them of a machine where all is well, for tests to spoil one by one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.graph import (
    ControllerFacts,
    Endpoint,
    GraphFacts,
    JointFacts,
    Sample,
    Topic,
    ViewFacts,
)
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.nodes.ik.setup import parameters as ik_parameters
from vera_ros.nodes.policy import parameters as policy_parameters
from vera_ros.nodes.server import parameters as server_parameters

NOW_S = 1_800_000_000.0
IMAGE = "sensor_msgs/msg/Image"
TRAJECTORY = "trajectory_msgs/msg/JointTrajectory"
ARM = tuple(f"panda_joint{number}" for number in range(1, 8))
FINGERS = ("panda_finger_joint1", "panda_finger_joint2")


def verdict(finding: Finding | Sequence[Finding] | None) -> Verdict | None:
    """The verdict of the one finding there is; None: there is none."""
    if isinstance(finding, Finding):
        return finding.verdict
    assert finding is None or len(finding) <= 1, finding
    return finding[0].verdict if finding else None


def configuration(
    policy: dict[str, Any] | None = None,
    ik: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
) -> Configuration:
    """The nodes' defaults, and what is given beside them."""
    return Configuration(
        paths=(Path("robot.yaml"),),
        remappings=(),
        policy={p.name: p.default for p in policy_parameters.PARAMETERS} | (policy or {}),
        ik={p.name: p.default for p in ik_parameters.PARAMETERS} | (ik or {}),
        server={p.name: p.default for p in server_parameters.PARAMETERS} | (server or {}),
        server_url="ws://127.0.0.1:8800",
    )


def samples(rate_hz: float, *, delay_s: float = 0.01, offset_s: float = 0.0) -> tuple[Sample, ...]:
    """Two seconds of messages. `delay_s`: from stamp to arrival; `offset_s`: of all of them."""
    times = [index / rate_hz + offset_s for index in range(int(2 * rate_hz))]
    return tuple(Sample(NOW_S + t - delay_s, t, NOW_S + t) for t in times)


def endpoint(
    node: str, kind: str = IMAGE, *, reliable: bool = True, latched: bool = False
) -> Endpoint:
    return Endpoint(node, kind, reliable, latched)


def view(name: str, **changes: Any) -> ViewFacts:
    """A camera that runs."""
    whole = ViewFacts(
        topic=Topic(f"/{name}/image_raw", publishers=(endpoint("/camera"),)),
        samples=samples(20.0),
        shape=(480, 640),
        encoding="rgb8",
        size_bytes=3 * 480 * 640,
    )
    return replace(whole, **changes)


def joints(**changes: Any) -> JointFacts:
    """A joint_state_broadcaster that runs."""
    whole = JointFacts(
        topic=Topic("/joint_states", (endpoint("/broadcaster", "sensor_msgs/msg/JointState"),)),
        samples=samples(100.0),
        names=((*ARM, *FINGERS),),
        with_velocity=ARM,
        with_effort=ARM,
    )
    return replace(whole, **changes)


def controller(**changes: Any) -> ControllerFacts:
    """A controller of the arm that runs."""
    whole = ControllerFacts(
        name="arm_controller",
        type="joint_trajectory_controller/JointTrajectoryController",
        state="active",
        claimed=tuple(f"{joint}/position" for joint in ARM),
    )
    return replace(whole, **changes)


def graph(**changes: Any) -> GraphFacts:
    """A robot that runs, with a controller_manager."""

    def heard(part: str) -> Topic:
        name = f"{part}_controller"
        return Topic(f"/{name}/joint_trajectory", subscribers=(endpoint(f"/{name}", TRAJECTORY),))

    whole = GraphFacts(
        nodes=("/camera", "/broadcaster", "/arm_controller", "/gripper_controller"),
        clock=False,
        views={"agentview_image": view("front"), "robot0_eye_in_hand_image": view("hand")},
        joints=joints(),
        arm=heard("arm"),
        gripper=heard("gripper"),
        actions={},
        arm_action="/arm_controller/follow_joint_trajectory",
        gripper_action="/gripper_controller/gripper_cmd",
        manager="/controller_manager/list_controllers",
        manager_problem="",
        controllers=(controller(),),
        arm_parameters={"interpolation_method": "splines", "open_loop_control": True},
        listened_s=3.0,
    )
    return replace(whole, **changes)
