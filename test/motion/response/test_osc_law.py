# SPDX-License-Identifier: Apache-2.0
"""One step of the law agrees with a slow one, written apart from it."""

from dataclasses import replace

import numpy as np
import pinocchio as pin
import pytest
import yaml
from hypothesis import given

from vera_ros.motion.kinematics.chain import forward_kinematics, point_jacobian
from vera_ros.motion.response.osc_law import step
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_plant import Plant, Workspace
from vera_ros.motion.response.rigid_bodies import air_drag, dynamics
from vera_ros.resources import share_path

from ..chunks import START_Q, Vector, starts, vectors

DT_S = 0.002
AIR_DENSITY, AIR_VISCOSITY = 1.2, 2e-5  # of config/osc_pose_panda.yaml
LIMITLESS, FRICTIONLESS = np.full(7, 1e9), np.zeros(7)


def workspace_at(plant: Plant, q: Vector) -> Workspace:
    """Memory with the kinematics of `q`."""
    w = Workspace.of(len(q))
    forward_kinematics(plant.chain, q, w.rotations, w.positions, w.axes)
    point_jacobian(w.positions, w.axes, plant.chain.turns, w.J)
    return w


def stepped(plant: Plant, q: Vector, dq: Vector, goal: pin.SE3) -> tuple[Vector, Vector, bool]:
    after_q, after_dq = q.copy(), dq.copy()
    went_on = step(
        plant,
        Workspace.of(len(q)),
        after_q,
        after_dq,
        np.ascontiguousarray(goal.translation),
        np.ascontiguousarray(goal.rotation),
        DT_S,
    )
    return after_q, after_dq, went_on


def pose_of(plant: Plant, q: Vector) -> pin.SE3:
    w = workspace_at(plant, q)
    return pin.SE3(w.rotations[-1], w.positions[-1])


def mass_matrix(model: OscModel, q: Vector) -> Vector:
    upper = np.triu(pin.crba(model.arm, model.arm.createData(), q))
    return np.asarray(upper + np.triu(upper, 1).T)


def drag_of(model: OscModel, q: Vector, dq: Vector) -> Vector:
    """Joint torques of the air on each body's box, by the bodies' own Jacobians."""
    plant, torques = model.plant, np.zeros(len(q))
    arm = model.arm.copy()
    bodies = [
        arm.addFrame(
            pin.Frame(f"b{number}", int(link) + 1, 0, pin.SE3(axes, com), pin.FrameType.OP_FRAME)
        )
        for number, (link, axes, com) in enumerate(
            zip(plant.body_link, plant.body_axes, plant.body_com, strict=True)
        )
    ]
    data = arm.createData()
    for frame, (mass, moments) in zip(bodies, body_inertias(), strict=True):
        box = np.sqrt(6.0 / mass * (moments.sum() - 2.0 * moments))
        J = pin.computeFrameJacobian(arm, data, q, frame, pin.ReferenceFrame.LOCAL)
        v, w = np.split(J @ dq, 2)
        area = np.array([box[1] * box[2], box[0] * box[2], box[0] * box[1]])
        fourth = (box**4).sum() - box**4
        d = box.mean()
        force = -0.5 * AIR_DENSITY * area * np.abs(v) * v - 3 * np.pi * d * AIR_VISCOSITY * v
        torque = -AIR_DENSITY / 64 * box * fourth * np.abs(w) * w
        torque = torque - np.pi * d**3 * AIR_VISCOSITY * w
        torques += J.T @ np.concatenate((force, torque))
    return torques


def body_inertias() -> list[tuple[float, Vector]]:

    content = yaml.safe_load(share_path("config", "osc_pose_panda.yaml").read_text())
    return [(body["mass"], np.array(body["inertia"])) for body in content["bodies"]]


def slow_step(model: OscModel, q: Vector, dq: Vector, goal: pin.SE3) -> tuple[Vector, Vector]:
    """The law with whole matrices, as its papers have it; without dry friction."""
    plant, arm, data = model.plant, model.arm, model.arm.createData()
    M, bias = mass_matrix(model, q), pin.nonLinearEffects(arm, data, q, dq)
    J = pin.computeFrameJacobian(arm, data, q, model.tcp, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)
    pin.framesForwardKinematics(arm, data, q)
    pose = data.oMf[model.tcp]
    turn = 0.5 * sum(np.cross(pose.rotation[:, a], goal.rotation[:, a]) for a in range(3))
    error = np.concatenate((goal.translation - pose.translation, turn))
    wanted = plant.kp * error - 2 * np.sqrt(plant.kp) * (J @ dq)
    back = np.linalg.inv(M) @ J.T
    wrench = np.concatenate(
        [np.linalg.inv((J @ back)[rows, rows]) @ wanted[rows] for rows in (slice(3), slice(3, 6))]
    )
    null = np.eye(len(q)) - back @ np.linalg.inv(J @ back) @ J
    posture = plant.null_space_kp * (plant.posture - q) - 2 * np.sqrt(plant.null_space_kp) * dq
    torque = J.T @ wrench + null.T @ M @ posture + bias
    torque = np.clip(torque, -plant.torque_limit, plant.torque_limit)
    D = np.diag(plant.damping)
    force = torque - bias - D @ dq + drag_of(model, q, dq)
    dq = dq + DT_S * np.linalg.solve(M + DT_S * D, force)
    return q + DT_S * dq, dq


