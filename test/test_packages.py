# SPDX-License-Identifier: Apache-2.0
"""The two ROS packages: their manifests are true, and colcon builds and installs all of it."""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from catkin_pkg.package import Package, parse_package  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]
INTERFACES = ROOT / "vera_ros_interfaces"
EXECUTABLES = {
    "compile_motion",
    "demo",
    "doctor",
    "ik_node",
    "judge_node",
    "policy_node",
    "reference_server",
    "server_node",
    "sim_node",
}

# What the keys of rosdep bring, by the name under which Python imports it.
SYSTEM_KEYS = {
    "coal": "pinocchio",
    "cv2": "python3-opencv",
    "hypothesis": "python3-hypothesis",
    "jsonschema": "python3-jsonschema",
    "msgpack": "python3-msgpack",
    "numpy": "python3-numpy",
    "packaging": "python3-packaging",
    "pinocchio": "pinocchio",
    "psutil": "python3-psutil",
    "pydantic": "python3-pydantic",
    "pytest": "python3-pytest",
    "scipy": "python3-scipy",
    "websockets": "python3-websockets",
    "yaml": "python3-yaml",
    "catkin_pkg": "python3-catkin-pkg-modules",
}
# No key brings these: they come from PyPI (setup.py).
PYPI_ONLY = {"av", "mujoco", "numba", "rich", "tenacity"}
# Run, not imported.
RUN_ALONG = {"robot_state_publisher", "ros2launch", "rviz2"}
OWN = {"docs", "verification", "vera_ros", "test", "ros_helpers", "setuptools"}


def manifest(folder: Path) -> Package:
    """Return the manifest.

    catkin_pkg raises on whatever the format does not allow.
    """
    warnings: list[str] = []
    package = parse_package(str(folder / "package.xml"), warnings=warnings)
    package.validate(warnings=warnings)
    assert not warnings
    return package


def imported_in(*folders: str) -> set[str]:
    """Top-level names that Python files below these folders import."""
    names: set[str] = set()
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def declared(package: Package, *kinds: str) -> set[str]:
    return {dependency.name for kind in kinds for dependency in getattr(package, kind)}


def keys(names: set[str]) -> set[str]:
    return {SYSTEM_KEYS.get(name, name) for name in names - OWN - PYPI_ONLY}


@pytest.mark.parametrize("folder", [ROOT, INTERFACES], ids=["vera_ros", "vera_ros_interfaces"])
def test_manifest_is_valid(folder: Path) -> None:
    package = manifest(folder)
    assert package.package_format == 3
    assert package.licenses == ["Apache-2.0"]
    assert (folder / package.licenses[0].file).is_file()
    assert package.name == ("vera_ros" if folder == ROOT else "vera_ros_interfaces")


def test_all_that_the_package_imports_is_declared() -> None:
    missing = keys(imported_in("vera_ros", "launch")) - declared(manifest(ROOT), "exec_depends")
    assert not missing


def test_nothing_is_declared_in_vain() -> None:
    package = manifest(ROOT)
    used = keys(imported_in("vera_ros", "launch")) | RUN_ALONG
    assert declared(package, "exec_depends") <= used
    tested = keys(imported_in("test"))
    assert declared(package, "test_depends") <= tested - used


def test_all_that_the_tests_import_is_declared() -> None:
    package = manifest(ROOT)
    missing = keys(imported_in("test")) - declared(package, "exec_depends", "test_depends")
    assert not missing


def test_all_messages_that_the_interfaces_use_are_declared() -> None:
    used = set()
    for file in INTERFACES.glob("*/*.*"):
        used |= set(re.findall(r"^([a-z_]+)/[A-Z]", file.read_text(), re.MULTILINE))
    build = declared(manifest(INTERFACES), "build_depends")
    run = declared(manifest(INTERFACES), "exec_depends")
    assert used <= build
    assert used <= run


def test_versions_agree() -> None:
    setup = re.search(r'^    version="(.*)"', (ROOT / "setup.py").read_text(), re.MULTILINE)
    assert setup is not None
    versions = {setup[1], manifest(ROOT).version, manifest(INTERFACES).version}
    assert len(versions) == 1


def test_colcon_installs_every_executable(install_folder: Path) -> None:
    programs = install_folder / "vera_ros" / "lib" / "vera_ros"
    assert {program.name for program in programs.iterdir()} == EXECUTABLES
    assert all(os.access(program, os.X_OK) for program in programs.iterdir())


def test_colcon_installs_every_data_file(install_folder: Path) -> None:
    files = [
        file.relative_to(ROOT)
        for top in ("config", "description", "docker", "launch")
        for file in (ROOT / top).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    ]
    share = install_folder / "vera_ros" / "share" / "vera_ros"
    assert [file for file in files if not (share / file).is_file()] == []


def test_every_mesh_of_the_robot_is_installed(install_folder: Path) -> None:
    share = install_folder / "vera_ros" / "share"
    urdf = ET.parse(share / "vera_ros" / "description" / "urdf" / "panda.urdf")
    meshes = [mesh.attrib["filename"] for mesh in urdf.iter("mesh")]
    assert meshes
    for mesh in meshes:
        assert (share / mesh.removeprefix("package://")).is_file()


def test_an_installed_node_finds_its_files(
    workspace_environment: dict[str, str], tmp_path: Path
) -> None:
    """Away from the checkout, `share_path` goes by the ament index."""
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "from vera_ros.bringup.graph import nodes\n"
            "from vera_ros.bringup.graph_options import GraphOptions\n"
            "print(nodes(GraphOptions())[0])",
        ],
        cwd=tmp_path,
        env=workspace_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "share/vera_ros/config/mimicgen_panda.yaml" in shown.stdout
