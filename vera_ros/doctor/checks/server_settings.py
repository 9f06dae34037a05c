# SPDX-License-Identifier: Apache-2.0
"""The settings of the VERA server that is to run here: whether policy_node asks that one."""

from vera_ros.doctor.configuration import Configuration
from vera_ros.doctor.context import Context
from vera_ros.doctor.finding import Finding, failure, not_needed, ok
from vera_ros.errors import ConfigurationError
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import variable_of

NAME = "server settings"


def check(context: Context) -> list[Finding]:
    """Read them, and see whether policy_node will ask that server."""
    if not context.options.serves_vera:
        return [not_needed(NAME, f"--server {context.options.server} starts no VERA")]
    configuration = context.configuration
    try:
        return [judge(context.read_settings(), configuration)]
    except ConfigurationError as error:
        mend = f"correct server_node's parameters in {configuration.path}, or the variable"
        return [failure(NAME, str(error), mend)]


def judge(settings: ServerSettings, configuration: Configuration) -> Finding:
    """The server that is started is the one that policy_node asks."""
    expected = configuration.embodiment.name
    if settings.embodiment != expected:
        return failure(
            NAME,
            f"server_node serves {settings.embodiment}, and policy_node wants {expected}",
            "make their embodiment the same in the parameter file (VERA_EMBODIMENT wins over it)",
        )
    if settings.url != configuration.server_url:
        return failure(
            NAME,
            f"server_node listens on {settings.url}, and policy_node asks "
            f"{configuration.server_url}",
            f"unset {variable_of('server_port')} and {variable_of('server_host')}, or give the "
            "address as --server-url (server_url:=)",
        )
    viewer = f"viewer on {settings.viewer_port}" if settings.viewer_port else "no viewer"
    what = f"image {settings.image}" if settings.server_mode == "docker" else "a process"
    return ok(NAME, f"{settings.url}, {what}, {viewer}")
