# SPDX-License-Identifier: Apache-2.0
"""The settings of the VERA server that is to run on this machine, as server_node reads them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.options import Options
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import read_settings, variable_of


def read(
    options: Options, configuration: Configuration, environ: Mapping[str, str]
) -> ServerSettings:
    """Merge parameter file, options and environment into the server's settings.

    Raises:
        ConfigurationError: a setting is not valid.
    """
    parts = urlsplit(configuration.server_url)
    chosen = {
        "server_mode": options.server,
        "server_host": str(parts.hostname),
        "server_port": parts.port,
    }
    roots = {"ckpt_root": options.ckpt_root, "wan_root": options.wan_root}
    given = {name: str(path) for name, path in roots.items() if path is not None}
    overridden = {variable_of(name) for name in given}  # an option wins over everything
    environment = {name: v for name, v in environ.items() if name not in overridden}
    return read_settings({**configuration.server, **chosen, **given}, environment).settings
