# SPDX-License-Identifier: Apache-2.0
"""The report is good only if nothing went wrong, and says so in a table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from verification.chaos.faults.fault import Fault
from verification.chaos.outcome.outcomes import Outcome, Record
from verification.chaos.outcome.report import Report, makes_late_step, read_findings
from verification.chaos.outcome.soak import Soak, Usage
from verification.chaos.outcome.tables import describe, render_report

CUT = Record(Fault(0, "cut"), 10.0, 10.5, 12.0, goal_before=1, goal_after=1)
WENT_ON = Outcome(CUT, "went on", ("reconnects",), recover_s=1.5)
TRAJECTORY = {"finding": "trajectory", "number": 4, "of": "arm", "source": "rest", "violations": []}
FINGERS = {**TRAJECTORY, "number": 5, "of": "fingers"}


def report(*outcomes: Outcome, findings: tuple[dict[str, object], ...] = (TRAJECTORY,)) -> Report:
    soak = Soak()
    soak.samples["ik_node"] = [Usage(float(n), 7, 300.0 + n, 16, 18, 8) for n in range(20)]
    return Report({"seed": 1}, 60.0, outcomes, findings, soak, [0.03], [0.05], ["hold"])


def shown(report: Report) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(render_report(report))
    return capture.get()


def test_a_good_run_is_good() -> None:
    good = report(WENT_ON)
    assert good.good
    numbers = json.loads(json.dumps(good.numbers(), allow_nan=False))
    assert numbers["trajectories"] == 1
    assert numbers["kinds"]["cut"]["results"] == {"went on": 1}
    assert numbers["soak"]["ik_node"]["growth"]["rss_percent"] > 0.0
    for words in ("reconnects 1", "1.50, 1.50", "hold", "1 of 1 that could (100.0%)", "ik_node"):
        assert words in shown(good)


@pytest.mark.parametrize(
    "bad",
    [
        report(replace(WENT_ON, unnamed=True)),
        report(replace(WENT_ON, result="ended")),
        report(replace(WENT_ON, result="crash", record=replace(CUT, failure="ik_node ended"))),
        report(replace(WENT_ON, result="missed", record=replace(CUT, struck_s=None))),
        report(replace(WENT_ON, result="hang", record=replace(CUT, failure="nothing played"))),
        report(WENT_ON, findings=({**TRAJECTORY, "violations": ["it is not finite"]},)),
        report(WENT_ON, findings=({"finding": "arm", "at_s": 1.0, "violation": "it moves"},)),
    ],
)
def test_whatever_is_wrong_is_not_good_and_is_shown(bad: Report) -> None:
    assert not bad.good
    text = shown(bad)
    assert any(
        words in text
        for words in (
            "NOT NAMED",
            "ended",
            "1 missed",
            "nothing played",
            "it is not finite",
            "it moves",
        )
    )


def test_a_trajectory_that_was_refused_is_named() -> None:
    assert "trajectory 4" in shown(
        report(WENT_ON, findings=({**TRAJECTORY, "violations": ["it is not finite"]},))
    )


def test_one_line_tells_of_a_fault() -> None:
    assert describe(CUT) == "fault 1, cut: recovered after 1.50 s"
    assert describe(replace(CUT, goal_after=2)).endswith(", in another episode")
    assert describe(replace(CUT, recovered_s=None, failure="a hang\nmore")).endswith("a hang")


def test_findings_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "findings.jsonl"
    file.write_text('{"finding": "rest"}\n{"finding": "summary"}\n')
    assert [finding["finding"] for finding in read_findings(file)] == ["rest", "summary"]


@pytest.mark.parametrize(
    ("late_s", "step_rad", "taken", "shown"),
    [
        (0.0, 0.1, True, False),  # it continues another motion
        (0.03, 1e-4, True, False),
        (0.03, 0.02, True, True),
        (0.3, 0.0, False, True),  # over on arrival
    ],
)
def test_only_a_late_arrival_that_joint_states_can_show_must_be_named(
    late_s: float, step_rad: float, taken: bool, shown: bool
) -> None:
    finding = {"late_s": late_s, "step_rad": step_rad, "taken": taken}
    assert makes_late_step(finding) is shown


def test_trajectories_of_the_fingers_are_counted_and_judged() -> None:
    bad = {**FINGERS, "violations": ["the fingers move too fast"]}
    assert report(WENT_ON, findings=(TRAJECTORY, FINGERS)).good
    assert "2 published, 1 of them for the fingers" in shown(
        report(WENT_ON, findings=(TRAJECTORY, FINGERS))
    )
    assert not report(WENT_ON, findings=(TRAJECTORY, bad)).good


def test_what_nothing_came_of_is_told_plainly() -> None:
    text = shown(report(replace(WENT_ON, result="absorbed", named=())))
    assert "1 absorbed" in text
    assert "1, which need not be named" in text


def test_a_soak_is_good_only_if_nothing_grows() -> None:
    steady = replace(
        report(WENT_ON),
        is_soak=True,
        server_latency_s=[0.03] * 30,
        pipeline_latency_s=[0.05] * 30,
    )
    assert steady.good, steady.growth_complaints()
    assert "growth over the run" in shown(steady)
    slower = replace(steady, server_latency_s=[0.03] * 15 + [0.06] * 15)
    soak = Soak()
    soak.samples["ik_node"] = [Usage(float(n), 7, 300.0 + 4 * n, 16, 18, 8) for n in range(20)]
    leaky = replace(steady, soak=soak)
    unknown = replace(steady, pipeline_latency_s=[0.05])
    for bad, words in ((slower, "server latency"), (leaky, "memory grew"), (unknown, "not known")):
        assert not bad.good
        assert words in "; ".join(bad.growth_complaints())
        assert replace(bad, is_soak=False).good
