# SPDX-License-Identifier: Apache-2.0
"""Builds the motion side from ik_node's parameters."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from vera_ros.embodiments import Embodiment, find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.collision.finger_posture import UNKNOWN, FingerPosture, finger_posture
from vera_ros.motion.collision.fingers import check_tcp, finger_points
from vera_ros.motion.collision.model import CollisionModel, check_same_chain
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.dry_run import DryRunDispatcher
from vera_ros.motion.gripper.finger_joint import gripper_limits
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.arm_identity import ArmIdentity, check_units
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.continuous_joints import continuous_joints, with_ranges
from vera_ros.motion.kinematics.joint_names import check_joint_names
from vera_ros.motion.kinematics.urdf_joints import find_joint, link_of
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import GripperLimits, Limits, RateLimits
from vera_ros.motion.observation.arm_observation import SupervisionLimits
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.safety.contact import ContactWatch
from vera_ros.motion.safety.effort_fit import EffortFit
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.trajectory import ArmTrajectory, GripperTrajectory
from vera_ros.nodes.ik.setup.action_columns import ActionColumns, action_columns
from vera_ros.nodes.ik.setup.chunk_setup import make_chunk_planner
from vera_ros.resources import given_file

Parameters = dict[str, Any]

_NO_GRIPPER = GripperLimits(0.0, 1.0, 1.0, 1.0)  # nothing is commanded


@dataclass(frozen=True)
class ArmSetup:
    """One arm as the parameters describe it.

    Attributes:
        arm: its kinematics.
        columns: what the columns of chunk messages mean to it.
        limits: its motion limits.
        gripper_limits: motion limits of its fingers.
        contact: detects contact from its efforts.
        effort_fit: tells whether these contain gravity, as effort_model says.
        obstacles: collision model; None: collisions are not checked.
        remarks: what the user should know of it, one sentence each.
    """

    arm: ArmModel
    columns: ActionColumns
    limits: Limits
    gripper_limits: GripperLimits
    contact: ContactWatch
    effort_fit: EffortFit
    obstacles: CollisionModel | None
    remarks: tuple[str, ...] = ()


def set_up_arm(p: Parameters, urdf: str) -> ArmSetup:
    """Read the arm from its URDF and the parameters.

    Raises:
        ConfigurationError: they do not describe an arm that can be moved.
    """
    if p["trajectory_stamp"] == "zero":
        raise ConfigurationError(
            "parameter 'trajectory_stamp' is 'zero'; valid is 'start': with zero, a controller "
            "begins a trajectory whenever it arrives, and jumps at each stop; if its clock differs "
            "from this machine's, ik_node measures the difference (see clock_difference_s)"
        )
    urdf, arm, identity = read_arm(p, urdf)
    check_units(arm)
    identity.check(arm)
    embodiment = find_embodiment(p["embodiment"])
    columns = action_columns(p, embodiment, arm)
    for name in ("effort_limits", "start_posture"):
        if len(p[name]) != arm.n:
            raise ConfigurationError(
                f"parameter '{name}' has {len(p[name])} values and joint_names {arm.n}; "
                "give one value per joint"
            )
    shapes = with_limits_ranges(p, _collision_description(p))
    of_gripper, posture = _gripper(p, urdf)
    fingers = finger_points(shapes or urdf, arm, posture)
    limits = _limits(p, arm, identity, fingers)
    _check_start_posture(p, arm, limits)
    if p["gripper_joint"] and not embodiment.moves_flange:
        check_tcp(arm, fingers)
    obstacles = _obstacles(p, urdf, shapes, posture) if p["collision_check"] else None
    dynamics = with_inertias(p, arm, urdf)
    fit = make_effort_fit(p, dynamics)
    return ArmSetup(
        arm,
        columns,
        limits,
        of_gripper,
        ContactWatch(
            dynamics or arm,
            np.array(p["effort_limits"]),
            p["effort_time_s"],
            rigid_body=p["effort_model"] == "rigid_body",
            fit=fit,
        ),
        fit,
        obstacles,
        _remarks(obstacles),
    )


def read_arm(p: Parameters, urdf: str) -> tuple[str, ArmModel, ArmIdentity]:
    """Return the URDF with all ranges, the arm's kinematics by it, and which arm the limits are of.

    Raises:
        ConfigurationError: the parameters do not describe one of its arms.
    """
    identity = ArmIdentity.load(given_file("limits", p["limits"], "config"))
    check_joint_names(urdf, p["joint_names"], p["gripper_joint"], identity)
    urdf = with_limits_ranges(p, urdf)
    return urdf, ArmModel(urdf, p["joint_names"], p["tcp_frame"]), identity


def with_limits_ranges(p: Parameters, urdf: str) -> str:
    """Return the URDF in which continuous joints of the arm have the limits file's ranges."""
    endless = continuous_joints(urdf, p["joint_names"])
    if not endless:
        return urdf
    identity = ArmIdentity.load(given_file("limits", p["limits"], "config"))
    return with_ranges(urdf, p["joint_names"], identity.lower, identity.upper, identity.velocity)


def _gripper(p: Parameters, urdf: str) -> tuple[GripperLimits, FingerPosture]:
    """Return the limits of the gripper's joint, and where its joints are when open and closed."""
    joint = p["gripper_joint"]
    if not joint:
        return _NO_GRIPPER, UNKNOWN
    ends = {"opened": p["gripper_open_m"], "closed": p["gripper_closed_m"]}
    speed, duration_s = p["gripper_speed"], p["longest_trajectory_s"]
    limits = gripper_limits(urdf, joint, **ends, speed=speed, duration_s=duration_s)
    return limits, finger_posture(urdf, joint, **ends)


