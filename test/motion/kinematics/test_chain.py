# SPDX-License-Identifier: Apache-2.0
"""The compiled kinematics agree with pinocchio on any chain, wherever its base stands."""

from dataclasses import dataclass

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.chain import (
    Chain,
    forward_kinematics,
    jacobians,
    point_jacobian,
    tcp_motion,
    tcp_poses,
)

from ..chunks import Vector

WORLD = pin.ReferenceFrame.LOCAL_WORLD_ALIGNED


@dataclass
class Arm:
    """A random arm, as pinocchio knows it and as arrays."""

    model: pin.Model
    data: pin.Data
    tcp: int
    base: pin.SE3
    chain: Chain
    random: np.random.Generator

    @classmethod
    def of(cls, kinds: list[str], seed: int) -> "Arm":
        random = np.random.default_rng(seed)
        model, joint = pin.Model(), 0
        for number, kind in enumerate(kinds):
            moves = {"x": pin.JointModelRX(), "pz": pin.JointModelPZ()}.get(kind)
            if moves is None:
                axis = random.normal(size=3)
                axis /= np.linalg.norm(axis)
                revolute = kind == "revolute"
                of_axis = (
                    pin.JointModelRevoluteUnaligned
                    if revolute
                    else pin.JointModelPrismaticUnaligned
                )
                moves = of_axis(axis)
            joint = model.addJoint(joint, moves, _placement(random), f"j{number}")
        frame = pin.Frame("tcp", joint, 0, _placement(random), pin.FrameType.OP_FRAME)
        tcp = model.addFrame(frame)
        base = _placement(random)
        return cls(model, model.createData(), tcp, base, Chain.of(model, tcp, base), random)

    @property
    def n(self) -> int:
        return int(self.model.nq)

    def vector(self) -> Vector:
        return self.random.uniform(-2.0, 2.0, self.n)

    def state(self, q: Vector, dq: Vector, ddq: Vector) -> tuple[pin.SE3, Vector, Vector]:
        """Pose, velocity and acceleration of the TCP, in the base frame."""
        pin.forwardKinematics(self.model, self.data, q, dq, ddq)
        pin.updateFramePlacements(self.model, self.data)
        twist = pin.getFrameVelocity(self.model, self.data, self.tcp, WORLD)
        rate = pin.getFrameClassicalAcceleration(self.model, self.data, self.tcp, WORLD)
        back = self.base.rotation.T
        return (
            self.base.actInv(self.data.oMf[self.tcp]),
            np.concatenate((back @ twist.linear, back @ twist.angular)),
            np.concatenate((back @ rate.linear, back @ rate.angular)),
        )


def _placement(random: np.random.Generator) -> pin.SE3:
    return pin.SE3(pin.exp3(random.uniform(-2.0, 2.0, 3)), random.uniform(-0.5, 0.5, 3))


ARMS = st.builds(
    Arm.of,
    st.lists(st.sampled_from(["revolute", "prismatic", "x", "pz"]), min_size=1, max_size=8),
    st.integers(0, 2**32 - 1),
)


def placed(chain: Chain, q: Vector) -> tuple[Vector, Vector, Vector]:
    n = len(q)
    memory = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3)), np.empty((n, 3))
    forward_kinematics(chain, q, *memory)
    return memory


@given(arm=ARMS)
def test_every_frame_is_where_pinocchio_has_it(arm: Arm) -> None:
    q = arm.vector()
    rotations, positions, axes = placed(arm.chain, q)
    pose, _, _ = arm.state(q, 0 * q, 0 * q)
    np.testing.assert_allclose(positions[-1], pose.translation, atol=1e-12)
    np.testing.assert_allclose(rotations[-1], pose.rotation, atol=1e-12)
    for j in range(arm.n):
        frame = arm.base.actInv(arm.data.oMi[j + 1])
        np.testing.assert_allclose(positions[j], frame.translation, atol=1e-12)
        np.testing.assert_allclose(rotations[j], frame.rotation, atol=1e-12)
        np.testing.assert_allclose(axes[j], frame.rotation @ arm.chain.axes[j], atol=1e-12)


