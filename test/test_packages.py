# SPDX-License-Identifier: Apache-2.0
"""The two ROS packages: their manifests are true, and colcon builds and installs all of it."""

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from catkin_pkg.package import Package, parse_package  # type: ignore[import-untyped]
from catkin_pkg.packages import find_packages  # type: ignore[import-untyped]
from packaging.requirements import Requirement

from vera_ros.doctor.checks import libraries

ROOT = Path(__file__).resolve().parents[1]
INTERFACES = ROOT / "vera_ros_interfaces"
EXECUTABLES = {
    "camera_environment",
    "compile_motion",
    "demo",
    "doctor",
    "ik_node",
    "judge_node",
    "policy_node",
    "reference_server",
    "security_policy",
    "server_node",
    "sim_node",
}

# What the keys of rosdep bring, by the name under which Python imports it. The keys are those of
# rosdep/python.yaml and of the distributions in ros/rosdistro.
SYSTEM_KEYS = {
    "PIL": "python3-pil",
    "coal": "pinocchio",
    "cv2": "python3-opencv",
    "hypothesis": "python3-hypothesis",
    "jsonschema": "python3-jsonschema",
    "msgpack": "python3-msgpack",
    "numba": "python3-numba",
    "numpy": "python3-numpy",
    "packaging": "python3-packaging",
    "pinocchio": "pinocchio",
    "psutil": "python3-psutil",
    "pydantic": "python3-pydantic",
    "pytest": "python3-pytest",
    "rich": "python3-rich",
    "scipy": "python3-scipy",
    "websockets": "python3-websockets",
    "yaml": "python3-yaml",
    "catkin_pkg": "python3-catkin-pkg-modules",
}
# No key brings these from a system's packages. They belong to features that can be left out: the
# film of the demo, the simulator, PushT.
PYPI_ONLY = {
    "av": "vera_ros/demo/",
    "gym_pusht": "vera_ros/robots/pusht/",
    "mujoco": "vera_ros/sim/",
    "shapely": "vera_ros/robots/pusht/",
}
# The same by the names of PyPI, where these differ from the import.
IMPORTED_AS = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pin": "pinocchio",
    "pyyaml": "yaml",
}
# Run, not imported.
RUN_ALONG = {"robot_state_publisher", "ros2launch", "rviz2"}
NOT_OURS = (".pixi", ".venv", "build", "install", "log")
HELPERS = {"parameter_mistakes", "ros_helpers"}  # of the tests
OWN = {"docs", "verification", "vera_ros", "test", "setuptools", *HELPERS}


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
    return {SYSTEM_KEYS.get(name, name) for name in names - OWN - PYPI_ONLY.keys()}


@pytest.mark.parametrize("folder", [ROOT, INTERFACES], ids=["vera_ros", "vera_ros_interfaces"])
def test_manifest_is_valid(folder: Path) -> None:
    package = manifest(folder)
    assert package.package_format == 3
    assert package.name == ("vera_ros" if folder == ROOT else "vera_ros_interfaces")


@pytest.mark.parametrize("folder", [ROOT, INTERFACES], ids=["vera_ros", "vera_ros_interfaces"])
def test_every_licence_is_declared_and_lies_in_the_package(folder: Path) -> None:
    """Release tools see the package alone, without what lies around it."""
    declared_licences = {}
    for licence in manifest(folder).licenses:
        assert ".." not in licence.file
        declared_licences[folder / licence.file] = str(licence)
    others = {INTERFACES, *(ROOT / name for name in NOT_OURS)} - {folder}
    texts = {
        file
        for name in ("LICENSE*", "COPYING*")
        for file in folder.rglob(name)
        if others.isdisjoint(file.parents)
    }
    assert declared_licences.keys() == texts
    for file, name in declared_licences.items():
        assert file.read_text().split()[0] == name.split("-")[0]


def test_what_only_pypi_has_is_needed_by_optional_features_alone() -> None:
    for name, feature in PYPI_ONLY.items():
        for file in (ROOT / "vera_ros").rglob("*.py"):
            if not file.relative_to(ROOT).as_posix().startswith(feature):
                assert not re.search(rf"^(import|from) {name}\b", file.read_text(), re.MULTILINE)


def test_what_pip_would_install_is_declared() -> None:
    asked = {Requirement(line).name.lower() for line in libraries.declared_requirements()[""]}
    imported = {IMPORTED_AS.get(name, name) for name in asked}
    assert keys(imported) <= declared(manifest(ROOT), "exec_depends")


