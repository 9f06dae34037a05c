# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from vera_ros.demo.cli import parse_options
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.server import graph_options
from vera_ros.robots.registry import find_robot
from vera_ros.robots.stacking.tables import TABLES


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_info:
        parse_options(arguments)
    assert exit_info.value.code == 2
    return capsys.readouterr().err


def test_without_arguments_the_defaults_hold() -> None:
    assert parse_options([]) == DemoOptions()


def test_every_option_arrives() -> None:
    arguments = (
        "--episodes 5 --seed 7 --headless --report r.json --video v.mp4 --server ws://host:8800 "
        "--sabotage bgr --realtime-factor 0.5 --prompt stack --time-limit 12.5 --yes"
    )
    assert parse_options(arguments.split()) == DemoOptions(
        episodes=5,
        seed=7,
        headless=True,
        report=Path("r.json"),
        video=Path("v.mp4"),
        server="attach",
        server_url="ws://host:8800",
        sabotage="bgr",
        realtime_factor=0.5,
        prompt="stack",
        time_limit_s=12.5,
    )


def test_a_vera_server_gets_the_prompt_that_it_was_trained_with() -> None:
    for server in ("docker", "subprocess", "ws://host:8800"):
        assert parse_options(["--server", server]).prompt == find_robot("mimicgen").vera_prompt
        assert parse_options(["--server", server, "--prompt", "stack"]).prompt == "stack"
    assert parse_options([]).prompt == DemoOptions().prompt != find_robot("mimicgen").vera_prompt


def test_the_embodiment_chooses_the_configuration() -> None:
    options = parse_options(["--embodiment", "droid"])
    assert options == DemoOptions(embodiment="droid")
    graph, _ = graph_options(options, {})
    assert [path.name for path in graph.parameter_paths] == ["droid_panda.yaml"]
    assert options.as_json()["embodiment"] == "droid"


def test_a_robot_is_played_as_suits_it_unless_asked_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pusht = ["--embodiment", "pusht"]
    options = parse_options(pusht)
    assert options.lockstep
    assert options.time_limit_s == find_robot("pusht").task.time_limit_s
    for more in (["--no-lockstep"], ["--realtime-factor", "0.5"], ["--mode", "async"]):
        assert not parse_options([*pusht, *more]).lockstep
    assert not parse_options([]).lockstep
    assert "'swap-views'; valid is none" in refusal(capsys, *pusht, "--sabotage", "swap-views")
    assert parse_options([*pusht, "--sabotage", "frozen"]).sabotage == "frozen"


def test_each_scene_may_pose_a_task_of_its_own() -> None:
    options = parse_options(["--embodiment", "allegro"])
    red, blue, again = (options.prompt_of(seed) for seed in range(3))
    assert "red" in red
    assert red == again
    assert "blue" in blue
    assert parse_options(["--prompt", "stack"]).prompt_of(1) == "stack"


@pytest.mark.parametrize("table", TABLES)
def test_the_table_reaches_the_simulation(table: str) -> None:
    options = parse_options(["--table", table])
    assert graph_options(options, {})[0].parameters["sim_node"]["table"] == table
    assert "table" not in graph_options(parse_options([]), {})[0].parameters.get("sim_node", {})


def test_the_mode_and_the_servers_delay_arrive() -> None:
    options = parse_options(["--mode", "async", "--server-delay", "0.4"])
    assert options == DemoOptions(mode="async", server_delay_s=0.4)


def test_lockstep_claims_no_realtime_factor() -> None:
    options = parse_options(["--lockstep"])
    assert options == DemoOptions(lockstep=True)
    assert options.as_json()["lockstep"] is True
    assert options.as_json()["realtime_factor"] is None
    assert DemoOptions().as_json()["realtime_factor"] == 1.0


@pytest.mark.parametrize("server", ["reference", "docker", "subprocess"])
def test_a_server_can_be_started(server: str) -> None:
    assert parse_options(["--server", server, "--prompt", "x"]) == DemoOptions(
        server=server, prompt="x"
    )


def test_no_video_means_no_video() -> None:
    assert parse_options(["--no-video"]).video is None


def test_sabotage_has_a_shorter_time_limit() -> None:
    assert parse_options(["--sabotage", "blank"]).time_limit_s < parse_options([]).time_limit_s
    assert parse_options(["--sabotage", "none"]).time_limit_s == parse_options([]).time_limit_s
    assert parse_options(["--sabotage", "blank", "--time-limit", "90"]).time_limit_s == 90.0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--embodiment toaster", "toaster"),
        ("--embodiment spot", "spot"),  # has no scene
        ("--episodes 0", "--episodes is 0"),
        ("--episodes many", "--episodes"),
        ("--seed -1", "--seed is -1"),
        ("--realtime-factor nan", "--realtime-factor is nan"),
        ("--realtime-factor 100", "--realtime-factor is 100"),
        ("--lockstep --realtime-factor 2", "--realtime-factor is 2 with --lockstep"),
        ("--mode asynchronous", "asynchronous"),
        ("--mode async --lockstep", "--mode is 'async' with --lockstep"),
        ("--server-delay -1", "--server-delay is -1"),
        ("--server-delay 1 --server ws://host:8800", "--server-delay"),
        ("--time-limit 0", "--time-limit is 0"),
        ("--time-limit inf", "--time-limit is inf"),
        ("--sabotage smoke", "smoke"),
        ("--server http://host:8800", "ws://127.0.0.1:8800"),
        ("--server ws://host:notaport", "ws://127.0.0.1:8800"),
        ("--server ws://", "ws://127.0.0.1:8800"),
        ("--server podman", "docker, subprocess, or an address"),
        ("--server docker --server-delay 1", "it is for the reference server only"),
        ("--report nowhere/report.json", "no folder 'nowhere'"),
        ("--report .", "a folder"),
        ("--video film.avi", "film.avi"),
        ("--video nowhere/film.mp4", "no folder 'nowhere'"),
        ("--video film.mp4 --no-video", "not allowed"),
        ("--config nowhere.yaml", "nowhere.yaml"),
        ("--frobnicate", "--frobnicate"),
    ],
)
def test_a_mistake_is_named(capsys: pytest.CaptureFixture[str], arguments: str, named: str) -> None:
    assert named in refusal(capsys, *arguments.split())


def test_an_empty_prompt_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--prompt" in refusal(capsys, "--prompt", " ")