@given(arm=ARMS)
def test_jacobian_maps_joint_rates_to_the_twist(arm: Arm) -> None:
    q, dq = arm.vector(), arm.vector()
    _, positions, axes = placed(arm.chain, q)
    J = np.full((6, arm.n), np.nan)
    point_jacobian(positions, axes, arm.chain.turns, J)
    np.testing.assert_allclose(J @ dq, arm.state(q, dq, 0 * q)[1], atol=1e-11)


@given(arm=ARMS)
def test_jacobian_is_the_derivative_of_the_pose(arm: Arm) -> None:
    q, direction, step = arm.vector(), arm.vector(), 1e-6
    ends = [placed(arm.chain, q + sign * step * direction) for sign in (-1, 1)]
    moved = (ends[1][1][-1] - ends[0][1][-1]) / (2 * step)
    turned = pin.log3(ends[1][0][-1] @ ends[0][0][-1].T) / (2 * step)
    J = np.empty((1, 6, arm.n))
    jacobians(arm.chain, q[None], J)
    np.testing.assert_allclose(J[0] @ direction, np.concatenate((moved, turned)), atol=1e-6)


@given(arm=ARMS, count=st.integers(1, 3))
def test_many_samples_are_each_like_one(arm: Arm, count: int) -> None:
    q = np.array([arm.vector() for _ in range(count)])
    J, positions, rotations = (
        np.empty((count, 6, arm.n)),
        np.empty((count, 3)),
        np.empty((count, 3, 3)),
    )
    jacobians(arm.chain, q, J)
    tcp_poses(arm.chain, q, positions, rotations)
    for sample in range(count):
        turned, at, axes = placed(arm.chain, q[sample])
        alone = np.empty((6, arm.n))
        point_jacobian(at, axes, arm.chain.turns, alone)
        np.testing.assert_array_equal(J[sample], alone)
        np.testing.assert_array_equal(positions[sample], at[-1])
        np.testing.assert_array_equal(rotations[sample], turned[-1])


@given(arm=ARMS)
def test_tcp_motion_has_three_exact_rates(arm: Arm) -> None:
    """Velocity and acceleration are pinocchio's; the jerk is its acceleration's derivative."""
    q, dq, ddq, jerk = motion = np.stack([arm.vector() for _ in range(4)])
    positions, rotations, rates = np.empty((1, 3)), np.empty((1, 3, 3)), np.empty((3, 1, 6))
    tcp_motion(arm.chain, motion[:, None], positions, rotations, rates)
    pose, twist, rate = arm.state(q, dq, ddq)
    np.testing.assert_allclose(positions[0], pose.translation, atol=1e-12)
    np.testing.assert_allclose(rotations[0], pose.rotation, atol=1e-12)
    np.testing.assert_allclose(rates[0, 0], twist, atol=1e-10)
    np.testing.assert_allclose(rates[1, 0], rate, atol=1e-9)
    step = 1e-4
    ends = []
    for t in (-step, step):
        at = q + t * dq + t**2 / 2 * ddq + t**3 / 6 * jerk, dq + t * ddq + t**2 / 2 * jerk
        ends.append(arm.state(*at, ddq + t * jerk)[2])
    scale = 1.0 + np.abs(rates).max()
    np.testing.assert_allclose(rates[2, 0], (ends[1] - ends[0]) / (2 * step), atol=1e-5 * scale)


@pytest.mark.parametrize(
    "joint", [pin.JointModelHelicalUnaligned(np.array([0.0, 0.0, 1.0]), 0.1)], ids=["helical"]
)
def test_other_joints_are_refused(joint: pin.JointModel) -> None:
    model = pin.Model()
    model.addJoint(0, joint, pin.SE3.Identity(), "screw")
    tcp = model.addFrame(pin.Frame("tcp", 1, 0, pin.SE3.Identity(), pin.FrameType.OP_FRAME))
    with pytest.raises(ConfigurationError, match=r"'screw'.*valid are revolute and prismatic"):
        Chain.of(model, tcp)
