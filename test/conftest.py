# SPDX-License-Identifier: Apache-2.0
"""Room for graphs of nodes: a ROS domain of their own, a free port, an installed workspace."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vera_ros.bringup import isolation
from vera_ros.bringup.middleware import on_loopback

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test"))  # for ros_helpers


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[int]:
    """A ROS_DOMAIN_ID that no other test or program here uses, set for this process and below.

    So is ROS_HOME: a hold that a test leaves is kept there.
    """
    with isolation.own_domain() as domain:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
        monkeypatch.setenv("ROS_HOME", str(tmp_path))
        for variable, value in on_loopback(os.environ).items():
            monkeypatch.setenv(variable, value)
        yield domain


@pytest.fixture
def server_url() -> str:
    """The address of a policy server that is yet to start."""
    return f"ws://127.0.0.1:{isolation.free_port()}"


@pytest.fixture(scope="session")
def install_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packages, built by a plain `colcon build` of the repository."""
    folder = tmp_path_factory.mktemp("workspace")
    built = subprocess.run(
        [
            "colcon",
            "--log-base",
            str(folder / "log"),
            "build",
            "--build-base",
            str(folder / "build"),
            "--install-base",
            str(folder / "install"),
            "--cmake-args",
            f"-DPython3_EXECUTABLE={sys.executable}",
            "-DBUILD_TESTING=OFF",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "install"


@pytest.fixture(scope="session")
def workspace_environment(install_folder: Path) -> dict[str, str]:
    """The environment after `source install/local_setup.bash`."""
    shown = subprocess.run(
        ["bash", "-c", 'source "$0" && env -0', str(install_folder / "local_setup.bash")],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(item.split("=", 1) for item in shown.stdout.split("\0") if item)
