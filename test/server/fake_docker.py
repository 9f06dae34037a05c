#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A `docker` for tests: the commands that vera_ros uses, with the real one's words and exit codes.

Its engine is the folder FAKE_DOCKER: `images` (a name per line), `containers/NAME.json`, and
`behaviour.json`, which says what goes wrong. As with the real one, a container is no child of the
command that runs it: it lives on when that is killed.
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
    {"ps": ps, "image": image, "build": build, "run": run, "stop": stop, "rm": rm, "shim": shim}[
        name
    ](arguments)


def record(name: str) -> Path:
    return CONTAINERS / f"{name}.json"


def read(name: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(record(name).read_text())
    except FileNotFoundError:
        fail(f"Error response from daemon: No such container: {name}")
    return content


def ps(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", required=True)
    parser.add_argument("--no-trunc", action="store_true")
    parser.add_argument("--filter", required=True)
    parser.add_argument("--format", required=True)
    label = parser.parse_args(arguments).filter.removeprefix("label=")
    for file in CONTAINERS.glob("*.json"):
        container = json.loads(file.read_text())
        if label in container["labels"]:
            print(f"{file.stem}\t{container['labels'][label]}")


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


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for flag in ("--rm", "--init"):
        parser.add_argument(flag, action="store_true", required=True)
    parser.add_argument("--pull", choices=["never"], required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--gpus")
    parser.add_argument("--shm-size")
    for flag in ("--cap-drop", "--security-opt", "--label", "--publish", "--mount", "--env"):
        parser.add_argument(flag, action="append", default=[])
    parser.add_argument("image")
    options = parser.parse_args(arguments)
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
    for publish in options.publish:
        host, port, _ = publish.rsplit(":", 2)
        refused = port_complaint(host, port)
        if refused:
            fail(
                "docker: Error response from daemon: failed to set up container networking: driver "
                f"failed programming external connectivity on endpoint {options.name}: {refused}",
                125,
            )
    log, done = ENGINE / f"{options.name}.log", ENGINE / f"{options.name}.exit"
    content = {
        "labels": dict(label.split("=", 1) for label in options.label),
        "env": dict(variable.split("=", 1) for variable in options.env),
        "ports": [publish.rsplit(":", 2)[1] for publish in options.publish],
        "pid": None,
    }
    record(options.name).write_text(json.dumps(content))
    subprocess.Popen(
        [sys.executable, __file__, "shim", options.name, str(log), str(done)],
        start_new_session=True,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: tell(options.name, received))
    follow(log, done)


def port_complaint(host: str, port: str) -> str:
    """Why a port cannot be published; empty: it can."""
    if any(port in json.loads(file.read_text())["ports"] for file in CONTAINERS.glob("*.json")):
        return f"Bind for {host}:{port} failed: port is already allocated"
    with socket.socket() as probe:
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
    inside = content["env"]
    command = [sys.executable, "-m", "vera.server.start_vera_server"]
    command += ["--embodiment", inside["VERA_EMBODIMENT"], "--host", "127.0.0.1"]
    command += ["--port", inside["VERA_SERVER_PORT"], "--vis-port", inside["VERA_VIS_PORT"]]
    environment = {
        **inside,
        "LAUNCHER_BEHAVIOUR": BEHAVIOUR.get("container", "serve"),
        "PYTHONPATH": os.environ["FAKE_DOCKER_PYTHONPATH"],
        "TEST_TAG": os.environ["TEST_TAG"],
    }
    with Path(log).open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        record(name).write_text(json.dumps(content | {"pid": process.pid}))
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
    read(name)
    while record(name).exists():
        tell(name, signal.SIGKILL)
        time.sleep(0.02)
    print(name)


if __name__ == "__main__":
    main()
