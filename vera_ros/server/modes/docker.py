# SPDX-License-Identifier: Apache-2.0
"""Docker mode: VERA's server in a container of this machine's Docker."""

import contextlib
import signal
import uuid
from collections.abc import Callable, Mapping

from vera_ros.errors import ServerStartError
from vera_ros.resources import share_path
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.child import Child, describe_end
from vera_ros.server.docker_cli import DockerCli
from vera_ros.server.docker_remedies import gpu_remedy_for, remedy_for
from vera_ros.server.owner import identify_this_process, is_gone
from vera_ros.server.settings import ServerSettings

_OWNER = "vera_ros.owner"
_DOCKERFILE = "docker/vera_server/Dockerfile"
_GRACE_S = 5.0
_RUN_FAILED = 125  # of `docker run`: the container never started


class Docker:
    """Runs a container that is removed when it ends.

    `docker run` stays in the foreground, as a child of this process: its output is the server's,
    its end the container's. When this process dies for whatever reason, the kernel signals
    `docker run`, which stops the container. Where even that fails, the container's label names its
    owner, and the next start removes it.
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
        self._child: Child | None = None

    def describe(self) -> str:
        """Describe the container, with its image and URL."""
        return f"a container of {self._settings.image} at {self._settings.url}"

    async def prepare(self) -> None:
        """Remove containers whose owner is gone."""
        for container, owner in (await self._cli.containers_with(_OWNER)).items():
            if is_gone(owner):
                self._on_line(f"removing container {container[:12]}, left by a run that was killed")
                await self._cli.remove(container)

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
        self._child = Child(
            [
                self._cli.program,
                *run_arguments(self._settings, self._name, self._environment),
            ],
            self._environment,
            self._on_line,
            death_signal=signal.SIGTERM,
        )
        await self._child.start()

    async def ended(self) -> str:
        """Wait for the end of the container; return how it ended and its last lines."""
        assert self._child is not None
        code = await self._child.wait()
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
        """Stop the container, and remove it if it still exists."""
        if self._child is None:
            return
        with contextlib.suppress(ServerStartError):  # it has ended, or never began
            await self._cli.stop(self._name, _GRACE_S)
        await self._child.stop(_GRACE_S)
        self._child = None
        try:
            await self._cli.remove(self._name)
        except ServerStartError as error:
            self._on_line(f"container {self._name} may still run: {error}")


def run_arguments(settings: ServerSettings, name: str, environment: Mapping[str, str]) -> list[str]:
    """Return the arguments of `docker run`.

    Args:
        settings: settings of the server.
        name: name of the container.
        environment: environment of this process, which may name the folders of caches.
    """
    arguments = ["run", "--rm", "--init", "--pull", "never", "--name", name]
    arguments += ["--label", f"{_OWNER}={identify_this_process()}"]
    # It may only read the mounted files, since checkpoints are pickles, which can run code.
    arguments += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    arguments += ["--shm-size", "8g"]
    if settings.gpu:
        arguments += ["--gpus", f"device={settings.gpu}"]
    for port in filter(None, (settings.port, settings.viewer_port)):
        host = f"[{settings.server_host}]" if ":" in settings.server_host else settings.server_host
        arguments += ["--publish", f"{host}:{port}:{port}"]
    for inside, folder in Checkpoints(settings, environment).mounts.items():
        arguments += ["--mount", f"type=bind,source={folder},target={inside},readonly"]
    for variable, value in _variables(settings).items():
        arguments += ["--env", f"{variable}={value}"]
    return [*arguments, settings.image]


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
