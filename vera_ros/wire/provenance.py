# SPDX-License-Identifier: Apache-2.0
"""Which server this is: its code, its models, its machine and its live viewer."""

import argparse
from collections.abc import Sequence
from urllib.parse import urlsplit

from vera_ros.wire.server_config import PROTOCOL_VERSION, ServerConfig

_COMMIT_DIGITS = 12
_VIEWER_OPTION = "--vis-port"


def describe_code(config: ServerConfig) -> str:
    """Return the commit of the server's code, and whether that was changed; empty: not known."""
    if not config.git_head:
        return ""
    return config.git_head[:_COMMIT_DIGITS] + (" with changes" if config.git_dirty else "")


def describe_server(config: ServerConfig) -> str:
    """Return all that is known of where a server comes from, in one line."""
    parts = {
        "embodiment": config.embodiment,
        "planner": config.planner_model,
        "IDM": config.idm_model,
        "code": describe_code(config),
        "host": config.hostname,
        "protocol": str(config.protocol_version),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def protocol_warning(config: ServerConfig) -> str:
    """Return what is to be said of the server's protocol version; empty: nothing."""
    if config.protocol_version == PROTOCOL_VERSION:
        return ""
    return (
        f"the server speaks protocol version {config.protocol_version}, this client was made for "
        f"{PROTOCOL_VERSION}; what is new in it goes unseen"
    )


def viewer_url(server_url: str, config: ServerConfig) -> str:
    """Return where the server shows what it dreams; empty: not known, or it does not.

    The server does not say so itself, but how it was started: by default it has no viewer.
    """
    port = _viewer_port(config.argv)
    host = urlsplit(server_url).hostname
    if not port.isdecimal() or int(port) == 0 or not host:
        return ""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _viewer_port(argv: Sequence[str]) -> str:
    """The port as it was given on the server's command line; empty: none was."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument(_VIEWER_OPTION, dest="port", nargs="?")
    return str(parser.parse_known_args(list(argv))[0].port or "")