def _limits(p: Parameters, arm: ArmModel, identity: ArmIdentity, fingers: Vector) -> Limits:
    rates = RateLimits.load(identity.file, arm.n)
    velocity = np.minimum(arm.velocity_limit, identity.velocity)
    rates = rates.slower(velocity, p["tcp_speed_limit"], p["tcp_turn_limit"])
    lower, upper = np.maximum(arm.lower, identity.lower), np.minimum(arm.upper, identity.upper)
    if rates.position is not None:
        lower, upper = np.maximum(lower, rates.position[0]), np.minimum(upper, rates.position[1])
    return Limits(
        lower=lower + p["position_margin"],
        upper=upper - p["position_margin"],
        rates=rates,
        workspace_lower=np.array(p["workspace_lower"]),
        workspace_upper=np.array(p["workspace_upper"]),
        duration_s=p["longest_trajectory_s"],
        start_rad=p["start_tolerance"],
        hand=np.vstack((np.zeros(3), fingers)),
    )


def _check_start_posture(p: Parameters, arm: ArmModel, limits: Limits) -> None:
    for j, (joint, position, lower, upper) in enumerate(
        zip(arm.joint_names, p["start_posture"], limits.lower, limits.upper, strict=True)
    ):
        unit = arm.unit(j)
        if not lower <= position <= upper:
            raise ConfigurationError(
                f"parameter 'start_posture' has {position:g} {unit} for joint '{joint}'; valid is "
                f"{lower:.4g} to {upper:.4g} {unit}, which is its range less position_margin"
            )


def with_inertias(p: Parameters, arm: ArmModel, urdf: str) -> ArmModel | None:
    """Return the arm, or the same arm by collision_description if only that has inertias.

    Raises:
        ConfigurationError: collision_description is of another arm.
    """
    if not arm.without_inertias:
        return arm
    shapes = with_limits_ranges(p, _collision_description(p))
    if not shapes:
        return None
    check_same_chain(urdf, shapes, arm.joint_names)
    last = find_joint(shapes, arm.joint_names[-1])
    assert last is not None  # check_same_chain has found it
    other = ArmModel(shapes, arm.joint_names, link_of(last, "child"))
    other.mount_as(arm)  # on a wall or a ceiling, say
    return None if other.without_inertias else other


def make_effort_fit(p: Parameters, dynamics: ArmModel | None) -> EffortFit:
    """Return the comparison of a resting arm's efforts with gravity."""
    return EffortFit(
        dynamics,
        p["joint_names"],
        np.array(p["effort_limits"]),
        rigid_body=p["effort_model"] == "rigid_body",
        rest_speed=p["rest_speed"],
    )


def _collision_description(p: Parameters) -> str:
    """Return the URDF with the collision geometry; empty: use robot_description's."""
    name = p["collision_description"]
    if not name:
        return ""
    try:
        return given_file("collision_description", name, "description", "urdf").read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"parameter 'collision_description' is '{name}', which cannot be read: {error}"
        ) from error


def _obstacles(
    p: Parameters, urdf: str, description: str, fingers: FingerPosture
) -> CollisionModel:
    model = CollisionModel(
        urdf,
        p["joint_names"],
        collision_urdf=description,
        self_distance_m=p["self_distance_m"],
        table_z_m=p["table_z_m"] if p["table_check"] else None,
        table_distance_m=p["table_distance_m"],
        start_q=np.array(p["start_posture"]),
        fingers=fingers,
    )
    model.check_posture(np.array(p["start_posture"]), "start_posture")
    return model


def _remarks(obstacles: CollisionModel | None) -> tuple[str, ...]:
    if obstacles is None or not obstacles.left_out:
        return ()
    pairs = ", ".join("-".join(links) for links in obstacles.left_out)
    return (
        f"not checked for collisions with each other: {pairs}; their shapes are too close in "
        "nearly all postures, or so often that they must be coarser than the arm: if such links "
        "can touch, give shapes that fit as collision_description",
    )


def make_dispatcher(
    p: Parameters,
    setup: ArmSetup,
    embodiment: Embodiment,
    send_arm: Callable[[ArmTrajectory, float], None],
    send_gripper: Callable[[GripperTrajectory, float], None],
    lead: Lead,
) -> Dispatcher:
    """Return the dispatcher of an arm; in a dry run, one that sends nothing.

    Raises:
        ConfigurationError: the parameters contradict each other, or a file cannot be used.
    """
    arm, limits = setup.arm, setup.limits
    chunks = make_chunk_planner(p, arm, setup.columns, limits, setup.obstacles)
    gripper = None
    if p["gripper_joint"]:
        gripper = Gripper(setup.gripper_limits, p["gripper_debounce_steps"])
    kind = DryRunDispatcher if p["dry_run"] else Dispatcher
    return kind(
        chunks,
        Planner(arm, limits),
        Gate(arm, limits, setup.gripper_limits, send_arm, send_gripper, setup.obstacles),
        gripper,
        rails=None if setup.columns.of_joints else embodiment.rails,
        lead=lead,
        hand_over_lead_s=p["hand_over_lead_s"],
        start_lead_s=p["start_lead_s"],
        rest_speed=p["rest_speed"],
        start_rad=p["start_tolerance"],
    )


def make_supervision_limits(p: Parameters) -> SupervisionLimits:
    """Return the supervision thresholds, which have the names of their parameters."""
    return SupervisionLimits(**{each.name: p[each.name] for each in fields(SupervisionLimits)})
