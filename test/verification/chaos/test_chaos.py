# SPDX-License-Identifier: Apache-2.0
"""The command as a user runs it: real processes, real faults, a report."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KINDS = {
    "sync": "cut,view_dropped,joints_nan,freeze_policy_node,kill_reference_server,cancel",
    "async": "latency,nan_actions,joints_late,kill_ik_node,pause",
}
NAMED = {
    "sync": [("cancel", "cancel_requested"), ("joints_nan", "bad_joint_states")],
    "async": [("nan_actions", "invalid_actions"), ("kill_ik_node", "arm_silent")],
}
PATIENCE_S = 400.0


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "verification.chaos", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_few_faults_of_every_sort(tmp_path: Path, mode: str) -> None:
    file, kinds = tmp_path / "chaos.json", KINDS[mode].split(",")
    run = chaos(
        *("--only", KINDS[mode], "--faults", str(len(kinds)), "--seed", "5"),
        *("--episode-mode", mode, "--json", str(file)),
    )
    assert file.is_file(), run.stdout + run.stderr
    report: dict[str, Any] = json.loads(file.read_text())
    # A machine that is busy with other tests may be too slow for a trajectory or an episode: the
    # exit code is what the report says, and the rest must hold anyhow.
    assert run.returncode == (0 if report["good"] else 1)
    assert set(report["kinds"]) == set(kinds)
    results = report["all"]["results"]
    assert sum(results.values()) == len(kinds)
    assert "hang" not in results, run.stdout
    assert "crash" not in results, run.stdout
    assert report["trajectories"] >= len(kinds)
    for fault in report["faults"]:
        assert fault["record"]["recovered_s"] >= fault["record"]["over_s"]
    for kind, name in NAMED[mode]:
        assert name in report["kinds"][kind]["named"]
    for process in ("monitor", "relay", "sim_node", "ik_node", "policy_node", "reference_server"):
        assert report["soak"][process]["samples"]
        assert process in run.stdout
    for words in ("recovered after", "refused by the monitor", "faults not named anywhere"):
        assert words in run.stdout


def test_faults_of_a_hand(tmp_path: Path) -> None:
    """Its own views, no gripper, and the limits of its parameter file."""
    file, kinds = tmp_path / "chaos.json", "view_dropped,joints_nan,nan_actions"
    run = chaos(
        *("--embodiment", "allegro", "--only", kinds, "--faults", "3", "--json", str(file)),
    )
    assert file.is_file(), run.stdout + run.stderr
    report: dict[str, Any] = json.loads(file.read_text())
    assert run.returncode == (0 if report["good"] else 1)
    assert set(report["kinds"]) == set(kinds.split(","))
    assert "bad_joint_states" in report["kinds"]["joints_nan"]["named"]
    assert "invalid_actions" in report["kinds"]["nan_actions"]["named"]
    assert report["trajectories"] >= 3
    assert report["of_fingers"] == 0
    faults = [fault["record"]["fault"] for fault in report["faults"]]
    (view,) = (fault["values"]["view"] for fault in faults if "view" in fault["values"])
    assert view in ("camera_0", "camera_2", "all")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "meteorite"), "there is no fault 'meteorite'"),
        (("--faults", "0"), "--faults is 0"),
        (("--minutes", "nan"), "--minutes is nan"),
        (("--seed", "-1"), "--seed is -1"),
        (("--embodiment", "allegro", "--arm", "fr3"), "which has no arm"),
        (("--soak", "--only", "cut,kill_ik_node"), "--only names kill_ik_node"),
        (("--json", "/no/such/folder/chaos.json"), "make it first"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments: tuple[str, ...], words: str) -> None:
    run = chaos(*arguments)
    assert run.returncode == 2
    assert words in run.stderr
