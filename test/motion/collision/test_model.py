# SPDX-License-Identifier: Apache-2.0
"""Known postures, the promise of conservative advancement, the way out, and clear errors."""

import re
import shutil
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.collision.model import CollisionModel
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.ik_solver import IkSolver, Verdict
from vera_ros.resources import share_path
from verification.robots import ROBOTS

from ..chunks import START_Q, Vector, vectors
from ..conftest import JOINTS
from ..descriptions import PANDA_RANGES, Description, add_franka, box, fr3, multipanda
from ..urdfs import CHAIN, robot

TABLE_Z = -0.112
FINGERTIP_M = 0.0159  # beyond the TCP along the approach
FOLDED_Q = np.array([0.0, 0.2, 0.0, -2.6, 0.0, 0.0, -0.8])  # the hand against the forearm
LOW_Q = START_Q + np.array([0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0])  # in the table
COLLISION = re.compile(r"<collision>.*?</collision>", re.DOTALL)


def model(urdf: str, **changes: object) -> CollisionModel:
    settings = {"self_distance_m": 0.01, "table_z_m": TABLE_Z, "table_distance_m": 0.002}
    return CollisionModel(urdf, JOINTS, **(settings | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def collision(urdf: str) -> CollisionModel:
    return model(urdf)


@pytest.fixture(scope="module")
def no_table(urdf: str) -> CollisionModel:
    return model(urdf, table_z_m=None)


def reaching_down(arm: ArmModel, height_m: float, q: Vector = START_Q) -> Vector:
    """The hand points straight down, its TCP this far above the table."""
    solution = IkSolver(arm.chain, arm.lower, arm.upper).solve(_down(arm, height_m), q)
    assert solution.verdict is Verdict.SOLVED
    return solution.q


def _down(arm: ArmModel, height_m: float) -> pin.SE3:
    return pin.SE3(np.diag([1.0, -1.0, -1.0]), np.array([0.45, 0.0, TABLE_Z + height_m]))


def line(start: Vector, end: Vector, count: int = 60) -> Vector:
    return start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)


def postures(arm_share: float = 1.0) -> st.SearchStrategy[Vector]:
    """Postures within this share of the joints' ranges."""
    lower = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
    upper = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    return vectors(-arm_share, arm_share, 7).map(lambda share: middle + share * half)


def test_start_posture_is_clear(collision: CollisionModel) -> None:
    assert collision.left_out == ()
    assert collision.clearance(START_Q).margin_m > 0.005
    collision.check_posture(START_Q, "start_posture")


def test_folded_wrist_collides(collision: CollisionModel) -> None:
    clearance = collision.clearance(FOLDED_Q)
    assert clearance.margin_m == pytest.approx(clearance.distance_m - 0.01)
    assert clearance.distance_m < 0
    assert clearance.links[0] == "panda_link5"
    with pytest.raises(ConfigurationError, match=r"start_posture.*panda_link5.*10\.0 mm"):
        collision.check_posture(FOLDED_Q, "start_posture")


@given(height=st.floats(-0.03, 0.0235))
def test_distance_to_the_table_is_the_fingertips(
    arm: ArmModel, collision: CollisionModel, height: float
) -> None:
    q = reaching_down(arm, height)
    clearance = collision.clearance(q)
    assert clearance.links[1] == "table"
    assert clearance.links[0] in ("panda_leftfinger", "panda_rightfinger")
    assert clearance.distance_m == pytest.approx(height - FINGERTIP_M, abs=1e-4)
    assert clearance.margin_m == pytest.approx(clearance.distance_m - 0.002)


def test_grasp_of_the_reference_policy_is_allowed(arm: ArmModel, collision: CollisionModel) -> None:
    """The TCP grasps 2 cm above the table."""
    lift = line(reaching_down(arm, 0.020), reaching_down(arm, 0.10))
    assert collision.first_too_close(lift) is None
    assert collision.first_too_close(lift[::-1]) is None


def test_fingers_are_open(urdf: str) -> None:
    """Closed fingers, where other joints stand, would hide what open ones hit."""
    geometry = model(urdf)._geometry
    hand = geometry.model.frames[geometry.model.getFrameId("panda_hand")].placement
    offsets = [
        hand.actInv(shape.placement).translation[1]
        for shape in geometry.shapes.geometryObjects
        if "finger" in shape.name
    ]
    assert sorted(np.sign(offsets)) == [-1, -1, 1, 1]
    assert np.abs(offsets).min() > 0.04


def test_table_stands_on_the_base_frame(urdf: str, collision: CollisionModel) -> None:
    stand = (
        "<link name='world'/><joint name='stand' type='fixed'><parent link='world'/>"
        "<child link='panda_link0'/><origin xyz='1 2 3' rpy='0 0 1'/></joint></robot>"
    )
    moved = model(urdf.replace("</robot>", stand))
    assert collision.clearance(LOW_Q).links[1] == "table"
    assert moved.clearance(LOW_Q).distance_m == pytest.approx(collision.clearance(LOW_Q).distance_m)


@given(start=postures(), end=postures(), table=st.booleans())
def test_advancement_finds_what_checking_every_sample_finds(
    collision: CollisionModel, no_table: CollisionModel, start: Vector, end: Vector, table: bool
) -> None:
    checked = collision if table else no_table
    q = line(start, end)
    margins = [checked.clearance(sample).margin_m for sample in q]
    found = checked.first_too_close(q)
    if margins[0] >= 0:
        too_close = np.flatnonzero(np.array(margins) < 0)
        assert (found[0] if found else None) == (too_close[0] if too_close.size else None)
    else:  # on the way out, what comes closer than the start is found in any case
        closer = np.flatnonzero(np.array(margins) < margins[0] - 0.001)
        if closer.size:
            assert found is not None
            assert found[0] <= closer[0]
    if found:
        assert found[1].margin_m < 0
        if margins[0] >= 0:
            assert found[1] == checked.clearance(q[found[0]])


@given(q=postures(0.9), step=vectors(-0.2, 0.2, 7))
def test_no_pair_closes_faster_than_its_bound(
    collision: CollisionModel, q: Vector, step: Vector
) -> None:
    closed = np.abs(collision._margins(q) - collision._margins(q + step))
    assert (closed <= np.abs(step) @ collision._closing_speed + 1e-4).all()


@given(q=postures())
def test_no_point_moves_faster_than_its_bound(collision: CollisionModel, q: Vector) -> None:
    geometry, step = collision._geometry, 1e-5
    for pair in geometry.table_pairs():
        bound = geometry.closing_speed(pair)
        for joint in range(7):
            turn = np.eye(7)[joint] * step
            before, after = (_corners(collision, at, pair[0]) for at in (q - turn, q + turn))
            speed = np.linalg.norm(after - before, axis=1).max() / (2 * step)
            assert speed <= bound[joint] + 1e-6


def _corners(collision: CollisionModel, q: Vector, index: int) -> Vector:
    """Corners of the box around a shape, in the world. Shape (8, 3), [m]."""
    geometry = collision._geometry
    shape = geometry.shapes.geometryObjects[index]
    data = geometry.model.createData()
    pin.forwardKinematics(geometry.model, data, q)
    box = shape.geometry.aabb_local
    ends = np.array([np.ravel(box.min_), np.ravel(box.max_)])
    signs = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T
    placement = data.oMi[shape.parentJoint] * shape.placement
    return np.array([placement.act(ends[sign, [0, 1, 2]]) for sign in signs])


def test_arm_that_stands_too_close_is_let_out_and_not_further_in(
    arm: ArmModel, collision: CollisionModel
) -> None:
    deep, deeper, free = (reaching_down(arm, height) for height in (0.01, 0.0, 0.10))
    assert collision.clearance(deep).margin_m < 0
    assert collision.first_too_close(line(deep, free)) is None
    assert collision.first_too_close(deep[None]) is None
    refused = collision.first_too_close(line(deep, deeper))
    assert refused is not None
    assert refused[0] > 0
    assert refused[1].links[1] == "table"


def test_way_out_of_one_collision_is_no_way_into_another(
    arm: ArmModel, collision: CollisionModel
) -> None:
    """The depth at the start excused every other pair up to that depth."""
    deep, free = reaching_down(arm, -0.03), reaching_down(arm, 0.25)
    folded = free.copy()
    folded[5:] = 0.1, -0.8
    clearance = collision.clearance(folded)
    assert collision.clearance(deep).margin_m < clearance.margin_m < 0
    refused = collision.first_too_close(np.vstack((line(deep, free), line(free, folded))))
    assert refused is not None
    assert "table" not in refused[1].links


def test_sample_that_is_no_number_is_refused(collision: CollisionModel) -> None:
    q = line(START_Q, START_Q, 3)
    q[2] = np.nan
    found = collision.first_too_close(q)
    assert found is not None
    assert found[0] == 2


def test_capsules_are_one_shape(urdf: str) -> None:
    kinds = {type(shape.geometry).__name__ for shape in _shapes(model(urdf))}
    assert kinds == {"Box", "Capsule", "Halfspace", "Sphere"}


def _shapes(collision: CollisionModel) -> list[pin.GeometryObject]:
    return list(collision._geometry.shapes.geometryObjects)


def test_other_collision_geometry_counts(urdf: str, collision: CollisionModel) -> None:
    bigger = urdf.replace('<box size="0.018 0.0152 0.018"/>', '<box size="0.018 0.0152 0.038"/>')
    bare = COLLISION.sub("", urdf)
    assert model(bare, collision_urdf=urdf).clearance(LOW_Q) == collision.clearance(LOW_Q)
    grown = model(urdf, collision_urdf=bigger).clearance(LOW_Q)
    assert grown.margin_m < collision.clearance(LOW_Q).margin_m


def test_links_that_are_always_close_are_left_out_and_named(urdf: str) -> None:
    """The hand is 16 mm from link 6, whatever the joints do."""
    wide = model(urdf, self_distance_m=0.018)
    assert wide.left_out == (("panda_link6", "panda_hand"),)
    assert wide.clearance(START_Q).margin_m > 0


PANDA_LINKS = [f"panda_link{number}" for number in range(8)]
PANDA_LINKS += ["panda_hand", "panda_leftfinger", "panda_rightfinger"]


@settings(max_examples=4)
@given(start=postures(0.9))
def test_all_pairs_of_the_packaged_panda_are_checked(urdf: str, start: Vector) -> None:
    """Its shapes fit: whatever the start posture, only links of one joint or body are left out."""
    checked = model(urdf, start_q=start)
    adjacent = {tuple(PANDA_LINKS[i : i + 2]) for i in range(7)}
    body = set(PANDA_LINKS[7:])  # link 7 and what is fixed to it
    assert checked.left_out == ()
    assert {checked._links(pair) for pair in checked._pairs} == {
        (one, other)
        for i, one in enumerate(PANDA_LINKS)
        for other in PANDA_LINKS[i + 1 :]
        if (one, other) not in adjacent and not {one, other} <= body
    } | {(link, "table") for link in PANDA_LINKS[1:]}
    assert len(checked._pairs) == 205


@cache
def _hand() -> CollisionModel:
    of = ROBOTS["hand"]
    return CollisionModel(
        of.urdf.read_text(),
        of.joints,
        self_distance_m=0.001,
        table_z_m=None,
        table_distance_m=0.0,
        start_q=of.start_q,
    )


def test_every_pair_of_the_packaged_hands_links_is_checked() -> None:
    """Fingers may touch each other, the thumb and the palm: of a tree, no pair is left out."""
    hand = _hand()
    assert hand.left_out == ()
    bodies = ["palm_link", *(f"link_{number}.0" for number in range(16))]
    fingers = [bodies[i : i + 4] for i in range(1, 17, 4)]
    joined = {pair for finger in fingers for pair in pairwise(["palm_link", *finger])}
    checked = {hand._links(pair) for pair in hand._pairs}
    expected = {pair for pair in combinations(bodies, 2) if pair not in joined}
    assert {frozenset(pair) for pair in checked} == {frozenset(pair) for pair in expected}


@given(seed=st.integers(0, 2**32 - 1))
def test_a_hands_links_close_no_faster_than_its_joints_can_move_them(seed: int) -> None:
    """Two fingers move towards each other with the speeds of both."""
    of, rng = ROBOTS["hand"], np.random.default_rng(seed)
    hand = _hand()
    q = of.start_q + rng.uniform(-0.2, 0.2, 16)
    moved = rng.uniform(-0.05, 0.05, 16)
    closed = hand._margins(q) - hand._margins(q + moved)
    most = np.abs(moved[hand._geometry.order]) @ hand._closing_speed
    assert (closed <= most + 1e-6).all()


READY_Q = np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785])
FR3_JOINTS = [f"fr3_joint{number}" for number in range(1, 8)]
ON_BASE_Q = np.array([0.0, -1.7, 0.0, -2.9, 0.0, 1.5, 0.8])  # the hand against the base


