# SPDX-License-Identifier: Apache-2.0
"""Meshes are found where ROS, or the folders around a URDF, have them."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.robots.stacking.arms.meshes import mesh_path, resolve_meshes


def robot(filename: str) -> ElementTree.Element:
    mesh = f"<mesh filename='{filename}'/>"
    return ElementTree.fromstring(f"<robot><link><visual>{mesh}</visual></link></robot>")


def resolve(filename: str, urdf: Path) -> Path:
    root = robot(filename)
    resolve_meshes(root, urdf)
    (mesh,) = root.iter("mesh")
    return mesh_path(mesh)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "prefix" / "share" / "my_arm"
    (folder / "meshes").mkdir(parents=True)
    (folder / "urdf").mkdir()
    (folder / "meshes" / "link.stl").write_text("")
    return folder


@pytest.mark.parametrize(
    "filename",
    ["package://my_arm/meshes/link.stl", "../meshes/link.stl", "file://{folder}/meshes/link.stl"],
)
def test_a_mesh_beside_the_description_is_found(package: Path, filename: str) -> None:
    found = resolve(filename.format(folder=package), package / "urdf" / "arm.urdf")
    assert found == package / "meshes" / "link.stl"


def test_a_package_is_looked_for_where_ros_has_it(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, urdf = "package://my_arm/meshes/link.stl", tmp_path / "arm.urdf"
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/opt/ros/none")
    with pytest.raises(ConfigurationError, match=r"'package://my_arm/.*/opt/ros/none"):
        resolve(name, urdf)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/opt/ros/none:{tmp_path / 'prefix'}")
    assert resolve(name, urdf) == package / "meshes" / "link.stl"
