# SPDX-License-Identifier: Apache-2.0
"""What the VERA_* variables change of the system that is started.

The launch file takes this into the Python of `ros2`, which is the system's whatever environment is
active, and may lack what the nodes need: so no library is imported. server_node checks the rest.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.graph import SERVERS, GraphOptions
from vera_ros.server.address import url_of

_OWN_PORT = "-1"


def with_environment(
    options: GraphOptions, environment: Mapping[str, str]
) -> tuple[GraphOptions, tuple[str, ...]]:
    """Return the options as the VERA_* variables change them, and a line for each that does.

    VERA_SERVER_MODE wins over `server`; VERA_SERVER_HOST and VERA_SERVER_PORT over `server_url`.

    Raises:
        ConfigurationError: a variable is not valid.
    """
    url = urlsplit(options.url)
    before = {
        "VERA_SERVER_MODE": options.server,
        "VERA_SERVER_HOST": url.hostname or "127.0.0.1",
        "VERA_SERVER_PORT": str(url.port or _OWN_PORT),
    }
    given = {name: environment[name] for name in before if environment.get(name)}
    chosen = before | given
    server = chosen["VERA_SERVER_MODE"]
    if server not in SERVERS:
        raise _refusal("VERA_SERVER_MODE", server, " | ".join(SERVERS))
    server_url = options.server_url
    if given.keys() - {"VERA_SERVER_MODE"}:
        port = _port(chosen["VERA_SERVER_PORT"], environment)
        server_url = url_of(_host(chosen["VERA_SERVER_HOST"]), port)
    lines = tuple(
        f"environment variable {name} wins: it is '{value}', not '{before[name]}'"
        for name, value in given.items()
        if value != before[name]
    )
    return replace(options, server=server, server_url=server_url), lines


def _host(text: str) -> str:
    if not text.strip() or "/" in text:
        raise _refusal("VERA_SERVER_HOST", text, "a host name or an address, like 127.0.0.1")
    return text


def _port(text: str, environment: Mapping[str, str]) -> int:
    if text == _OWN_PORT:
        return find_embodiment(environment.get("VERA_EMBODIMENT") or "mimicgen").policy_port
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise _refusal("VERA_SERVER_PORT", text, "1 … 65535, or -1 for the embodiment's own")
    return int(text)


def _refusal(variable: str, value: str, valid: str) -> ConfigurationError:
    return ConfigurationError(f"environment variable {variable} is '{value}'; valid is {valid}")
