# SPDX-License-Identifier: Apache-2.0
"""Docker mode: VERA's server in a container of this machine's Docker."""

import asyncio
import contextlib
import signal
import uuid
from collections.abc import Callable, Mapping

from vera_ros.errors import ServerStartError
from vera_ros.resources import share_path
from vera_ros.server.child import Child, describe_end
from vera_ros.server.docker_arguments import OWNER, door_arguments, run_arguments
from vera_ros.server.docker_cli import DockerCli
from vera_ros.server.docker_remedies import gpu_remedy_for, remedy_for
from vera_ros.server.owner import identify_this_process, is_gone
from vera_ros.server.settings import ServerSettings

_DOCKERFILE = "docker/vera_server/Dockerfile"
_GRACE_S = 5.0
_RUN_FAILED = 125  # of `docker run`: the container never started


class Docker:
    """Runs a container and its door (see `docker_arguments`), which are removed when they end.

    `docker run` stays in the foreground, as a child of this process: its output is the server's,
    its end the container's. When this process dies for whatever reason, the kernel signals
    `docker run`, which stops the container. Where even that fails, the container's label names its
    owner, and the next start removes it. So it is with the door; and the network has a label, too.
    """

    launches = True

    def __init__(
        self,
        settings: ServerSettings,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._on_line = on_line
        self._cli = DockerCli(environment, on_line)
        self._name = f"vera_ros-{uuid.uuid4().hex[:12]}"
        self._door_name = f"{self._name}-door"
        self._child: Child | None = None
        self._door: Child | None = None
        self._begun = False

    def describe(self) -> str:
        """Describe the container, with its image and URL."""
        return f"a container of {self._settings.image} at {self._settings.url}"

    async def prepare(self) -> None:
        """Remove containers and networks whose owner is gone."""
        for container, owner in (await self._cli.containers_with(OWNER)).items():
            if is_gone(owner):
                self._on_line(f"removing container {container[:12]}, left by a run that was killed")
                await self._cli.remove(container)
        for network, owner in (await self._cli.networks_with(OWNER)).items():
            if is_gone(owner):
                with contextlib.suppress(ServerStartError):  # it is in nobody's way
                    await self._cli.remove_network(network)

    async def start(self) -> None:
        """Run the container; first build its image if it is missing and `build_image` is set."""
        image = self._settings.image
        if not await self._cli.has_image(image):
            if not self._settings.build_image:
                raise ServerStartError(
                    f"there is no image '{image}'; set build_image, name another image, or build "
                    f"it in a checkout of vera_ros: docker build --tag {image} --file "
                    f"{_DOCKERFILE} ."
                )
            dockerfile = share_path(_DOCKERFILE)
            await self._cli.build(image, dockerfile, dockerfile.parents[2])
        self._begun = True
        await self._cli.create_network(self._name, f"{OWNER}={identify_this_process()}")
        await self._cli.create(door_arguments(self._settings, self._door_name, self._name))
        await self._cli.connect(self._name, self._door_name)
        self._door = await self._follow(["start", "--attach", self._door_name])
        self._child = await self._follow(
            run_arguments(self._settings, self._name, self._environment)
        )

    async def _follow(self, arguments: list[str]) -> Child:
        child = Child(
            [self._cli.program, *arguments],
            self._environment,
            self._on_line,
            death_signal=signal.SIGTERM,
        )
        await child.start()
        return child

    async def ended(self) -> str:
        """Wait for the end of a container; return how it ended and its last lines."""
        assert self._child is not None
        assert self._door is not None
        server, door = (asyncio.ensure_future(c.wait()) for c in (self._child, self._door))
        try:
            await asyncio.wait({server, door}, return_when=asyncio.FIRST_COMPLETED)
            if not server.done():
                output = self._door.output
                end = describe_end(door.result(), output)
                return f"the way to its port is closed{remedy_for(output.tail)}; {end}"
            code = server.result()
        finally:
            server.cancel()
            door.cancel()
        end = describe_end(code, self._child.output)
        if code == _RUN_FAILED:
            return f"'docker run' failed{remedy_for(self._child.output.tail)}; {end}"
        remedy = gpu_remedy_for(self._child.output.tail) if code else ""
        return f"the container has no GPU{remedy}; {end}" if remedy else end

    @property
    def last_line(self) -> str:
        """The last line of the container's output."""
        return self._child.output.last if self._child else ""

    @property
    def tail(self) -> str:
        """The last lines of the container's output."""
        return self._child.output.tail if self._child else ""

    async def stop(self) -> None:
        """Stop the containers, and remove what still exists of them and their network."""
        if not self._begun:
            return
        await asyncio.gather(self._stop_server(), self._stop_door())
        try:
            await self._cli.remove_network(self._name)
        except ServerStartError as error:
            self._on_line(f"network {self._name} may be left: {error}")
        self._child = self._door = None
        self._begun = False

    async def _stop_server(self) -> None:
        if self._child is None:
            return
        with contextlib.suppress(ServerStartError):  # it has ended, or never began
            await self._cli.stop(self._name, _GRACE_S)
        await self._child.stop(_GRACE_S)
        await self._remove(self._name)

    async def _stop_door(self) -> None:
        await self._remove(self._door_name)
        if self._door is not None:
            await self._door.stop(_GRACE_S)

    async def _remove(self, container: str) -> None:
        try:
            await self._cli.remove(container)
        except ServerStartError as error:
            self._on_line(f"container {container} may still run: {error}")
