# SPDX-License-Identifier: Apache-2.0
"""Subprocess mode: VERA's own server, as a process of this machine."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from vera_ros.children import harmless_variables
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.child import Child, describe_end
from vera_ros.server.settings import ServerSettings

_MODULE = "vera.server.start_vera_server"
_GRACE_S = 5.0
# A server that lacks files fails instead of downloading them.
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "WANDB_MODE": "offline"}


class Local:
    """Runs `python -m vera.server.start_vera_server` in the interpreter that has VERA."""

    launches = True

    def __init__(
        self,
        settings: ServerSettings,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._checkpoints = Checkpoints(settings, environment)
        self._folder = tempfile.TemporaryDirectory(prefix="vera_ros-server-")
        self._child = Child(
            launch_command(settings, self._checkpoints.algo_config, environment),
            launch_environment(settings, self._checkpoints, environment),
            on_line,
            folder=self._folder.name,
        )

    def describe(self) -> str:
        """Describe the server, with its interpreter and URL."""
        return f"VERA, run by {_interpreter(self._settings)}, at {self._settings.url}"

    async def prepare(self) -> None:
        """Do nothing: the process of an earlier run has died with that run."""

    async def start(self) -> None:
        """Start the process, in a folder where it finds its tokenizer by a relative name."""
        self._checkpoints.check()
        tokenizers = self._checkpoints.tokenizers
        if tokenizers is not None:
            Path(self._folder.name, tokenizers.name).symlink_to(tokenizers)
        await self._child.start()

    async def ended(self) -> str:
        """Wait for the end of the process; return how it ended and its last lines."""
        return describe_end(await self._child.wait(), self._child.output)

    @property
    def last_line(self) -> str:
        """The last line of the process's output."""
        return self._child.output.last

    @property
    def tail(self) -> str:
        """The last lines of the process's output."""
        return self._child.output.tail

    async def stop(self) -> None:
        """End the process and its children."""
        await self._child.stop(_GRACE_S)
        self._folder.cleanup()


def _interpreter(settings: ServerSettings) -> str:
    return settings.interpreter or sys.executable


def launch_command(
    settings: ServerSettings, algo_config: str, environment: Mapping[str, str]
) -> list[str]:
    """Return the server's command line, without options that are left to the server.

    Args:
        settings: settings of the server.
        algo_config: path of the planner's configuration; empty: it reads none.
        environment: environment of the server.
    """
    values = {
        "--embodiment": settings.embodiment,
        "--host": settings.server_host,
        "--port": settings.port,
        "--vis-port": settings.viewer_port,
        "--algo-config": algo_config or None,
        "--text": settings.text_prompt or None,
        "--sample-steps": settings.sample_steps or None,
        "--teacache-thresh": settings.teacache or None,
    }
    arguments = [f"{option}={value}" for option, value in values.items() if value is not None]
    if settings.teacache == 0.0:
        arguments.append("--no-teacache")
    if "VERA_DEBUG_DUMP_DIR" not in environment:
        arguments.append("--no-debug-dump")  # by default, droid writes to a path of its authors
    return [_interpreter(settings), "-m", _MODULE, *arguments]


def launch_environment(
    settings: ServerSettings, checkpoints: Checkpoints, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the server's process, without tokens and ROS's own libraries."""
    prefix = "VERA_PUSHT" if settings.embodiment == "pusht" else "VERA"
    chosen = {
        "PYTHONPATH": os.pathsep.join(
            filter(None, (checkpoints.tracker_code, settings.pythonpath))
        ),
        "PYTHONUNBUFFERED": "1",  # lines arrive when they are written
        "VERA_TRACKER_BACKEND": settings.tracker,
        f"{prefix}_MOTION_PLAN_SCALE": f"{settings.motion_plan_scale or ''}",
    }
    # Settings left to the server are not inherited either: VERA would apply a scale of 0.
    inherited = {
        name: value
        for name, value in harmless_variables(environment, "VERA_").items()
        if name not in chosen
    }
    chosen = {name: value for name, value in chosen.items() if value}
    return inherited | _OFFLINE | chosen | checkpoints.variables
