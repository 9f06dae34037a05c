# SPDX-License-Identifier: Apache-2.0
"""Arguments of the Docker CLI for the server's two containers: the server, and its door.

Checkpoints are pickles, which can run code. So the server's container may read the mounted files
and answer its clients, and nothing else: its network leads nowhere, not even to this machine's
ports. Docker publishes no ports of such a network; the door, a second container of the same image,
has them published and passes connections on.
"""

import csv
import io
import os
from collections.abc import Mapping

from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.owner import identify_this_process
from vera_ros.server.settings import ServerSettings

OWNER = "vera_ros.owner"  # label of all that a process makes, and removes

_RELAY = "/opt/vera/docker/vera_server/relay.py"
_OWN_SHARE = 0.8  # of this machine's memory, so that there is always some for the arm's side
_DOOR_MEMORY_BYTES = 256 << 20
_MOST_PROCESSES = 4096  # threads count, too
# torch.compile and Triton load what they have written there.
_SCRATCH = (
    "/tmp:exec,nosuid,nodev,mode=1777,size=4g",
    "/home/vera:exec,nosuid,nodev,uid=1000,gid=1000,mode=700,size=2g",
)


def run_arguments(settings: ServerSettings, name: str, environment: Mapping[str, str]) -> list[str]:
    """Return the arguments of `docker run` for the server.

    Args:
        settings: settings of the server.
        name: name of the container, and of its network.
        environment: environment of this process, which may name the folders of caches.
    """
    arguments = ["run", "--rm", "--name", name, "--network", name]
    arguments += _confined(_memory_bytes(settings), _MOST_PROCESSES)
    arguments += ["--oom-score-adj", "500"]  # it goes before the arm's side does
    arguments += ["--shm-size", "8g"]
    for scratch in _SCRATCH:
        arguments += ["--tmpfs", scratch]
    if settings.gpu:
        arguments += ["--gpus", f"device={settings.gpu}"]
    for inside, folder in Checkpoints(settings, environment).mounts.items():
        arguments += ["--mount", _mount(folder, inside)]
    for variable, value in _variables(settings).items():
        arguments += ["--env", f"{variable}={value}"]
    return [*arguments, settings.image]


def door_arguments(settings: ServerSettings, name: str, server: str) -> list[str]:
    """Return the arguments of `docker create` for the door.

    Args:
        settings: settings of the server.
        name: name of the container.
        server: name of the server's container.
    """
    ports = [str(port) for port in (settings.port, settings.viewer_port) if port]
    arguments = ["create", "--rm", "--name", name, "--network", "bridge"]
    arguments += _confined(_DOOR_MEMORY_BYTES, 64)
    host = f"[{settings.server_host}]" if ":" in settings.server_host else settings.server_host
    for port in ports:
        arguments += ["--publish", f"{host}:{port}:{port}"]
    return [*arguments, "--entrypoint", "python", settings.image, _RELAY, server, *ports]


def _confined(memory_bytes: int, processes: int) -> list[str]:
    """Return the arguments that both containers have."""
    return [
        *("--init", "--pull", "never", "--label", f"{OWNER}={identify_this_process()}"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"),
        *("--memory", f"{memory_bytes}b", "--memory-swap", f"{memory_bytes}b"),
        *("--pids-limit", str(processes)),
    ]


def _memory_bytes(settings: ServerSettings) -> int:
    if settings.memory_gb:
        return int(settings.memory_gb * 2**30)
    return int(_OWN_SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _mount(folder: str, inside: str) -> str:
    """Return the value of `--mount`: fields of CSV, since a path may contain a comma."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        ("type=bind", f"source={folder}", f"target={inside}", "readonly")
    )
    return line.getvalue()


def _variables(settings: ServerSettings) -> dict[str, str]:
    """Return the variables for the image's entrypoint, without those left to the server."""
    chosen = {
        "VERA_EMBODIMENT": settings.embodiment,
        "VERA_SERVER_PORT": str(settings.port),
        "VERA_VIS_PORT": str(settings.viewer_port),
        "VERA_ALGO_CONFIG": settings.algo_config,
        "VERA_DYNAMICS_RUN_ID": settings.dynamics_run_id,
        "VERA_TEXT_PROMPT": settings.text_prompt,
        "VERA_SAMPLE_STEPS": str(settings.sample_steps or ""),
        "VERA_TRACKER_BACKEND": settings.tracker,
        "VERA_MOTION_PLAN_SCALE": f"{settings.motion_plan_scale or ''}",
        "VERA_TEACACHE": f"{settings.teacache:g}" if settings.teacache > 0.0 else "off",
    }
    return {name: value for name, value in chosen.items() if value}
