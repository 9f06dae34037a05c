# SPDX-License-Identifier: Apache-2.0
import io

import pytest
from rich.console import Console

from vera_ros.demo.display import Display, LiveDisplay, PlainDisplay, Progress
from vera_ros.demo.episode_report import Counters, EpisodeReport, ViewReport
from vera_ros.demo.report import RunReport
from vera_ros.demo.tables import WIDTH, render_report
from vera_ros.robots.registry import find_robot

TASK = find_robot("mimicgen").task
_PROGRESS = Progress("waiting for views", "approach", 123, 1230, 0.021, 59.9)


def episode(seed: int, success: bool = True) -> EpisodeReport:
    return EpisodeReport(
        seed=seed,
        success=success,
        outcome="succeeded" if success else "time_limit",
        cause="task_success" if success else "time_limit",
        message="",
        steps=1234,
        chunks=123,
        duration_s=1234.5,
        sim_duration_s=1234.5,
        server_latency_s=(0.02, 0.03),
        pipeline_latency_s=(0.05,),
        planning_s=(0.03,),
        counters=Counters(1000, 2000, 30, 4000, 5, reconnects=1),
        realtime_factor=(1.0, 0.98),
        camera_rate_hz={"agentview_image": 20.0, "robot0_eye_in_hand_image": 19.95},
        views={"agentview_image": ViewReport(12000, 7, (0.04, 0.06)), "hand": ViewReport()},
        diagnostics={
            "server_planner": "wan",
            "server_code": "0123 with changes",
            "viewer_url": "http://gpu:8801/",
        },
    )


def rendered(report: RunReport) -> str:
    output = io.StringIO()
    Console(file=output, width=WIDTH, highlight=False).print(render_report(report))
    return output.getvalue()


def show_a_run(display: Display) -> None:
    display.say("ready")
    display.begin(1, 7)
    display.progress(_PROGRESS)
    display.end(episode(7))
    display.begin(2, 8)
    display.progress(_PROGRESS)
    display.end(episode(8, success=False))
    display.close()


@pytest.mark.parametrize("count", [0, 1, 50, 200])
def test_the_tables_fit(count: int) -> None:
    episodes = tuple(episode(2**31 - 1 - i, success=i % 3 > 0) for i in range(count))
    text = rendered(RunReport("0.1.0", {}, "", episodes))
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "…" not in text, "something was cut off"


def test_the_summary_says_what_was_measured() -> None:
    text = rendered(RunReport("0.1.0", {}, "", (episode(0), episode(1, success=False))))
    for expected in (
        "1 of 2 (50%)",
        "1 succeeded",
        "median 25.0, p90 30.0, p99 30.0, max 30.0 ms, over 4",
        "planner wan, code 0123 with changes, viewer http://gpu:8801/, lost 2 times",
        "19.95 Hz",
        "agentview_image 14 of 24000 dropped; median age 50, p99 60 ms",
        "hand 0 of 0 dropped; age not measured",
        "min 0.980",
    ):
        assert expected in text


def test_nothing_measured_is_said_to_be_so() -> None:
    text = rendered(RunReport("0.1.0", {}, "no server", ()))
    assert "no episode was played" in text
    assert "not measured" in text


def test_the_plain_display_says_each_episodes_end() -> None:
    output = io.StringIO()
    show_a_run(PlainDisplay(Console(file=output, width=WIDTH), 2, TASK))
    lines = output.getvalue().splitlines()
    assert lines[0] == "ready"
    assert lines[1].startswith("episode 1/2  seed 7  the tower stands")
    assert lines[2].startswith("episode 2/2  seed 8  no tower: time limit")
    assert "\x1b" not in output.getvalue()


def test_the_live_display_leaves_the_same_lines_and_no_others() -> None:
    output = io.StringIO()
    console = Console(file=output, width=WIDTH, force_terminal=True, color_system=None)
    show_a_run(LiveDisplay(console, 2, TASK, 60.0))
    text = output.getvalue()
    assert "the tower stands" in text
    assert "no tower: time limit" in text
    assert "59.9 of 60 s" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h"), "the cursor is left hidden"
