# SPDX-License-Identifier: Apache-2.0
"""scripts/doctor where nothing is prepared: it says so, installs nothing, and still helps."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vera_ros.resources import share_path

ROOT = share_path("package.xml").parent
PATIENCE_S = 120.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs scripts/doctor of a fresh checkout, with a bare Python and no ROS."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("scripts", "vera_ros", "vera_ros_interfaces", "config", "description"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    for name in ("package.xml", "setup.py"):
        shutil.copy(ROOT / name, checkout)
    programs = tmp_path / "bin"
    programs.mkdir()
    python = Path(sys.base_prefix) / "bin" / "python3"
    (programs / "python3").write_text(f'#!/bin/sh\nexec {python} -S "$@"\n')  # no site-packages
    (programs / "python3").chmod(0o755)

    def run_script(*arguments: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [str(checkout / "scripts" / "doctor"), *arguments],
            env={"PATH": f"{programs}:{os.defpath}:/usr/sbin:/sbin", "HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert not (checkout / ".venv").exists()
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return run_script


def test_an_empty_machine_is_told_what_to_do(run: Run) -> None:
    done = run("--deadline", "60")
    assert done.returncode == 1
    assert "nothing is prepared here yet: scripts/demo does that" in done.stderr
    assert "failure  ROS 2: rclpy cannot be used" in done.stdout
    assert "scripts/demo" in done.stdout
    assert "skipped  GPU: not needed" in done.stdout


def test_help_and_mistakes_need_nothing(run: Run) -> None:
    assert "usage: doctor" in run("--help").stdout
    mistaken = run("--robot", "toy")
    assert mistaken.returncode == 2
    assert "toy" in mistaken.stderr


def test_a_report_that_cannot_be_written_is_named(run: Run) -> None:
    done = run("--deadline", "60", "--json", "/dev/full")
    assert done.returncode == 1
    assert "the report cannot be written to" in done.stderr
