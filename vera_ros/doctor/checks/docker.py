# SPDX-License-Identifier: Apache-2.0
"""Checks of Docker for the server mode `docker`: client, engine, compose, GPUs and image."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vera_ros.doctor.facts.bytes import free_space, size
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import Output, ToolMissingError, run
from vera_ros.doctor.finding import (
    Finding,
    NotCheckedError,
    failure,
    not_checked,
    not_needed,
    ok,
    warning,
)

_INFO = ("docker", "info", "--format", "{{json .}}")
_INSTALL = "install Docker Engine: https://docs.docker.com/engine/install"
_INSTALL_TOOLKIT = (
    "sudo apt-get install nvidia-container-toolkit && sudo nvidia-ctk runtime configure "
    "--runtime=docker && sudo systemctl restart docker"
)
_UNPINNED = "unverified: the table records no digest of its base image (scripts/pin does)"
_IMAGE_BYTES = 25e9  # VERA's image and its build cache


def check(context: Context) -> list[Finding]:
    """Check the client, the engine and the compose plugin."""
    server = context.options.server
    if server != "docker":
        return [not_needed("Docker", f"--server {server} uses no container")]
    try:
        version = run(("docker", "--version"), context.deadline)
    except ToolMissingError as error:
        return [failure("Docker", str(error), _INSTALL)]
    info = run(_INFO, context.deadline)
    compose = run(("docker", "compose", "version"), context.deadline)
    return [judge_engine(version, info), judge_compose(compose)]


def check_container(context: Context) -> list[Finding]:
    """Check that the server's container can run: its image, and GPUs in containers."""
    server = context.options.server
    if server != "docker":
        return [not_needed("container", f"--server {server} uses none")]
    from vera_ros.server.settings import load_table  # whose libraries may not be installed

    settings = context.settings
    try:
        facts = _facts(run(_INFO, context.deadline))
        image = run(("docker", "image", "inspect", settings.image), context.deadline)
    except ToolMissingError as error:
        raise NotCheckedError(str(error)) from error
    if facts is None:
        return [not_checked("container", "the engine does not answer")]
    have_toolkit = shutil.which("nvidia-ctk") is not None
    free = free_space(Path(facts["DockerRootDir"]))
    return [
        judge_toolkit(facts, settings.gpu, have_toolkit=have_toolkit),
        judge_image(
            image,
            settings.image,
            free,
            build=settings.build_image,
            pinned=load_table().images["vera_server"].digest is not None,
        ),
    ]


def judge_engine(version: Output, info: Output) -> Finding:
    """Check that the engine answers this user."""
    client = version.out.strip() or "the client"
    facts = _facts(info)
    if facts is not None:
        return ok("Docker", f"{client}, engine {facts['ServerVersion']}")
    why = _why(info)
    if "permission denied" in why.lower():
        return failure(
            "Docker",
            f"{client}; this user may not use the engine",
            'sudo usermod -aG docker "$USER", then log in again',
        )
    return failure("Docker", f"{client}; {why}", "sudo systemctl enable --now docker")


def judge_compose(compose: Output) -> Finding:
    """Check that the compose plugin is installed."""
    if compose.code != 0:
        return warning(
            "Docker compose",
            "not installed; only docker/compose.yaml needs it",
            "sudo apt-get install docker-compose-plugin (Ubuntu's own: docker-compose-v2)",
        )
    return ok("Docker compose", compose.out.strip())


def judge_toolkit(facts: Mapping[str, Any], gpu: str, *, have_toolkit: bool) -> Finding:
    """Check that containers can use the GPU.

    Args:
        facts: of the engine.
        gpu: the GPU for the container; empty: none.
        have_toolkit: whether NVIDIA's container toolkit is installed.
    """
    name = "GPUs in containers"
    if not gpu:
        return not_needed(name, "gpu is empty")
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


def judge_image(image: Output, name: str, free: int, *, build: bool, pinned: bool) -> Finding:
    """Check that the image is there, or that there is space to build it.

    Args:
        image: output of `docker image inspect`.
        name: of the image.
        free: disk space where the engine keeps images, [B].
        build: whether server_node builds it when it is missing.
        pinned: whether the table records the digest of the image that it is built from.
    """
    if image.code == 0:
        return ok("image", name if pinned else f"{name}; {_UNPINNED}")
    if free < _IMAGE_BYTES:
        return failure(
            "image",
            f"there is no image '{name}', and {size(free)} free for it; the image and its build "
            f"cache take about {size(_IMAGE_BYTES)}",
            "docker system prune, or a larger disk",
        )
    command = f"docker build --tag {name} --file docker/vera_server/Dockerfile ."
    if build:
        return ok("image", f"'{name}' is built at the first start (build_image)")
    return failure("image", f"there is no image '{name}'", f"in a checkout of vera_ros: {command}")


def _facts(info: Output) -> Mapping[str, Any] | None:
    """Return what the engine reports; None: it does not answer, and the client reports itself."""
    try:
        facts = json.loads(info.out)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and facts.get("ServerVersion") else None


def _why(info: Output) -> str:
    """Return why the engine does not answer: in the client's JSON or on its standard error."""
    try:
        errors = json.loads(info.out).get("ServerErrors") or []
    except ValueError:
        errors = []
    return str(errors[0]) if errors else info.why