def coarse(name: str, start: Vector) -> CollisionModel:
    text, joints = (multipanda(), list(JOINTS)) if name == "panda" else (fr3(), FR3_JOINTS)
    return CollisionModel(
        text, joints, self_distance_m=0.01, table_z_m=None, table_distance_m=0.0, start_q=start
    )


@pytest.mark.parametrize("name", ["panda", "fr3"])
@pytest.mark.parametrize("start", [START_Q, READY_Q], ids=["start", "ready"])
def test_coarse_shapes_of_neighbours_forbid_no_work(name: str, start: Vector) -> None:
    """Of multipanda_ros2's Panda, the flange and link 6 overlapped in 300 of 300 postures."""
    checked = coarse(name, start)
    near = start + np.random.default_rng(3).uniform(-0.3, 0.3, (300, 7))
    assert min(checked.clearance(q).margin_m for q in near) > 0
    named = {frozenset(re.findall(r"link\d|hand", " ".join(pair))) for pair in checked.left_out}
    assert named >= {frozenset({"link6", "hand"}), frozenset({"link1", "link3"})}
    assert all(len(links) == 2 for links in named)


@pytest.mark.parametrize("name", ["panda", "fr3"])
def test_coarse_shapes_still_tell_what_the_arm_can_hit(name: str) -> None:
    checked = coarse(name, READY_Q)
    found = checked.clearance(ON_BASE_Q)
    assert found.margin_m < 0
    left = {link for pair in checked.left_out for link in pair}
    for one in ("link0", "link1", "link2"):
        for other in ("link5", "link6", "link7", "hand"):
            assert any(
                {one, other} == set(re.findall(r"link\d|hand", " ".join(checked._links(pair))))
                for pair in checked._pairs
            ), (one, other)
    assert left  # what is left out has a name


