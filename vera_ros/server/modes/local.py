# SPDX-License-Identifier: Apache-2.0
"""VERA's own server, as a process of this machine's."""

import sys
from collections.abc import Callable, Mapping

from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.child import Child, describe_end
from vera_ros.server.settings import ServerSettings

_MODULE = "vera.server.start_vera_server"
_GRACE_S = 5.0
# ROS puts its own libraries there, which another Python must not find.
_NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")


class Local:
    """Runs `python -m vera.server.start_vera_server` in the interpreter that has VERA."""

    def __init__(
        self,
        settings: ServerSettings,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._checkpoints = Checkpoints(settings)
        command = launch_command(settings, self._checkpoints.algo_config)
        variables = launch_environment(settings, environment) | self._checkpoints.variables
        self._child = Child(command, variables, on_line)

    def describe(self) -> str:
        """What is run where."""
        return f"VERA, run by {_interpreter(self._settings)}, at {self._settings.url}"

    async def prepare(self) -> None:
        """Nothing to do: the process of an earlier run has died with it."""

    async def start(self) -> None:
        """Start the process."""
        self._checkpoints.check()
        await self._child.start()

    async def ended(self) -> str:
        """How the process ended."""
        return describe_end(await self._child.wait(), self._child.output)

    @property
    def last_line(self) -> str:
        """Of the process's output."""
        return self._child.output.last

    @property
    def tail(self) -> str:
        """Of the process's output."""
        return self._child.output.tail

    async def stop(self) -> None:
        """End the process and its children."""
        await self._child.stop(_GRACE_S)


def _interpreter(settings: ServerSettings) -> str:
    return settings.interpreter or sys.executable


def launch_command(settings: ServerSettings, algo_config: str) -> list[str]:
    """Return the server's command line; what is left to the server is not on it.

    Args:
        settings: that are on it.
        algo_config: of the embodiment's planner, unless the settings name one.
    """
    command = [_interpreter(settings), "-m", _MODULE]
    command += ["--embodiment", settings.embodiment]
    command += ["--host", settings.server_host, "--port", str(settings.port)]
    command += ["--vis-port", str(settings.viewer_port)]
    for option, value in (
        ("--algo-config", settings.algo_config or algo_config),
        ("--dynamics-run-id", settings.dynamics_run_id),
        ("--text", settings.text_prompt),
        ("--sample-steps", str(settings.sample_steps or "")),
    ):
        command += [f"{option}={value}"] if value else []
    if settings.teacache_thresh > 0.0:
        command += ["--teacache-thresh", f"{settings.teacache_thresh:g}"]
    else:
        command += ["--no-teacache"]
    return command


def launch_environment(settings: ServerSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the server's process, beside the places of its checkpoints."""
    inherited = {name: v for name, v in environment.items() if name not in _NOT_INHERITED}
    chosen = {
        "PYTHONPATH": settings.pythonpath,
        "PYTHONUNBUFFERED": "1",  # lines come when they are written
        "VERA_TRACKER_BACKEND": settings.tracker,
        "VERA_MOTION_PLAN_SCALE": f"{settings.motion_plan_scale or ''}",
        "TORCH_HOME": settings.torch_home,
        "HF_HOME": settings.hf_home,
    }
    return inherited | {name: value for name, value in chosen.items() if value}
