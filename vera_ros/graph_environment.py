# SPDX-License-Identifier: Apache-2.0
"""What the VERA_* variables change of the system that is started."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from vera_ros.graph import GraphOptions, Value
from vera_ros.server.sources import read_settings, variable_of


def with_environment(
    options: GraphOptions, environment: Mapping[str, str]
) -> tuple[GraphOptions, tuple[str, ...]]:
    """Return the options as the VERA_* variables change them, and a line for each that does.

    VERA_SERVER_MODE wins over `server`; VERA_SERVER_HOST and VERA_SERVER_PORT over `server_url`.

    Raises:
        ConfigurationError: a variable is not valid.
    """
    given: dict[str, Value] = {"server_mode": options.server}
    if options.url:
        url = urlsplit(options.url)
        given |= {"server_host": str(url.hostname), "server_port": url.port or -1}
    sourced = read_settings(given, environment)
    moved = any(environment.get(variable_of(n)) for n in ("server_host", "server_port"))
    changed = replace(
        options,
        server=sourced.settings.server_mode,
        server_url=sourced.settings.url if moved else options.server_url,
    )
    return changed, sourced.overrides
