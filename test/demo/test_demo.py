# SPDX-License-Identifier: Apache-2.0
"""The demo as a user runs it: processes, topics, a tower."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
import yaml

from vera_ros.bringup.isolation import free_port
from vera_ros.demo.report import RunReport
from vera_ros.embodiments import find_embodiment
from vera_ros.robots.registry import find_robot

from ..server.room import write_checkpoints

if TYPE_CHECKING:
    from test.ros_helpers import write_patient_config
else:
    from ros_helpers import write_patient_config

_PATIENCE_S = 400.0


def start_demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    # Its temporary folder is of its own: the processes are known by it.
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "vera_ros.demo.cli", "--headless", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder: Path) -> dict[str, int]:
    """Process ids of the nodes that a demo in this folder has started, by name."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and (node := re.search(r"vera_ros\.nodes\.(\w+)", line)):
                found[node[1]] = int(path.parent.name)
    return found


def read_until(demo: subprocess.Popen[str], start: str) -> None:
    """Read the demo's output up to a line that starts so."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        if line.startswith(start):
            return
        lines.append(line)
    raise AssertionError(f"the demo never said '{start}': {lines}")


def write_very_patient_config(folder: Path, embodiment: str = "mimicgen") -> Path:
    """Also a trajectory may come late: at half speed, 1 s is 2 s of a busy machine."""
    path = write_patient_config(folder, embodiment)
    config = yaml.safe_load(path.read_text())
    config["/**/ik_node"]["ros__parameters"] |= {"tracking_delay_s": 1.0}
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_tower_stands(tmp_path: Path) -> None:
    # At half speed and with patience, so that a machine that is busy with other tests keeps up.
    config = write_very_patient_config(tmp_path)
    demo = start_demo(
        tmp_path, *f"--episodes 1 --seed 1 --realtime-factor 0.5 --config {config}".split()
    )
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 0, output + errors
    assert "the tower stands" in output, output

    report = RunReport.read(tmp_path / "report.json")
    (episode,) = report.episodes
    assert episode.success
    assert (episode.outcome, episode.cause) == ("succeeded", "task_success")
    assert episode.chunks == len(episode.server_latency_s) > 0
    assert 0 < episode.sim_duration_s < 60.0
    assert episode.duration_s > episode.sim_duration_s
    assert set(episode.camera_rate_hz) == set(find_robot("mimicgen").cameras)

    with av.open(str(tmp_path / "demo.mp4")) as film:
        last_s = [frame.time for frame in film.decode(video=0)][-1]
    assert last_s == pytest.approx(episode.sim_duration_s + 1.5, abs=1.0)
    for name in ("policy_node", "ik_node", "sim_node", "reference_server"):
        assert (Path(re.findall(r"^logs +(.*)$", output, re.M)[0]) / f"{name}.log").is_file()
    assert processes_of(tmp_path) == {}


@pytest.mark.parametrize(
    ("embodiment", "arm"), [("mimicgen", "panda"), ("droid", "panda"), ("mimicgen", "ur5e")]
)
def test_in_lockstep_a_tower_stands_and_the_report_says_so(
    tmp_path: Path, embodiment: str, arm: str
) -> None:
    config = write_very_patient_config(tmp_path, embodiment)
    options = f"--embodiment {embodiment} --arm {arm} --episodes 1 --seed 1 --lockstep --no-video"
    demo = start_demo(tmp_path, *options.split(), "--config", str(config))
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 0, output + errors
    assert "the tower stands" in output, output
    assert "none: in lockstep" in output
    report = RunReport.read(tmp_path / "report.json")
    assert report.options["lockstep"] is True
    assert report.options["embodiment"] == embodiment
    assert report.options["arm"] == arm
    (episode,) = report.episodes
    assert episode.success
    assert episode.realtime_factor == ()
    counters = episode.counters
    assert counters.frames_dropped == counters.ticks_skipped == counters.rails_bound_chunks == 0
    assert tuple(episode.views) == find_embodiment(embodiment).view_keys


@pytest.mark.parametrize(
    ("embodiment", "library", "done"),
    [("pusht", "gym_pusht", "the goal is covered"), ("allegro", "mujoco", "the ball is touched")],
)
def test_what_does_not_stack_does_its_own_task(
    tmp_path: Path, embodiment: str, library: str, done: str
) -> None:
    pytest.importorskip(library)
    config = write_very_patient_config(tmp_path, embodiment)
    options = f"--embodiment {embodiment} --episodes 1 --seed 1 --lockstep"
    demo = start_demo(tmp_path, *options.split(), "--config", str(config))
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 0, output + errors
    assert f"{done} after" in output, output
    (episode,) = RunReport.read(tmp_path / "report.json").episodes
    assert episode.success
    assert tuple(episode.views) == tuple(find_robot(embodiment).cameras)
    assert (tmp_path / "demo.mp4").stat().st_size > 0


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    demo = start_demo(tmp_path, "--realtime-factor", "0.3")
    read_until(demo, "episode 1")
    demo.send_signal(signal.SIGINT)
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 130, output + errors
    assert "SIGINT" in errors
    assert "film    demo.mp4" in output
    (episode,) = RunReport.read(tmp_path / "report.json").episodes
    assert episode.message == "interrupted: stopped by SIGINT"
    assert not episode.finished
    assert episode.chunks == len(episode.server_latency_s) > 0
    assert episode.sim_duration_s > 0
    assert "no episode was played to its end" in output
    assert processes_of(tmp_path) == {}


@pytest.mark.parametrize("node", ["sim_node", "policy_node"])
def test_a_node_that_dies_is_named(tmp_path: Path, node: str) -> None:
    demo = start_demo(tmp_path, "--no-video")
    read_until(demo, "ready")
    os.kill(processes_of(tmp_path)[node], signal.SIGKILL)
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 1, output + errors
    assert f"{node} ended by itself (killed by SIGKILL)" in errors
    assert f"{node}.log" in errors
    assert processes_of(tmp_path) == {}


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    demo = start_demo(tmp_path, "--no-video", "--server", url)
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 1, output + errors
    assert f"no policy server at {url}" in errors
    assert url in RunReport.read(tmp_path / "report.json").error


def test_a_server_that_does_not_come_up_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERA_INTERPRETER", "/usr/bin/false")
    monkeypatch.setenv("VERA_SERVER_PORT", str(free_port()))
    for setting, folder in write_checkpoints(tmp_path / "vera").items():
        monkeypatch.setenv(f"VERA_{setting.upper()}", folder)
    demo = start_demo(tmp_path, "--no-video", "--server", "subprocess")
    output, errors = demo.communicate(timeout=_PATIENCE_S)
    assert demo.returncode == 1, output + errors
    assert "environment variable VERA_SERVER_PORT wins" in output
    assert "server_node ended by itself (exit code 1)" in errors
    assert "VERA, run by /usr/bin/false" in errors
    assert "ended by itself: exit code 1" in errors
    assert processes_of(tmp_path) == {}
