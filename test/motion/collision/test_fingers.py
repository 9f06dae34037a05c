# SPDX-License-Identifier: Apache-2.0
"""Where the fingers are counts like where the TCP is, and the TCP must be between them."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause
from vera_ros.motion.collision.finger_posture import FingerPosture, finger_posture
from vera_ros.motion.collision.fingers import check_tcp, finger_points
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.trajectory import ArmState

from ..chunks import START_Q, Vector, starts, vectors
from ..conftest import JOINTS, Published, refusal_of
from ..descriptions import UR5E_JOINTS, ur5e
from ..urdfs import CHAIN, robot

TIP_M = 0.0159  # by which the fingers end beyond the grip site
OUTER_M = 0.0665  # from the middle to the outside of an open finger
DOWN = np.array([0.0, 0.0, -1.0])


@pytest.fixture(scope="module")
def points(urdf: str, arm: ArmModel) -> Vector:
    return finger_points(urdf, arm)


def with_hand(limits: Limits, points: Vector) -> Limits:
    return replace(limits, hand=np.vstack((np.zeros(3), points)))


def test_the_fingers_of_the_panda_are_where_its_description_has_them(points: Vector) -> None:
    """In the grip site's frame, x is the closing axis and z leads out of the hand."""
    np.testing.assert_allclose(points.max(axis=0), [OUTER_M, 0.0105, TIP_M], atol=1e-5)
    np.testing.assert_allclose(points.min(axis=0), [-OUTER_M, -0.0105, -0.0381], atol=1e-5)
    inner = np.abs(points[:, 0]).min()
    assert inner == pytest.approx(0.0, abs=1e-5)  # closed, they meet


def test_another_tcp_sees_the_same_fingers(urdf: str, arm: ArmModel, points: Vector) -> None:
    flange = ArmModel(urdf, JOINTS, "panda_link8")
    ends = []
    for model, of in ((arm, points), (flange, finger_points(urdf, flange))):
        pose = model.tcp_pose(START_Q)
        ends.append(np.sort((of @ pose.rotation.T + pose.translation).round(5), axis=0))
    np.testing.assert_allclose(ends[0], ends[1], atol=2e-5)


def test_fingers_without_shapes_are_where_their_joints_are(urdf: str, arm: ArmModel) -> None:
    bare = re.sub(r"<collision>.*?</collision>", "", urdf, flags=re.DOTALL)
    found = finger_points(bare, arm)
    np.testing.assert_allclose(np.abs(found[:, 0]).max(), 0.04, atol=1e-5)
    np.testing.assert_allclose(found[:, 2], 0.0584 - 0.0965, atol=1e-5)


def test_an_arm_without_fingers_has_none() -> None:
    text = robot(["base", "one", "two"], CHAIN)
    arm = ArmModel(text, ["a", "b"])
    found = finger_points(text, arm)
    assert found.shape == (0, 3)
    check_tcp(arm, found)


@pytest.mark.parametrize(
    ("opened", "closed"),
    [(0.0, 0.8), (0.0, 0.4), (0.3, 0.7)],
    ids=["whole", "half", "between"],
)
def test_fingers_that_turn_are_where_the_commanded_joint_puts_them(
    opened: float, closed: float
) -> None:
    """Of a Robotiq 2F's joints, all but one mimic that one."""
    text = ur5e()
    arm = ArmModel(text, UR5E_JOINTS, "gripper_tcp")
    posture = finger_posture(text, "robotiq_85_left_knuckle_joint", opened, closed)
    assert len(posture.opened) == 4
    widths = []
    for end in (posture.opened, posture.closed):
        points = finger_points(text, arm, FingerPosture(end, end))
        assert points[:, 0].max() == pytest.approx(-points[:, 0].min(), abs=1e-6)
        widths.append(points[:, 0].max())
    assert widths[0] > widths[1]
    both = finger_points(text, arm, posture)
    assert both[:, 0].max() == pytest.approx(widths[0])
    check_tcp(arm, both)
    without = finger_points(text, arm)  # zero is open, for this gripper
    assert bool(both[:, 0].max() < without[:, 0].max() - 1e-6) is (opened > 0.0)


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [(0.04, 0.0, (0.0, 0.04)), (0.03, 0.01, (0.0, 0.04)), (0.0, 0.04, (0.04, 0.0))],
)
def test_fingers_that_slide_are_taken_at_the_ends_of_their_range(
    urdf: str, opened: float, closed: float, expected: tuple[float, float]
) -> None:
    posture = finger_posture(urdf, "panda_finger_joint1", opened, closed)
    for joint in ("panda_finger_joint1", "panda_finger_joint2"):
        assert (posture.closed[joint], posture.opened[joint]) == expected
    assert finger_posture(urdf, "other", opened, closed) == FingerPosture()


