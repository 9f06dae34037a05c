# SPDX-License-Identifier: Apache-2.0
"""The robot description says what the manufacturer and the training environment say."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin
import pytest

from vera_ros.resources import share_path

URDF = share_path("description", "urdf", "panda.urdf")
ROBOT = ElementTree.parse(URDF).getroot()
LINKS = {link.attrib["name"]: link for link in ROBOT.iter("link")}
FRAMES = {"panda_link8", "panda_grip_site"}
# Lower and upper position [rad], velocity [rad/s], effort [Nm].
LIMITS = {
    "panda_joint1": (-2.8973, 2.8973, 2.175, 87),
    "panda_joint2": (-1.7628, 1.7628, 2.175, 87),
    "panda_joint3": (-2.8973, 2.8973, 2.175, 87),
    "panda_joint4": (-3.0718, -0.0698, 2.175, 87),
    "panda_joint5": (-2.8973, 2.8973, 2.61, 12),
    "panda_joint6": (-0.0175, 3.7525, 2.61, 12),
    "panda_joint7": (-2.8973, 2.8973, 2.61, 12),
}


def test_links_are_the_pandas() -> None:
    arm = {f"panda_link{i}" for i in range(9)}
    hand = {"panda_hand", "panda_leftfinger", "panda_rightfinger", "panda_grip_site"}
    assert set(LINKS) == arm | hand


@pytest.mark.parametrize("name", sorted(set(LINKS) - FRAMES))
def test_a_body_has_mass_shape_and_a_physical_inertia(name: str) -> None:
    link = LINKS[name]
    mass = link.find("inertial/mass")
    inertia = link.find("inertial/inertia")
    assert mass is not None
    assert inertia is not None
    assert float(mass.attrib["value"]) > 0
    i = {key: float(value) for key, value in inertia.attrib.items()}
    matrix = np.array(
        [
            [i["ixx"], i["ixy"], i["ixz"]],
            [i["ixy"], i["iyy"], i["iyz"]],
            [i["ixz"], i["iyz"], i["izz"]],
        ]
    )
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert link.find("collision") is not None
    assert link.find("visual") is not None


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
def test_arm_limits_are_the_manufacturers(
    name: str, limits: tuple[float, float, float, float]
) -> None:
    limit = ROBOT.find(f"joint[@name='{name}']/limit")
    assert limit is not None
    found = tuple(float(limit.attrib[key]) for key in ("lower", "upper", "velocity", "effort"))
    assert found == limits


@pytest.mark.parametrize("name", sorted(set(LINKS) - FRAMES))
def test_rviz_shows_a_link_in_the_colour_of_its_largest_part(name: str) -> None:
    """Rviz gives the whole link the colour of its first visual."""
    meshes = [mesh.attrib["filename"] for mesh in LINKS[name].iterfind("visual/geometry/mesh")]
    sizes = [share_path(*mesh.split("/")[3:]).stat().st_size for mesh in meshes]
    assert sizes[0] == max(sizes)


def test_the_fingers_open_together() -> None:
    for name in ("panda_finger_joint1", "panda_finger_joint2"):
        limit = ROBOT.find(f"joint[@name='{name}']/limit")
        assert limit is not None
        assert (float(limit.attrib["lower"]), float(limit.attrib["upper"])) == (0.0, 0.04)
    mimic = ROBOT.find("joint[@name='panda_finger_joint2']/mimic")
    assert mimic is not None
    assert mimic.attrib == {"joint": "panda_finger_joint1"}


def test_the_grip_site_is_the_training_environments_tcp() -> None:
    model = pin.buildModelFromUrdf(str(URDF))
    data = model.createData()
    pin.framesForwardKinematics(model, data, pin.neutral(model))
    link7 = data.oMf[model.getFrameId("panda_link7")]
    hand = data.oMf[model.getFrameId("panda_hand")]
    site = data.oMf[model.getFrameId("panda_grip_site")]
    np.testing.assert_allclose(link7.actInv(site).translation, [0, 0, 0.2035], atol=1e-9)
    turned = pin.utils.rotate("z", -np.pi / 2)
    np.testing.assert_allclose(hand.actInv(site).rotation, turned, atol=1e-9)


@pytest.mark.parametrize("name", sorted(set(LINKS) - FRAMES))
def test_collision_shapes_enclose_the_meshes_to_within_a_centimetre(name: str) -> None:
    """The manufacturer's capsules for self-collision leave up to 14 cm of a link outside."""
    meshes = share_path("description", "meshes")
    points = []
    for visual in LINKS[name].findall("visual"):
        file = visual.find("geometry/mesh").attrib["filename"].rpartition("/")[2]  # type: ignore[union-attr]
        R, p = _placement(visual)
        points.append(_vertices(meshes / file) @ R.T + p)
    cloud = np.concatenate(points)
    outside = np.min([_distance(cloud, shape) for shape in LINKS[name].iter("collision")], axis=0)
    assert outside.max() < 0.01


def _vertices(stl: Path) -> np.ndarray:
    facet = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    return np.frombuffer(stl.read_bytes()[84:], facet)["corners"].reshape(-1, 3).astype(float)


def _placement(element: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    origin = element.find("origin")
    given = {} if origin is None else origin.attrib
    xyz, rpy = (np.array(given.get(key, "0 0 0").split(), dtype=float) for key in ("xyz", "rpy"))
    return pin.rpy.rpyToMatrix(*rpy), xyz


def _distance(points: np.ndarray, collision: ElementTree.Element) -> np.ndarray:
    """Distance of points from a sphere, cylinder or box; zero or less inside. Shape (N,), [m]."""
    R, p = _placement(collision)
    local = (points - p) @ R
    shape = collision.find("geometry")[0]  # type: ignore[index]
    size = {key: np.array(value.split(), dtype=float) for key, value in shape.attrib.items()}
    if shape.tag == "sphere":
        return np.asarray(np.linalg.norm(local, axis=1) - size["radius"])
    if shape.tag == "cylinder":
        across = np.linalg.norm(local[:, :2], axis=1) - size["radius"]
        beyond = np.stack((across, np.abs(local[:, 2]) - size["length"] / 2), axis=1)
    else:
        beyond = np.abs(local) - size["size"] / 2
    return np.asarray(np.linalg.norm(np.maximum(beyond, 0.0), axis=1))


def test_meshes_exist_with_their_colours_and_licences() -> None:
    meshes = share_path("description", "meshes")
    parts = json.loads((meshes / "parts.json").read_text())
    colours = {stl: colour for group in parts.values() for stl, colour in group}
    materials = {
        material.attrib["name"]: [float(v) for v in material.find("color").attrib["rgba"].split()]  # type: ignore[union-attr]
        for material in ROBOT.findall("material")
    }
    seen = set()
    for visual in ROBOT.iter("visual"):
        mesh, material = visual.find("geometry/mesh"), visual.find("material")
        assert mesh is not None
        assert material is not None
        prefix, _, file = mesh.attrib["filename"].rpartition("/")
        assert prefix == "package://vera_ros/description/meshes"
        assert (meshes / file).is_file()
        stl = Path(file).stem
        assert materials[material.attrib["name"]] == [*colours[stl], 1.0]
        seen.add(stl)
    assert seen == set(colours)
    for licence in ("LICENSE", "NOTICE"):
        assert (meshes / licence).is_file()
    assert share_path("description", "textures", "LICENSE").is_file()
