# SPDX-License-Identifier: Apache-2.0
"""Merges the server's settings from parameters and the environment, which wins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vera_ros.errors import ConfigurationError
from vera_ros.server.settings import ServerSettings


@dataclass(frozen=True)
class Sourced:
    """Settings, and which of them came from the environment.

    Attributes:
        settings: the validated settings.
        overrides: one line for each parameter whose value the environment replaces.
    """

    settings: ServerSettings
    overrides: tuple[str, ...]


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"VERA_{name.upper()}"


def read_settings(parameters: Mapping[str, Any], environment: Mapping[str, str]) -> Sourced:
    """Merge parameters and environment into settings.

    Args:
        parameters: by name; missing ones have their defaults.
        environment: its `VERA_<NAME>` wins over the parameter; an empty one counts as unset.

    Raises:
        ConfigurationError: values are not valid; one line for each, with its source.
    """
    given = {
        name: environment[variable_of(name)]
        for name in ServerSettings.model_fields
        if environment.get(variable_of(name))
    }
    try:
        settings = ServerSettings.model_validate({**parameters, **given})
    except ValidationError as error:
        problems = [
            _describe(problem, "environment" if problem["loc"][0] in given else "parameter")
            for problem in error.errors()
        ]
        raise ConfigurationError("\n".join(problems)) from None
    overrides = [
        f"environment variable {variable_of(name)} wins: {name} is '{text}', not "
        f"'{parameters[name]}'"
        for name, text in given.items()
        if name in parameters and parameters[name] != getattr(settings, name)
    ]
    return Sourced(settings, tuple(overrides))


def _describe(problem: Any, source: str) -> str:
    name = str(problem["loc"][0])
    field = ServerSettings.model_fields.get(name)
    what = (
        f"environment variable {variable_of(name)}"
        if source == "environment"
        else f"parameter '{name}'"
    )
    cause = problem.get("ctx", {}).get("error")  # one of our own checks
    reason = str(cause) if cause else problem["msg"].replace("Input should be", "it should be")
    meaning = f" ({field.description})" if field else ""
    return f"{what} is {problem['input']!r}: {reason}{meaning}"