@given(q=starts(0.5), dq=vectors(-2.0, 2.0, 7))
def test_mass_and_bias_are_pinocchios(osc_model: OscModel, q: Vector, dq: Vector) -> None:
    w = workspace_at(osc_model.plant, q)
    dynamics(osc_model.plant, w, dq)
    bias = pin.nonLinearEffects(osc_model.arm, osc_model.arm.createData(), q, dq)
    np.testing.assert_allclose(w.M, mass_matrix(osc_model, q), atol=1e-10)
    np.testing.assert_allclose(w.bias, bias, atol=1e-9)


@given(q=starts(0.5), dq=vectors(-2.0, 2.0, 7))
def test_air_brakes_every_body_as_its_box(osc_model: OscModel, q: Vector, dq: Vector) -> None:
    w = workspace_at(osc_model.plant, q)
    air_drag(osc_model.plant, w, dq)
    np.testing.assert_allclose(w.drag, drag_of(osc_model, q, dq), atol=1e-10)
    assert w.drag @ dq <= 1e-12  # it takes energy, always


@given(q=starts(), dq=vectors(-1.0, 1.0, 7), twist=vectors(-0.05, 0.05, 6))
def test_a_step_is_the_laws(osc_model: OscModel, q: Vector, dq: Vector, twist: Vector) -> None:
    plant = osc_model.plant._replace(friction_loss=FRICTIONLESS, torque_limit=LIMITLESS)
    compare(osc_model, plant, q, dq, twist)


@given(q=starts(), dq=vectors(-1.0, 1.0, 7), twist=vectors(-0.5, 0.5, 6))
def test_a_step_keeps_the_torque_limits(
    osc_model: OscModel, q: Vector, dq: Vector, twist: Vector
) -> None:
    compare(osc_model, osc_model.plant._replace(friction_loss=FRICTIONLESS), q, dq, twist)


def compare(model: OscModel, plant: Plant, q: Vector, dq: Vector, twist: Vector) -> None:

    pose = pose_of(plant, q)
    goal = pin.SE3(pin.exp3(twist[3:]) @ pose.rotation, pose.translation + twist[:3])
    after_q, after_dq, went_on = stepped(plant, q, dq, goal)
    assert went_on
    expected_q, expected_dq = slow_step(replace(model, plant=plant), q, dq, goal)
    scale = np.abs(expected_dq - dq).max() + 1e-3
    np.testing.assert_allclose(after_dq, expected_dq, atol=1e-6 * scale)
    np.testing.assert_allclose(after_q, expected_q, atol=1e-8 * scale + 1e-12)


def speed_after(plant: Plant, steps: int, push_m: float) -> Vector:
    """Joint speeds of a resting arm whose TCP is pushed to a goal beside it."""
    pose = pose_of(plant, START_Q)
    goal = pin.SE3(pose.rotation, pose.translation + np.array([0.0, 0.0, push_m]))
    q, dq = START_Q, np.zeros(7)
    for _ in range(steps):
        q, dq, went_on = stepped(plant, q, dq, goal)
        assert went_on
    return dq


@pytest.mark.parametrize("steps", [1, 20])
def test_friction_holds_an_arm_at_rest_against_small_torques(
    osc_model: OscModel, steps: int
) -> None:
    """It is a soft constraint: the arm creeps, and does not start to move."""
    sticky = osc_model.plant._replace(friction_loss=np.full(7, 50.0))
    slippery = osc_model.plant._replace(friction_loss=FRICTIONLESS)
    held, free = (np.abs(speed_after(plant, steps, 1e-3)).max() for plant in (sticky, slippery))
    assert held < 0.2 * free


def test_friction_beyond_its_bound_only_slows(osc_model: OscModel) -> None:
    slippery = osc_model.plant._replace(friction_loss=FRICTIONLESS)
    moved, free = (speed_after(plant, 5, 0.05) for plant in (osc_model.plant, slippery))
    assert np.linalg.norm(moved) > 0.8 * np.linalg.norm(free)
    assert np.linalg.norm(moved) < np.linalg.norm(free)


@given(dq=vectors(-1.0, 1.0, 7))
def test_friction_takes_energy(osc_model: OscModel, dq: Vector) -> None:
    goal = pose_of(osc_model.plant, START_Q)
    slippery = osc_model.plant._replace(friction_loss=FRICTIONLESS)
    M = mass_matrix(osc_model, START_Q)
    braked, free = (stepped(plant, START_Q, dq, goal)[1] for plant in (osc_model.plant, slippery))
    assert braked @ M @ braked <= free @ M @ free + 1e-9


@pytest.mark.parametrize("posture", [np.zeros(7)], ids=["straight"])
def test_a_singular_posture_is_told_and_changes_nothing(
    osc_model: OscModel, posture: Vector
) -> None:
    dq = np.full(7, 0.1)
    goal = pose_of(osc_model.plant, START_Q)
    q_after, dq_after, went_on = stepped(osc_model.plant, posture, dq, goal)
    assert not went_on
    np.testing.assert_array_equal(q_after, posture)
    np.testing.assert_array_equal(dq_after, dq)


@pytest.mark.parametrize("where", ["q", "dq"])
def test_what_is_not_a_number_does_not_go_unseen(osc_model: OscModel, where: str) -> None:
    q, dq = START_Q.copy(), np.zeros(7)
    (q if where == "q" else dq)[2] = np.nan
    after_q, after_dq, went_on = stepped(osc_model.plant, q, dq, pose_of(osc_model.plant, START_Q))
    assert not went_on or not np.isfinite(np.concatenate((after_q, after_dq))).all()
