#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A `docker` for tests: the commands that vera_ros uses, with the real one's words and exit codes.

Its engine is the folder FAKE_DOCKER: `images` (a name per line), `containers/NAME.json`, and
`behaviour.json`, which says what goes wrong. As with the real one, a container is no child of the
command that runs it: it lives on when that is killed. There is a network of its own for none: a
server listens at another address of this machine, and its door, the real one, connects both.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

ENGINE = Path(os.environ["FAKE_DOCKER"])
IMAGES = ENGINE / "images"
CONTAINERS = ENGINE / "containers"
NETWORKS = ENGINE / "networks"
HOST, INSIDE = "127.0.0.1", "127.0.0.2"
BEHAVIOUR: dict[str, str] = json.loads((ENGINE / "behaviour.json").read_text())
NOBODY_THERE = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
    "Is the docker daemon running?"
)


def fail(message: str, code: int = 1) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)


def main() -> None:
    name, *arguments = sys.argv[1:]
    with (ENGINE / "calls").open("a") as calls:
        calls.write(" ".join(sys.argv[1:]) + "\n")
    how = BEHAVIOUR.get(name, "")
    if how == "hang":
        signal.pause()
    if how == "no daemon":
        fail(
            f"docker: {NOBODY_THERE}\n" if name == "run" else NOBODY_THERE,
            125 if name == "run" else 1,
        )
    commands = {"ps": ps, "image": image, "build": build, "run": run, "create": create}
    commands |= {"start": start, "stop": stop, "rm": rm, "network": network, "shim": shim}
    commands[name](arguments)


def record(name: str) -> Path:
    return CONTAINERS / f"{name}.json"


