# SPDX-License-Identifier: Apache-2.0
"""A whole episode of the demo behind VERA's own server and adapter, started by subprocess mode."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.demo.report import RunReport

from ..server.room import Room

if TYPE_CHECKING:
    from test.ros_helpers import write_patient_config
else:
    from ros_helpers import write_patient_config

UPSTREAM = os.environ.get("VERA_UPSTREAM", "")
pytestmark = pytest.mark.skipif(
    not Path(UPSTREAM, "vera", "server", "protocol").is_dir(),
    reason="needs a checkout of VERA: set VERA_UPSTREAM to its folder",
)

PATIENCE_S = 400.0


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(str(tmp_path), free_port())
    yield made
    made.clear()


def test_the_tower_stands_behind_veras_own_server(tmp_path: Path, room: Room) -> None:
    config = write_patient_config(tmp_path)
    # The launcher loads no weights; that they are there is looked at all the same.
    folders = {f"VERA_{name.upper()}": folder for name, folder in room.checkpoints.items()}
    demo = subprocess.run(
        [
            *(sys.executable, "-m", "vera_ros.demo.cli", "--server", "subprocess", "--lockstep"),
            *("--episodes", "1", "--seed", "1", "--headless", "--no-video", "--config", config),
        ],
        cwd=tmp_path,
        env=room.environment(
            VERA_UPSTREAM=UPSTREAM,
            VERA_PYTHONPATH=room.pythonpath,
            VERA_SERVER_PORT=str(room.port),
            VERA_VIS_PORT="0",
            **folders,
        ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    report = RunReport.read(tmp_path / "report.json")
    (episode,) = report.episodes
    assert episode.success
    assert (episode.outcome, episode.cause) == ("succeeded", "task_success")

    server = report.summary().server
    assert server["server_url"] == f"ws://127.0.0.1:{room.port}"
    assert server["viewer_url"] == "not known"  # it has none
    assert (server["server_planner"], server["server_idm"]) == ("reference", "reference")
    (logs,) = re.findall(r"^logs +(.*)$", demo.stdout, re.MULTILINE)
    said = Path(logs, "server_node.log").read_text()
    assert "vera.adapter" in said
    assert len(re.findall(r"\[infer #\d+\]", said)) >= episode.chunks > 0
    assert room.is_empty()
