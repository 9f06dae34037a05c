# SPDX-License-Identifier: Apache-2.0
"""The parameters of server_node, derived from the model of the server's settings."""

from typing import Any

from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import variable_of


def _parameter(name: str, schema: dict[str, Any]) -> Parameter:
    return Parameter(
        name,
        schema["default"],
        f"{schema['description']} ({variable_of(name)})",
        unit=schema["unit"],
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        choices=tuple(schema.get("enum", ())),
    )


PARAMETERS = tuple(
    _parameter(name, schema)
    for name, schema in ServerSettings.model_json_schema()["properties"].items()
)