def with_part(where: str, parent: str, size: tuple[float, ...], xyz: tuple[float, ...]) -> str:
    """A Panda with shapes of its size, and one more part."""
    made = Description()
    add_franka(made, "panda_", PANDA_RANGES, grown_m=-0.01)
    made.link(where, box(size))
    made.joint(f"{where}_joint", parent, where, xyz)
    return made.text()


@pytest.mark.parametrize(
    ("parent", "size", "xyz", "hit"),
    [
        # A wall, in which many postures would be.
        ("panda_link0", (0.1, 3.0, 3.0), (0.66, 0.0, 0.5), "hand"),
        # A ceiling, which the elbow meets.
        ("panda_link0", (3.0, 3.0, 0.1), (0.0, 0.0, 0.75), "link"),
        # A camera beside the hand, which meets the forearm at some angles.
        ("panda_link8", (0.03, 0.09, 0.03), (-0.12, 0.0, -0.03), "link5"),
    ],
    ids=["wall", "ceiling", "camera"],
)
def test_what_collides_sometimes_stays_checked(
    parent: str, size: tuple[float, ...], xyz: tuple[float, ...], hit: str
) -> None:
    text = with_part("part", parent, size, xyz)
    checked = model(text, table_z_m=None, start_q=READY_Q)
    assert not [pair for pair in checked.left_out if "part" in pair]
    postures = np.random.default_rng(5).uniform(
        [low for low, _, _ in PANDA_RANGES], [high for _, high, _ in PANDA_RANGES], (300, 7)
    )
    found = {found.links for q in postures if (found := checked.clearance(q)).margin_m < 0}
    assert any("part" in links and hit in "".join(links) for links in found), found


