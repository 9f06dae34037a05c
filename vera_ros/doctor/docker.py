# SPDX-License-Identifier: Apache-2.0
"""Docker, as the server mode `docker` needs it: client, engine, compose, GPUs in containers."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vera_ros.doctor.bytes import free_space, size
from vera_ros.doctor.context import Context
from vera_ros.doctor.finding import Finding, failure, not_checked, not_needed, ok, warning
from vera_ros.doctor.tools import Output, ToolMissingError, run

_INSTALL = "install Docker Engine: https://docs.docker.com/engine/install"
_INSTALL_TOOLKIT = (
    "sudo apt-get install nvidia-container-toolkit && sudo nvidia-ctk runtime configure "
    "--runtime=docker && sudo systemctl restart docker"
)
_IMAGE_BYTES = 25e9  # of VERA's image and of what its building leaves


def look(context: Context) -> list[Finding]:
    """Ask the client for everything."""
    server = context.options.server
    if server != "docker":
        return [not_needed("Docker", f"--server {server} uses no container")]
    try:
        version = run(("docker", "--version"), context.deadline)
    except ToolMissingError as error:
        return [failure("Docker", str(error), _INSTALL)]
    info = run(("docker", "info", "--format", "{{json .}}"), context.deadline)
    compose = run(("docker", "compose", "version"), context.deadline)
    engine = judge_engine(version, info)
    facts = _facts(info)
    if facts is None:
        why = "the engine does not answer"
        return [engine, judge_compose(compose), not_checked("GPUs in containers", why)]
    return [
        engine,
        judge_compose(compose),
        judge_toolkit(facts, have_toolkit=shutil.which("nvidia-ctk") is not None),
        judge_space(facts["DockerRootDir"], free_space(Path(facts["DockerRootDir"]))),
    ]


def judge_engine(version: Output, info: Output) -> Finding:
    """The engine answers this user."""
    client = version.out.strip() or "the client"
    facts = _facts(info)
    if facts is not None:
        return ok("Docker", f"{client}, engine {facts['ServerVersion']}")
    why = _why(info)
    if "permission denied" in why.lower():
        return failure(
            "Docker",
            f"{client}; this user may not use the engine",
            'sudo usermod -aG docker "$USER", then log in anew',
        )
    return failure("Docker", f"{client}; {why}", "sudo systemctl enable --now docker")


def judge_compose(compose: Output) -> Finding:
    """The compose plugin is there."""
    if compose.code != 0:
        return warning(
            "Docker compose",
            "not installed; only docker/compose.yaml needs it",
            "sudo apt-get install docker-compose-plugin (Ubuntu's own: docker-compose-v2)",
        )
    return ok("Docker compose", compose.out.strip())


def judge_toolkit(facts: Mapping[str, Any], *, have_toolkit: bool) -> Finding:
    """Containers can use the GPU."""
    name = "GPUs in containers"
    runtimes = facts.get("Runtimes") or {}
    devices = facts.get("DiscoveredDevices") or []
    if "nvidia" in runtimes:
        return ok(name, "the engine has the runtime nvidia")
    if any("nvidia.com/gpu" in str(device.get("ID", "")) for device in devices):
        return ok(name, "the engine finds the GPU by CDI")
    if have_toolkit:
        return failure(
            name,
            f"NVIDIA's container toolkit is installed, but the engine has only the runtimes "
            f"{', '.join(sorted(runtimes))}",
            "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
        )
    return failure(name, "NVIDIA's container toolkit is not installed", _INSTALL_TOOLKIT)


def judge_space(folder: str, free: int) -> Finding:
    """There is room for the image. `free`: bytes."""
    name = "room for the image"
    if free < _IMAGE_BYTES:
        return warning(
            name,
            f"{size(free)} free at '{folder}'; VERA's image and its building take about "
            f"{size(_IMAGE_BYTES)}",
            "docker system prune, or a larger disk",
        )
    return ok(name, f"{size(free)} free at '{folder}'")


def _facts(info: Output) -> Mapping[str, Any] | None:
    """What the engine tells; None: it does not answer (the client answers for itself alone)."""
    try:
        facts = json.loads(info.out)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and facts.get("ServerVersion") else None


def _why(info: Output) -> str:
    """Why the engine does not answer: clients tell it in the one way or the other."""
    try:
        errors = json.loads(info.out).get("ServerErrors") or []
    except ValueError:
        errors = []
    return str(errors[0]) if errors else info.why
