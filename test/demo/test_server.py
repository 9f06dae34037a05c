# SPDX-License-Identifier: Apache-2.0
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.graph import nodes
from vera_ros.bringup.graph_options import default_server_url
from vera_ros.bringup.isolation import free_port
from vera_ros.bringup.processes import Processes
from vera_ros.demo import server
from vera_ros.demo.display import PlainDisplay
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.server import Loading, check_server, graph_options


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_reference_server_has_a_port_of_its_own() -> None:
    urls = {graph_options(DemoOptions(server_delay_s=0.5), {})[0].url for _ in range(2)}
    assert default_server_url() not in urls
    graph, _ = graph_options(DemoOptions(server_delay_s=0.5), {})
    (spec,) = [spec for spec in nodes(graph) if spec.name == "reference_server"]
    assert spec.parameters["delay_s"] == 0.5
    assert spec.parameters["port"] == urlsplit(graph.url).port


@pytest.mark.parametrize("mode", ["docker", "subprocess"])
def test_a_second_run_finds_the_server_of_the_first(mode: str) -> None:
    for options, environment in (
        (DemoOptions(server=mode), {}),
        (DemoOptions(), {"VERA_SERVER_MODE": mode}),
    ):
        graph, overrides = graph_options(options, environment)
        assert (graph.server, graph.url) == (mode, default_server_url())
        assert len(overrides) == len(environment)
        assert "server_node" in [spec.name for spec in nodes(graph)]


def test_the_environment_decides_the_port() -> None:
    for name in ("reference", "docker"):
        graph, _ = graph_options(DemoOptions(server=name), {"VERA_SERVER_PORT": "9000"})
        assert graph.url == "ws://127.0.0.1:9000"


def test_a_server_that_runs_is_used_where_it_is() -> None:
    options = DemoOptions(server="attach", server_url="ws://gpu-machine:8800")
    graph, _ = graph_options(options, {})
    assert (graph.server, graph.url) == ("attach", "ws://gpu-machine:8800")


def test_the_environment_tunes_the_server_in_lockstep_too() -> None:
    options = DemoOptions(server="subprocess", lockstep=True)
    graph, overrides = graph_options(options, {"VERA_SAMPLE_STEPS": "4"})
    assert graph.parameters["policy_node"] == {
        "sample_steps": 4,
        "await_verdict": True,
        "embodiment": "mimicgen",
    }
    assert len(overrides) == 1


@pytest.mark.parametrize("mode", ["reference", "docker", "attach"])
def test_every_node_is_of_the_embodiment(mode: str) -> None:
    url = "ws://127.0.0.1:9" if mode == "attach" else None
    options = DemoOptions(embodiment="droid", server=mode, server_url=url)
    for spec in nodes(graph_options(options, {})[0]):
        assert spec.parameters["embodiment"] == "droid"


def test_nobody_listens() -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    with pytest.raises(DemoError, match=f"no policy server at {url}"):
        check_server(url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        check_server(f"ws://127.0.0.1:{listening.getsockname()[1]}")


def test_loading_is_told_when_there_is_something_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    display = PlainDisplay.__new__(PlainDisplay)
    monkeypatch.setattr(display, "say", said.append)
    with Processes(tmp_path, {}) as processes:
        processes.start("server_node", [sys.executable, "-c", ""])
        log = processes.log_of("server_node")
        loading = Loading(processes, display)
        log.write_text("shards: 10%\n")
        loading.tell()
        assert said == []  # it is too early
        monkeypatch.setattr(server, "_PROGRESS_S", 0.0)
        for text in ("shards: 50%\n", "shards: 50%\n", "shards: 90%\n"):
            log.write_text(text)
            loading.tell()
    assert said == ["shards: 50%", "shards: 90%"]
