# SPDX-License-Identifier: Apache-2.0
"""The hold benchmark runs a real ik_node and takes the times from its trajectories."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trajectory_msgs")

from vera_ros.nodes.common.conversions import joint_trajectory
from verification.bench.__main__ import main
from verification.bench.hold.trials import stop_times
from verification.rig import ARM_JOINTS, START_Q, make_rig

NOW_NS = 1_700_000_000_000_000_000


@pytest.mark.parametrize("elapsed_s", [0.1, 0.2, 0.31])
@pytest.mark.parametrize("lead", [1, 2])
def test_the_first_slower_point_comes_a_knot_after_the_lead(elapsed_s: float, lead: int) -> None:
    rig = make_rig()
    deltas = np.tile([0.004, 0.0, -0.004, 0.0, 0.0, 0.0], (10, 1))
    plan = rig.plan(START_Q, deltas)
    stop = rig.planner.plan_stop(plan, elapsed_s, lead * 0.0125)
    sent = []
    for made, later_s in ((plan, 0.0), (stop, elapsed_s)):
        t = made.trajectory()
        stamp_ns = NOW_NS + round(later_s * 1e9)
        sent.append(joint_trajectory(list(ARM_JOINTS), t.times_s, t.q, t.dq, t.ddq, stamp_ns))
    called_ns = NOW_NS + round((elapsed_s - 0.004) * 1e9)
    slower_s, rest_s = stop_times(sent[1], sent[0], called_ns)
    assert slower_s == pytest.approx(0.004 + (lead + 1) * 0.0125, abs=1e-6)
    assert rest_s == pytest.approx(0.004 + stop.duration_s, abs=1e-6)


def test_every_hold_is_timed(tmp_path: Path) -> None:
    file = tmp_path / "hold.json"
    assert main(["hold", "--holds", "2", "--json", str(file)]) in (0, 1)  # a busy machine is slow
    numbers = json.loads(file.read_text())
    assert numbers["holds"] == 2
    slower, rest, answer = (
        numbers[name]["p50"] for name in ("to_first_slower_point_ms", "to_rest_ms", "to_answer_ms")
    )
    assert 0.0 < slower < rest < answer


def test_a_bad_seed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hold", "--seed", "-1"]) == 2
    assert "--seed is -1" in capsys.readouterr().err