@pytest.mark.parametrize(
    ("distribution", "has"), [("jazzy", False), ("lyrical", True), ("rolling", True)]
)
def test_numba_is_asked_of_apt_where_apt_has_it(distribution: str, has: bool) -> None:
    package = manifest(ROOT)
    package.evaluate_conditions({"ROS_DISTRO": distribution})
    [numba] = [d for d in package.exec_depends if d.name == "python3-numba"]
    assert numba.evaluated_condition is has


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


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh checkout of the files as they are here, with some that are not git's."""
    folder = tmp_path_factory.mktemp("checkout") / "vera ros"
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in listed.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@x", "commit", "--quiet", "-m", "all")
    for name in ("build/log", ".venv/jazzy/file", "vera_ros/__pycache__/x.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def git(folder: Path, *words: str) -> str:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs git, and a checkout")
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def export(checkout: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / "export", *words], capture_output=True, text=True, check=False
    )


def files_below(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_the_export_has_both_packages_side_by_side(checkout: Path, tmp_path: Path) -> None:
    ran = export(checkout, tmp_path / "ws" / "src")
    assert ran.returncode == 0, ran.stderr
    found = find_packages(str(tmp_path / "ws"))
    assert set(found) == {"src/vera_ros", "src/vera_ros_interfaces"}
    for path, package in found.items():
        for licence in package.licenses:
            assert (tmp_path / "ws" / path / licence.file).is_file()


def test_the_export_has_what_git_tracks_and_the_packages_need(
    checkout: Path, tmp_path: Path
) -> None:
    assert export(checkout, tmp_path / "src").returncode == 0
    tracked = set(git(checkout, "ls-files").splitlines())
    exported = {name.removeprefix("vera_ros/") for name in files_below(tmp_path / "src")}
    assert exported <= tracked
    tops = {name.split("/")[0] for name in tracked - exported}
    assert tops >= {"scripts", "test", "verification", ".github"}
    assert not tops & {"config", "description", "docker", "docs", "launch", "resource", "vera_ros"}


def test_an_unpacked_archive_exports_the_same(checkout: Path, tmp_path: Path) -> None:
    shutil.copytree(checkout, tmp_path / "unpacked", ignore=shutil.ignore_patterns(".git"))
    assert export(checkout, tmp_path / "one").returncode == 0
    assert export(tmp_path / "unpacked", tmp_path / "two").returncode == 0
    assert files_below(tmp_path / "one") == files_below(tmp_path / "two")


def test_the_export_says_that_it_leaves_out_what_is_not_committed(
    checkout: Path, tmp_path: Path
) -> None:
    git(checkout.parent, "clone", "--quiet", str(checkout), str(tmp_path / "clone"))
    (tmp_path / "clone" / "config" / "mine.yaml").touch()
    ran = export(tmp_path / "clone", tmp_path / "src")
    assert ran.returncode == 0
    assert "not committed is not exported: 1 file" in ran.stderr
    assert not (tmp_path / "src" / "vera_ros" / "config" / "mine.yaml").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "usage: scripts/export DIR"),
        (("",), "usage: scripts/export DIR"),
        (("--help",), "usage: scripts/export DIR"),
        (("a", "b"), "usage: scripts/export DIR"),
        ((ROOT / "test",), f"{ROOT}/test is not empty"),
        ((ROOT / "setup.py",), f"{ROOT}/setup.py is a file"),
    ],
)
def test_the_export_refuses_what_it_cannot_fill(
    checkout: Path, words: tuple[str | Path, ...], message: str
) -> None:
    ran = export(checkout, *words)
    assert ran.returncode == 1
    assert message in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_colcon_builds_the_export(checkout: Path, tmp_path: Path) -> None:
    """A plain `colcon build` of a workspace, without arguments about where the packages are."""
    assert export(checkout, tmp_path / "src" / "vera").returncode == 0
    cmake = (f"-DPython3_EXECUTABLE={sys.executable}", "-DBUILD_TESTING=OFF")
    built = subprocess.run(
        ["colcon", "build", "--cmake-args", *cmake],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    share = tmp_path / "install" / "vera_ros" / "share" / "vera_ros"
    assert (share / "launch" / "mimicgen_panda.launch.py").is_file()
    assert (tmp_path / "install" / "vera_ros_interfaces" / "share").is_dir()
