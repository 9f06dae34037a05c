# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of the Docker CLI that the server's container needs."""

import math
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vera_ros.errors import ServerStartError
from vera_ros.server.child import run_to_end
from vera_ros.server.docker_remedies import remedy_for

_GONE = ("no such container", "already in progress")
_ISOLATED = "com.docker.network.bridge.gateway_mode_ipv4=isolated"


class DockerCli:
    """Controls the Docker engine through its command line.

    Every method may raise ServerStartError, with Docker's output and the remedy.

    Args:
        environment: environment of the commands, such as PATH and DOCKER_HOST.
        on_line: receives the output of a build, line by line.
    """

    answer_s = 15.0  # time-out, beyond the time that a command takes by its nature

    def __init__(self, environment: Mapping[str, str], on_line: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._on_line = on_line

    @property
    def program(self) -> str:
        """The path of the `docker` program."""
        found = shutil.which("docker", path=self._environment.get("PATH"))
        if found is None:
            raise ServerStartError(
                "there is no program 'docker' on PATH; install it, or choose another server_mode"
            )
        return found

    async def containers_with(self, label: str) -> dict[str, str]:
        """Return the label's value by the id of each container that has it, running or not."""
        return await self._labelled(("ps", "--all"), label)

    async def networks_with(self, label: str) -> dict[str, str]:
        """Return the label's value by the id of each network that has it."""
        return await self._labelled(("network", "ls"), label)

    async def has_image(self, image: str) -> bool:
        """Whether the image is on this machine."""
        try:
            await self._run("image", "inspect", "--format", "{{.Id}}", image)
        except ServerStartError as error:
            if "no such image" in str(error).lower():
                return False
            raise
        return True

    async def build(self, image: str, dockerfile: Path, context: Path) -> None:
        """Build an image; this may take long."""
        arguments = ("build", "--tag", image, "--file", str(dockerfile), str(context))
        await self._run(*arguments, on_line=self._on_line, longest_s=math.inf)

    async def create_network(self, name: str, label: str) -> None:
        """Create a network without a way out; from Docker 28 on, not even to this machine."""
        command = ("network", "create", "--internal", "--label", label)
        try:
            await self._run(*command, "--opt", _ISOLATED, name)
        except ServerStartError:
            await self._run(*command, name)
            self._on_line(
                "this Docker cannot isolate a network from its own machine (version 28 can): the "
                "server's container can reach what listens here"
            )

    async def remove_network(self, name: str) -> None:
        """Remove a network; one that is gone is no error."""
        try:
            await self._run("network", "rm", name)
        except ServerStartError as error:
            if not re.search(r"no such network|network \S+ not found", str(error).lower()):
                raise

    async def create(self, arguments: Sequence[str]) -> None:
        """Create a container. `arguments`: `create` and its arguments."""
        await self._run(*arguments)

    async def connect(self, network: str, container: str) -> None:
        """Connect a container to a further network."""
        await self._run("network", "connect", network, container)

    async def stop(self, name: str, grace_s: float) -> None:
        """Stop a container; Docker kills it after `grace_s`."""
        await self._run("stop", "-t", f"{grace_s:.0f}", name, longest_s=grace_s)

    async def remove(self, name: str) -> None:
        """Kill and remove a container; one that is gone, or being removed, is no error."""
        try:
            await self._run("rm", "--force", name)
        except ServerStartError as error:
            if not any(said in str(error).lower() for said in _GONE):
                raise

    async def _labelled(self, listing: Sequence[str], label: str) -> dict[str, str]:
        shown = '{{.ID}} {{.Label "' + label + '"}}'
        lines: list[str] = []
        await self._run(
            *(*listing, "--no-trunc", "--filter", f"label={label}", "--format", shown),
            on_line=lines.append,
        )
        return dict(line.split(" ", 1) for line in lines if " " in line)

    async def _run(
        self,
        *arguments: str,
        on_line: Callable[[str], None] = lambda line: None,
        longest_s: float = 0.0,
    ) -> None:
        """Run a command; `longest_s` is how long it may take by its nature, beyond `answer_s`."""
        code, tail = await run_to_end(
            [self.program, *arguments],
            self._environment | {"BUILDKIT_PROGRESS": "plain"},
            on_line,
            self.answer_s + longest_s,
        )
        if code != 0:
            raise ServerStartError(
                f"'docker {arguments[0]}' failed (exit code {code}){remedy_for(tail)}:\n{tail}"
            )