@pytest.mark.parametrize("frame", ["panda_link8", "panda_hand", "panda_link7"])
def test_a_tcp_away_from_the_fingers_is_refused(urdf: str, frame: str) -> None:
    arm = ArmModel(urdf, JOINTS, frame)
    with pytest.raises(ConfigurationError, match=rf"'{frame}' is 0.\d+ m from.*0.05 m.*grip_site"):
        check_tcp(arm, finger_points(urdf, arm))


@pytest.mark.parametrize("z_m", [0.06, 0.0965, 0.1034, 0.15])
def test_a_tcp_near_the_fingers_passes(urdf: str, z_m: float) -> None:
    text = urdf.replace('xyz="0 0 0.0965"', f'xyz="0 0 {z_m}"')
    arm = ArmModel(text, JOINTS)
    check_tcp(arm, finger_points(text, arm))


@given(q=starts(1.0), corner=vectors(-0.3, 0.3, 3))
def test_the_depth_is_that_of_the_point_farthest_out(
    arm: ArmModel, limits: Limits, points: Vector, q: Vector, corner: Vector
) -> None:
    pose = arm.tcp_pose(q)
    lower = pose.translation + corner - 0.2
    box = replace(with_hand(limits, points), workspace_lower=lower, workspace_upper=lower + 0.4)
    (depth,) = box.depth_outside(pose.translation[None], pose.rotation[None])
    at = np.vstack((np.zeros(3), points)) @ pose.rotation.T + pose.translation
    outside = np.maximum(box.workspace_lower - at, at - box.workspace_upper).max()
    assert depth == pytest.approx(max(0.0, outside), abs=1e-9)


def test_what_is_not_a_number_is_outside(limits: Limits, points: Vector) -> None:
    position, rotation = np.zeros((1, 3)), np.eye(3)[None].copy()
    for spoil in (position, rotation):
        kept = spoil.copy()
        spoil[0, 1] = np.nan
        assert not with_hand(limits, points).depth_outside(position, rotation)[0] <= 1e-9
        spoil[:] = kept


@pytest.mark.parametrize(
    ("direction", "beyond_m", "word"),
    [(DOWN, TIP_M, "finger"), (-DOWN, 0.0381, "finger")],
    ids=["floor", "ceiling"],
)
def test_a_path_ends_where_the_fingers_meet_the_box(
    arm: ArmModel,
    limits: Limits,
    points: Vector,
    direction: Vector,
    beyond_m: float,
    word: str,
) -> None:
    """The hand points down at the start: the fingers' tips are what reaches lowest."""
    at, room = arm.tcp_pose(START_Q), 0.06
    box = with_hand(limits, points)
    corner = at.translation + room * direction
    side = "workspace_lower" if direction[2] < 0 else "workspace_upper"
    corner = np.where(direction != 0, corner, getattr(box, side))
    box = replace(box, **{side: corner})
    share = np.linspace(0.0, 0.1, 101)[:, None]
    path = PathFinder(arm, box, SingularityBounds(1e5, 1e6)).find(
        at.translation + share * direction,
        np.tile(at.rotation, (101, 1, 1)),
        np.linspace(0.0, 2.0, 101),
        START_Q,
        None,
    )
    assert path.cut is not None
    assert path.cut.cause is Cause.OUTSIDE_WORKSPACE
    assert word in str(path.cut)
    moved = np.abs(arm.tcp_positions(path.q[-1:])[0, 2] - at.translation[2])
    assert moved == pytest.approx(room - beyond_m - 2e-3, abs=3e-3)


def test_the_gate_refuses_a_motion_whose_fingers_leave_the_box(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, points: Vector
) -> None:
    goal = START_Q + np.array([0, 0.1, 0, 0, 0, 0.1, 0])
    plan = Planner(arm, limits).plan_move(START_Q, goal, 0.3)
    lowest = arm.tcp_positions(plan.trajectory().q)[:, 2].min()
    floor = limits.workspace_lower.copy()
    floor[2] = lowest - 0.01  # below the TCP, and above the fingers' tips
    box = replace(limits, workspace_lower=floor)

    def check(of: Limits) -> None:
        gate = Published(arm, of, gripper_limits).gate
        gate.check_arm(plan.trajectory(), ArmState(START_Q), 0.0)

    check(box)
    refusal = refusal_of(lambda: check(with_hand(box, points)))
    assert refusal is not None
    assert refusal.cause is Cause.OUTSIDE_WORKSPACE
    assert "a finger would go to" in str(refusal)
