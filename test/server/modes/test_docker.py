# SPDX-License-Identifier: Apache-2.0
"""VERA's server in a container: up, down, and every way in which it does not come up."""

import asyncio
import csv
import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.server.docker_arguments import door_arguments, run_arguments
from vera_ros.server.docker_cli import DockerCli
from vera_ros.server.keeper import ServerState
from vera_ros.server.owner import identify_this_process
from vera_ros.server.settings import ServerSettings

from ..keeping import keeping
from ..room import IMAGE, ROOT, Engine, Room, wait_until


def docker(room: Room, **more: Any) -> dict[str, Any]:
    return room.settings(server_mode="docker", pythonpath="", **more)


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which an image can be built."""
    dockerfile = tmp_path / "checkout" / "docker" / "vera_server" / "Dockerfile"
    dockerfile.parent.mkdir(parents=True)
    dockerfile.touch()
    monkeypatch.setattr("vera_ros.server.modes.docker.share_path", lambda *_: dockerfile)
    return dockerfile.parents[2]


async def failure(room: Room, engine: Engine, **more: Any) -> str:
    async with keeping(docker(room, **more), engine.environment) as kept:
        return await kept.failure()


def test_it_is_ready_after_a_handshake_and_gone_after_the_end(room: Room, engine: Engine) -> None:
    async def scenario() -> None:
        async with keeping(docker(room), engine.environment) as kept:
            status = await kept.until_ready()
            assert status.ours
            assert [said.state for said in kept.said] == [
                ServerState.LOOKING,
                ServerState.STARTING,
                ServerState.LOADING,
                ServerState.READY,
            ]
            await kept.until(lambda: "serving" in kept.lines)
            for container in engine.containers.values():
                assert container["labels"] == {"vera_ros.owner": identify_this_process()}
            assert engine.server["env"]["VERA_EMBODIMENT"] == "mimicgen"

    asyncio.run(scenario())
    assert engine.is_empty
    assert room.is_empty()


def test_it_finds_one_that_runs_and_leaves_it_alone(room: Room, engine: Engine) -> None:
    async def scenario() -> None:
        async with keeping(docker(room), engine.environment) as first:
            await first.until_ready()
            async with keeping(docker(room), engine.environment) as second:
                assert not (await second.until_ready()).ours
            assert len(engine.containers) == 2  # the server and its door
            assert first.state is ServerState.READY

    asyncio.run(scenario())
    assert engine.is_empty


def test_a_container_whose_owner_is_gone_is_removed_first(room: Room, engine: Engine) -> None:
    """Also one that answers: nobody would ever stop it."""
    boot, ids, _, _ = identify_this_process().split("/")
    settings = ServerSettings(server_mode="docker", server_port=room.port, vis_port=0)
    gone = f"{boot}/{ids}/4194305/1"  # beyond all process ids
    arguments = [
        word.replace(identify_this_process(), gone) for word in run_arguments(settings, "left", {})
    ]
    network = ("network", "create", "--internal", "--label", f"vera_ros.owner={gone}", "left")
    subprocess.run([engine.program, *network], env=engine.environment, check=True)
    run = subprocess.Popen([str(engine.program), *arguments], env=engine.environment)
    wait_until(lambda: engine.containers and engine.containers["left"]["pid"], "the container")
    run.kill()
    run.wait()
    assert len(engine.containers) == 1

    async def scenario() -> None:
        async with keeping(docker(room), engine.environment) as kept:
            assert (await kept.until_ready()).ours
            assert "left by a run that was killed" in kept.lines[0]
            assert "left" not in engine.containers

    asyncio.run(scenario())
    assert engine.is_empty
    assert room.is_empty()


@pytest.mark.parametrize(
    ("how", "more", "words"),
    [
        ({"ps": "no daemon"}, {}, ("docker ps", "Cannot connect", "systemctl start docker")),
        ({"run": "no daemon"}, {}, ("docker run", "Cannot connect", "systemctl start docker")),
        ({"run": "no gpu"}, {}, ("could not select device driver", "NVIDIA container toolkit")),
        (
            {"run": "elsewhere"},
            {"ckpt_root": str(ROOT)},
            (f"bind source path does not exist: {ROOT}", "docker context ls"),
        ),
        ({"container": "die"}, {}, ("ended by itself: exit code 1", "CUDA out of memory")),
        ({"container": "no gpu"}, {}, ("the container has no GPU", "until nvidia-smi works")),
        ({"container": "stranger"}, {}, ("hosts embodiment 'droid'",)),
        ({"container": "hang"}, {"ready_timeout_s": 2.0}, ("waited 2 s in vain",)),
        ({"container": "stubborn"}, {"ready_timeout_s": 1.0}, ("waited 1 s in vain",)),
        (
            {"build": "fail"},
            {"image": "none", "build_image": True},
            ("docker build", "pip install"),
        ),
        ({}, {"image": "none"}, ("no image 'none'", "docker build --tag none", "set build_image")),
    ],
)
def test_one_that_does_not_come_up_says_why_and_leaves_nothing(
    room: Room, engine: Engine, how: dict[str, str], more: dict[str, Any], words: tuple[str, ...]
) -> None:
    engine.behave(**how)
    said = asyncio.run(failure(room, engine, **more))
    for word in words:
        assert word in said
    assert engine.is_empty
    assert room.is_empty()


def test_a_port_that_another_program_holds_is_named_with_its_settings(
    room: Room, engine: Engine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as program:
        port = program.getsockname()[1]
        said = asyncio.run(failure(room, engine, vis_port=port))
    assert f"127.0.0.1:{port}/tcp: address already in use" in said
    assert "choose another server_port or vis_port" in said
    assert engine.is_empty
    assert room.is_empty()


def test_a_port_of_another_container_is_named_with_its_settings(room: Room, engine: Engine) -> None:
    async def scenario() -> str:
        async with keeping(docker(room), engine.environment) as other:
            await other.until_ready()
            return await failure(room, engine, server_port=free_port(), vis_port=room.port)

    said = asyncio.run(scenario())
    assert f"127.0.0.1:{room.port} failed: port is already allocated" in said
    assert "choose another server_port or vis_port" in said
    assert engine.is_empty
    assert room.is_empty()


def test_without_docker_it_says_so(room: Room, tmp_path: Path) -> None:
    async def scenario() -> str:
        async with keeping(docker(room), room.environment(PATH=str(tmp_path))) as kept:
            return await kept.failure()

    assert "no program 'docker' on PATH" in asyncio.run(scenario())


def test_an_engine_that_hangs_is_not_waited_for(
    room: Room, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DockerCli, "answer_s", 1.0)
    engine.behave(ps="hang")
    said = asyncio.run(failure(room, engine))
    assert "no answer within 1 s" in said
    assert "docker ps" in said
    assert room.is_empty()


def test_an_image_that_is_missing_is_built_when_asked_for(
    room: Room, engine: Engine, checkout: Path
) -> None:
    async def scenario() -> None:
        async with keeping(docker(room, build_image=True), engine.environment) as kept:
            await kept.until_ready()
            assert any("load build definition" in line for line in kept.lines)

    engine.forget_images()
    asyncio.run(scenario())
    (built,) = [call for call in engine.calls if call.startswith("build")]
    dockerfile = checkout / "docker" / "vera_server" / "Dockerfile"
    assert built == f"build --tag {IMAGE} --file {dockerfile} {checkout}"


def test_a_build_that_is_interrupted_leaves_nothing(room: Room, engine: Engine) -> None:
    async def scenario() -> None:
        async with keeping(docker(room, build_image=True), engine.environment) as kept:
            await kept.until(lambda: kept.lines)
            assert kept.state is ServerState.STARTING

    engine.forget_images()
    engine.behave(build="slow")
    asyncio.run(scenario())
    assert room.is_empty()


def test_a_container_that_is_killed_is_noticed(room: Room, engine: Engine) -> None:
    async def scenario() -> None:
        async with keeping(docker(room), engine.environment) as kept:
            await kept.until_ready()
            os.kill(engine.server["pid"], 9)
            assert "ended by itself: exit code 137" in await kept.failure()

    asyncio.run(scenario())
    assert room.is_empty()


def test_a_container_that_nobody_may_remove_is_named(room: Room, engine: Engine) -> None:
    async def scenario() -> list[str]:
        async with keeping(docker(room), engine.environment) as kept:
            await kept.until_ready()
            engine.behave(stop="no daemon", rm="no daemon")
        return kept.lines

    said = asyncio.run(scenario())
    assert any("may still run" in line and "Cannot connect" in line for line in said)
    assert room.is_empty()


def test_what_is_chosen_reaches_the_container(tmp_path: Path) -> None:
    for name in ("vera", "wan"):
        (tmp_path / name).mkdir()
    settings = ServerSettings(
        server_mode="docker",
        ckpt_root=str(tmp_path / "vera"),
        wan_root=str(tmp_path / "wan"),
        text_prompt="stack --all",
        sample_steps=4,
        motion_plan_scale=2.5,
        tracker_backend="cotracker",
        gpu="1",
        memory_gb=20.0,
    )
    arguments = run_arguments(settings, "name", {})
    assert arguments[-1] == IMAGE
    pairs = set(itertools.pairwise(arguments))
    assert pairs >= {
        ("--memory", "21474836480b"),
        ("--memory-swap", "21474836480b"),
        ("--mount", f"type=bind,source={tmp_path}/vera,target=/ckpts,readonly"),
        ("--mount", f"type=bind,source={tmp_path}/wan,target=/wan,readonly"),
        ("--gpus", "device=1"),
        ("--env", "VERA_TEXT_PROMPT=stack --all"),
        ("--env", "VERA_SAMPLE_STEPS=4"),
        ("--env", "VERA_MOTION_PLAN_SCALE=2.5"),
        ("--env", "VERA_TRACKER_BACKEND=cotracker"),
        ("--env", "VERA_TEACACHE=0.1"),
    }
    assert set(itertools.pairwise(door_arguments(settings, "door", "name"))) >= {
        ("--publish", "127.0.0.1:8800:8800"),
        ("--publish", "127.0.0.1:8801:8801"),
    }


def test_what_checkpoints_could_do_with_a_container_is_confined() -> None:
    settings = ServerSettings(server_mode="docker")
    server = run_arguments(settings, "name", {})
    door = door_arguments(settings, "door", "name")
    for arguments in (server, door):
        assert "--read-only" in arguments
        pairs = dict(itertools.pairwise(arguments))
        assert (pairs["--cap-drop"], pairs["--security-opt"]) == ("ALL", "no-new-privileges")
        assert pairs["--memory"] == pairs["--memory-swap"]
        assert 0 < int(pairs["--memory"].removesuffix("b")) < psutil.virtual_memory().total
        assert 0 < int(pairs["--pids-limit"]) <= 4096
        assert not {"--privileged", "--device", "--volume", "--cap-add"} & set(arguments)
    assert dict(itertools.pairwise(server))["--network"] == "name"  # which is internal
    assert "--publish" not in server
    assert "--mount" not in door
    assert "--gpus" not in door
    scratch = [value for flag, value in itertools.pairwise(server) if flag == "--tmpfs"]
    assert all({"nosuid", "nodev"} <= set(re.split("[:,]", value)) for value in scratch)


def test_the_network_of_the_server_leads_nowhere(room: Room, engine: Engine) -> None:
    async def scenario() -> None:
        async with keeping(docker(room), engine.environment) as kept:
            await kept.until_ready()
            (container,) = (name for name in engine.containers if not name.endswith("-door"))
            door = engine.containers[f"{container}-door"]
            assert engine.server["network"] == door["connected"] == container
            assert door["network"] == "bridge"
            assert door["published"] == [f"127.0.0.1:{room.port}:{room.port}"]
        made = [call for call in engine.calls if call.startswith("network create")]
        assert made
        assert all("--internal" in call for call in made)

    asyncio.run(scenario())
    assert engine.is_empty


def test_an_engine_that_knows_no_isolated_gateway_has_an_internal_network(
    room: Room, engine: Engine
) -> None:
    async def scenario() -> None:
        engine.behave(engine="old")
        async with keeping(docker(room), engine.environment) as kept:
            await kept.until_ready()

    asyncio.run(scenario())
    assert engine.is_empty


def test_when_the_door_is_closed_it_says_so(room: Room, engine: Engine) -> None:
    async def scenario() -> str:
        async with keeping(docker(room), engine.environment) as kept:
            await kept.until_ready()
            (door,) = (c for name, c in engine.containers.items() if name.endswith("-door"))
            os.kill(door["pid"], 9)
            return await kept.failure()

    assert "the way to its port is closed" in asyncio.run(scenario())
    assert engine.is_empty
    assert room.is_empty()


@pytest.mark.parametrize("name", ["a,b", 'say "a"', "target=", "a b", "=,=", "-v"])
def test_no_folder_s_name_is_more_than_a_source(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    settings = ServerSettings(server_mode="docker", ckpt_root=str(tmp_path / name))
    words = run_arguments(settings, "name", {})
    mounts = [word for flag, word in itertools.pairwise(words) if flag == "--mount"]
    (fields,) = csv.reader([next(mount for mount in mounts if "target=/ckpts" in mount)])
    expected = [f"source={tmp_path / name}", "target=/ckpts"]
    assert fields == ["type=bind", *expected, "readonly"]


def test_what_is_left_to_the_server_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # without caches
    settings = ServerSettings(server_mode="docker", vis_port=0, gpu="", server_host="::1")
    arguments = run_arguments(settings, "name", {})
    assert [word for word in arguments if word.startswith("VERA_")] == [
        "VERA_EMBODIMENT=mimicgen",
        "VERA_SERVER_PORT=8800",
        "VERA_VIS_PORT=0",
        "VERA_TEACACHE=0.1",
    ]
    assert "--mount" not in arguments
    assert "--gpus" not in arguments
    door = door_arguments(settings, "door", "name")
    assert door.count("--publish") == 1
    assert "[::1]:8800:8800" in door


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"embodiment": "droid", "teacache": 0.0, "text_prompt": "stack it", "sample_steps": 4},
        {"embodiment": "pusht", "vis_port": 0},
        {"tracker_backend": "alltracker", "motion_plan_scale": 2.0, "dynamics_run_id": ""},
    ],
)
def test_the_images_entrypoint_takes_these_variables(chosen: dict[str, Any]) -> None:
    """It refuses a setting with exit code 2, and only then asks for files."""
    settings = ServerSettings(server_mode="docker", **chosen)
    words = run_arguments(settings, "name", {})
    variables = [word for flag, word in itertools.pairwise(words) if flag == "--env"]
    ran = subprocess.run(
        [sys.executable, str(ROOT / "docker" / "vera_server" / "entrypoint.py"), "--check"],
        env={"PATH": os.environ["PATH"], **dict(v.split("=", 1) for v in variables)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert f"--embodiment={settings.embodiment}" in ran.stderr
    assert f"--port={settings.port} --vis-port={settings.viewer_port}" in ran.stderr


@pytest.mark.skipif(shutil.which("docker") is None, reason="needs the command docker")
def test_the_real_command_takes_these_arguments(tmp_path: Path) -> None:
    """Arguments are read before the engine is asked, which is not there."""
    settings = ServerSettings(server_mode="docker", ckpt_root=str(tmp_path))
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    for arguments in (
        run_arguments(settings, "name", {}),
        door_arguments(settings, "door", "name"),
        ["start", "--attach", "door"],
        ["network", "create", "--internal", "--label", "a=b", "--opt", "c=d", "name"],
        ["network", "ls", "--no-trunc", "--filter", "label=a", "--format", "{{.ID}}"],
        ["network", "connect", "name", "door"],
        ["network", "rm", "name"],
        ["ps", "--all", "--no-trunc", "--filter", "label=a", "--format", "{{.ID}}"],
        ["image", "inspect", "--format", "{{.Id}}", "image"],
        ["stop", "-t", "5", "name"],
        ["rm", "--force", "name"],
    ):
        ran = subprocess.run(
            ["docker", *arguments], env=nowhere, capture_output=True, text=True, check=False
        )
        assert "cannot connect to the docker daemon" in ran.stderr.lower(), ran.stderr