def read(name: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(record(name).read_text())
    except FileNotFoundError:
        fail(f"Error response from daemon: No such container: {name}")
    return content


def write(name: str, content: dict[str, Any]) -> None:
    """Write a container's record at once: a test reads it at any time."""
    new = record(name).with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(record(name))


def ps(arguments: list[str]) -> None:
    assert arguments[0] == "--all"
    show_labelled(arguments[1:], CONTAINERS)


def show_labelled(arguments: list[str], things: Path) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-trunc", action="store_true")
    parser.add_argument("--filter", required=True)
    parser.add_argument("--format", required=True)
    label = parser.parse_args(arguments).filter.removeprefix("label=")
    for file in things.glob("*.json"):
        labels = json.loads(file.read_text())["labels"]
        if label in labels:
            print(f"{file.stem} {labels[label]}")


def network(arguments: list[str]) -> None:
    verb, *rest = arguments
    file = NETWORKS / f"{rest[-1]}.json"
    if verb == "ls":
        show_labelled(rest, NETWORKS)
    elif verb == "create":
        parser = argparse.ArgumentParser()
        parser.add_argument("--internal", action="store_true", required=True)
        parser.add_argument("--label", action="append", default=[])
        parser.add_argument("--opt")
        parser.add_argument("name")
        options = parser.parse_args(rest)
        if options.opt and BEHAVIOUR.get("engine") == "old":
            fail("Error response from daemon: unknown gateway mode isolated")
        labels = dict(label.split("=", 1) for label in options.label)
        file.write_text(json.dumps({"labels": labels}))
    elif not file.exists() and verb == "rm":
        fail(f"Error response from daemon: network {rest[-1]} not found")
    elif verb == "rm":
        file.unlink()
    else:
        assert verb == "connect"
        assert (NETWORKS / f"{rest[0]}.json").exists(), rest
        write(rest[1], read(rest[1]) | {"connected": rest[0]})


def image(arguments: list[str]) -> None:
    assert arguments[:3] == ["inspect", "--format", "{{.Id}}"], arguments
    if arguments[3] not in IMAGES.read_text().splitlines():
        fail(f"Error response from daemon: No such image: {arguments[3]}")
    print("sha256:0123")


def build(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tag", required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("context", type=Path)
    options = parser.parse_args(arguments)
    if not options.context.is_dir():
        fail(f'ERROR: unable to prepare context: path "{options.context}" not found')
    print("#1 [internal] load build definition from Dockerfile", file=sys.stderr, flush=True)
    if BEHAVIOUR.get("build") == "fail":
        fail('ERROR: failed to solve: process "pip install" did not complete: exit code: 1')
    if BEHAVIOUR.get("build") == "slow":
        signal.pause()
    with IMAGES.open("a") as images:
        images.write(f"{options.tag}\n")


def container_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for flag in ("--rm", "--init", "--read-only"):
        parser.add_argument(flag, action="store_true", required=True)
    parser.add_argument("--pull", choices=["never"], required=True)
    for flag in ("--name", "--network", "--memory", "--memory-swap", "--pids-limit"):
        parser.add_argument(flag, required=True)
    for flag in ("--gpus", "--shm-size", "--oom-score-adj", "--entrypoint"):
        parser.add_argument(flag)
    for flag in ("--cap-drop", "--security-opt", "--label", "--publish", "--mount", "--env"):
        parser.add_argument(flag, action="append", default=[])
    parser.add_argument("--tmpfs", action="append", default=[])
    parser.add_argument("image")
    parser.add_argument("command", nargs="*")
    return parser.parse_args(arguments)


def made(options: argparse.Namespace, command: list[str]) -> None:
    """Make the record of a container that does not run yet."""
    content = {
        "labels": dict(label.split("=", 1) for label in options.label),
        "env": dict(variable.split("=", 1) for variable in options.env),
        "published": options.publish,
        "network": options.network,
        "command": command,
        "pid": None,
    }
    write(options.name, content)


def create(arguments: list[str]) -> None:
    """Make the door."""
    options = container_options(arguments)
    assert options.entrypoint == "python"
    program, _, *ports = options.command
    relay = Path(os.environ["FAKE_DOCKER_ROOT"], program.removeprefix("/opt/vera/"))
    made(options, [sys.executable, str(relay), "--address", HOST, INSIDE, *ports])


def start(arguments: list[str]) -> None:
    assert arguments[0] == "--attach"
    name = arguments[1]
    for publish in read(name)["published"]:
        host, port, _ = publish.rsplit(":", 2)
        refused = port_complaint(name, host, port)
        if refused:
            record(name).unlink()
            fail(
                "Error response from daemon: failed to set up container networking: driver failed "
                f"programming external connectivity on endpoint {name}: {refused}",
            )
    launch(name)


def run(arguments: list[str]) -> None:
    options = container_options(arguments)
    assert (NETWORKS / f"{options.network}.json").exists(), options.network
    if BEHAVIOUR.get("run") == "no gpu":
        fail(
            'docker: Error response from daemon: could not select device driver "" with '
            "capabilities: [[gpu]]\n\nRun 'docker run --help' for more information",
            125,
        )
    for mount in options.mount:
        source = dict(part.partition("=")[::2] for part in mount.split(","))["source"]
        if BEHAVIOUR.get("run") == "elsewhere" or not Path(source).exists():
            fail(
                'docker: Error response from daemon: invalid mount config for type "bind": bind '
                f"source path does not exist: {source}",
                125,
            )
    inside = dict(variable.split("=", 1) for variable in options.env)
    command = [sys.executable, "-m", "vera.server.start_vera_server"]
    command += ["--embodiment", inside["VERA_EMBODIMENT"], "--host", INSIDE]
    command += ["--port", inside["VERA_SERVER_PORT"], "--vis-port", inside["VERA_VIS_PORT"]]
    made(options, command)
    launch(options.name)


def launch(name: str) -> NoReturn:
    """Start a container, and follow it to its end."""
    log, done = ENGINE / f"{name}.log", ENGINE / f"{name}.exit"
    subprocess.Popen(
        [sys.executable, __file__, "shim", name, str(log), str(done)], start_new_session=True
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: tell(name, received))
    follow(log, done)


def port_complaint(name: str, host: str, port: str) -> str:
    """Why a port cannot be published; empty: it can."""
    others = (file for file in CONTAINERS.glob("*.json") if file != record(name))
    if any(f"{host}:{port}:{port}" in json.loads(f.read_text())["published"] for f in others):
        return f"Bind for {host}:{port} failed: port is already allocated"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return f"failed to bind host port {host}:{port}/tcp: address already in use"
    return ""


def tell(name: str, number: int) -> None:
    """Hand a signal on to the container, as --sig-proxy does."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, TypeError):
        os.kill(json.loads(record(name).read_text())["pid"], number)


def follow(log: Path, done: Path) -> NoReturn:
    log.touch()
    with log.open() as file:
        while not done.exists():
            sys.stdout.write(file.read())
            sys.stdout.flush()
            time.sleep(0.02)
        sys.stdout.write(file.read())
        sys.stdout.flush()
    sys.exit(int(done.read_text()))


def shim(arguments: list[str]) -> None:
    """The engine's side of a container: runs it, keeps its log, and removes it when it ends."""
    name, log, done = arguments
    content = json.loads(record(name).read_text())
    environment = {
        **content["env"],
        "VERA_LAUNCHER_BEHAVIOUR": BEHAVIOUR.get("container", "serve"),
        "PYTHONPATH": os.environ["FAKE_DOCKER_PYTHONPATH"],
        "VERA_TEST_TAG": os.environ["VERA_TEST_TAG"],
    }
    with Path(log).open("wb") as output:
        process = subprocess.Popen(
            content["command"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        write(name, content | {"pid": process.pid})
        code = process.wait()
    record(name).unlink(missing_ok=True)
    Path(done).write_text(str(code if code >= 0 else 128 - code))


def stop(arguments: list[str]) -> None:
    assert arguments[0] == "-t"
    grace_s, name = float(arguments[1]), arguments[2]
    read(name)
    tell(name, signal.SIGTERM)
    deadline_s = time.monotonic() + grace_s
    while record(name).exists():
        if time.monotonic() > deadline_s:
            tell(name, signal.SIGKILL)
        time.sleep(0.02)
    print(name)


def rm(arguments: list[str]) -> None:
    assert arguments[0] == "--force"
    name = arguments[1]
    if read(name)["pid"] is None and not (ENGINE / f"{name}.log").exists():
        record(name).unlink()  # it has never run
    while record(name).exists():
        tell(name, signal.SIGKILL)
        time.sleep(0.02)
    print(name)


if __name__ == "__main__":
    main()
