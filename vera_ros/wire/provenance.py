# SPDX-License-Identifier: Apache-2.0
"""Describes a policy server: its code, models, machine and live viewer."""

import argparse
from collections.abc import Sequence
from urllib.parse import urlsplit

from vera_ros.wire.connection.address import is_port
from vera_ros.wire.protocol.server_config import PROTOCOL_VERSION, ServerConfig

_COMMIT_DIGITS = 12
_VIEWER_OPTION = "--vis-port"


def describe_code(config: ServerConfig) -> str:
    """Return the commit of the server's code, and whether it has changes; empty: unknown."""
    if not config.git_head:
        return ""
    return config.git_head[:_COMMIT_DIGITS] + (" with changes" if config.git_dirty else "")


def describe_server(config: ServerConfig) -> str:
    """Return what is known of a server's models, code and machine, in one line."""
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
    """Return a warning where the server's protocol version differs from ours; else empty."""
    if config.protocol_version == PROTOCOL_VERSION:
        return ""
    return (
        f"the server speaks protocol version {config.protocol_version}, this client was made for "
        f"{PROTOCOL_VERSION}; what is new in it is ignored"
    )


def viewer_url(server_url: str, config: ServerConfig) -> str:
    """Return the address of the server's live viewer; empty: unknown, or there is none.

    The port is read from the server's command line, since no other field has it.
    """
    port = _viewer_port(config.argv)
    host = urlsplit(server_url).hostname
    if not is_port(port) or not host:
        return ""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _viewer_port(argv: Sequence[str]) -> str:
    """Return the port on the server's command line; empty: there is none."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument(_VIEWER_OPTION, dest="port", nargs="?")
    return str(parser.parse_known_args(list(argv))[0].port or "")