def test_mesh_becomes_its_hull(urdf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "share" / "arm_meshes"
    package.mkdir(parents=True)
    shutil.copy(share_path("description", "meshes", "hand_2.stl"), package / "hand.stl")
    meshed = COLLISION.sub(_with_mesh("package://arm_meshes/hand.stl"), urdf)
    with pytest.raises(ConfigurationError, match=r"arm_meshes/hand\.stl.*collision_description"):
        model(meshed)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    kinds = {type(shape.geometry).__name__ for shape in _shapes(model(meshed))}
    assert kinds == {"Convex", "Halfspace"}


XACRO = '<robot xmlns:xacro="http://ros.org/wiki/xacro"><xacro:include filename="a"/></robot>'


def _with_mesh(filename: str) -> str:
    return f'<collision><geometry><mesh filename="{filename}"/></geometry></collision>'


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"self_distance_m": -0.01}, "self_distance_m is -0.01"),
        ({"self_distance_m": np.nan}, "self_distance_m is nan"),
        ({"table_distance_m": np.inf}, "table_distance_m is inf"),
        ({"table_z_m": np.nan}, "table_z_m is nan"),
        ({"table_z_m": 3.0}, "table_z_m is 3.0: panda_link2 would be in the table"),
        ({"collision_urdf": "<robot"}, "collision_description is not a URDF"),
        ({"collision_urdf": "version https://git-lfs"}, "a path or a name, not XML; give a URDF"),
        ({"collision_urdf": XACRO}, "written in xacro; run xacro FILE > robot.urdf"),
        (
            {"collision_urdf": robot(["base", "one", "two"], CHAIN)},
            r"collision_description has no joint.*panda_joint1",
        ),
        ({"self_distance_m": 5.0, "table_z_m": None}, "no links that could collide.*lower"),
    ],
)
def test_what_is_wrong_is_said(urdf: str, changes: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        model(urdf, **changes)


def test_description_without_shapes(urdf: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no collision geometry.*collision_description"):
        model(COLLISION.sub("", urdf))


def test_description_of_another_arm(urdf: str) -> None:
    longer = urdf.replace('xyz="0 -0.316 0"', 'xyz="0 -0.400 0"')
    with pytest.raises(ConfigurationError, match="another arm: joint 'panda_joint3'"):
        model(urdf, collision_urdf=longer)
