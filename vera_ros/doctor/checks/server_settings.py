# SPDX-License-Identifier: Apache-2.0
"""Check of the VERA server's settings: valid, and the ones that policy_node will connect to."""

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.finding import Finding, failure, not_needed, ok
from vera_ros.errors import ConfigurationError
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import variable_of
from vera_ros.wire.connection.address import without_password

NAME = "server settings"


def check(context: Context) -> list[Finding]:
    """Read the settings, and check that policy_node will connect to that server."""
    if not context.options.serves_vera:
        return [not_needed(NAME, f"--server {context.options.server} starts no VERA")]
    configuration = context.configuration
    try:
        return [judge(context.read_settings(), configuration)]
    except ConfigurationError as error:
        mend = f"correct server_node's parameters in {configuration.files}, or the variable"
        return [failure(NAME, str(error), mend)]


def judge(settings: ServerSettings, configuration: Configuration) -> Finding:
    """Check that the server that is to start is the one that policy_node connects to."""
    expected = configuration.embodiment.name
    if settings.embodiment != expected:
        return failure(
            NAME,
            f"server_node serves {settings.embodiment}, and policy_node needs {expected}",
            "set the same embodiment for both in the parameter file (VERA_EMBODIMENT overrides it)",
        )
    if settings.url != configuration.server_url:
        return failure(
            NAME,
            f"server_node listens on {settings.url}, and policy_node connects to "
            f"{without_password(configuration.server_url)}",
            f"unset {variable_of('server_port')} and {variable_of('server_host')}, or give the "
            "address as --server-url (server_url:=)",
        )
    viewer = f"viewer on {settings.viewer_port}" if settings.viewer_port else "no viewer"
    what = f"image {settings.image}" if settings.server_mode == "docker" else "a process"
    return ok(NAME, f"{settings.url}, {what}, {viewer}")
