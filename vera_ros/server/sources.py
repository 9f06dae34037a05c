# SPDX-License-Identifier: Apache-2.0
"""Merges the server's settings from parameters and the environment, which wins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vera_ros.errors import ConfigurationError
from vera_ros.server.settings import ServerSettings

# What others who start VERA call the same settings; our own names win.
_OTHER_NAMES = {
    "ckpt_root": ("VERA_{EMBODIMENT}_CKPT_ROOT", "VERA_{EMBODIMENT}_CKPT_DIR"),
    "wan_root": ("VERA_WAN_CKPT_ROOT",),
    "ready_timeout_s": ("VERA_SERVER_READY_TIMEOUT",),
    "teacache": ("VERA_TEACACHE_THRESH",),
    "image": ("VERA_DOCKER_IMAGE",),
    "gpu": ("VERA_DOCKER_GPUS",),
    "interpreter": ("VERA_PYTHON",),
}


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


def variables_of(name: str, embodiment: str) -> tuple[str, ...]:
    """Return all environment variables that give a setting; the first one that is set counts."""
    others = (other.format(EMBODIMENT=embodiment.upper()) for other in _OTHER_NAMES.get(name, ()))
    return (variable_of(name), *others)


def read_settings(parameters: Mapping[str, Any], environment: Mapping[str, str]) -> Sourced:
    """Merge parameters and environment into settings.

    Args:
        parameters: by name; missing ones have their defaults.
        environment: its `VERA_<NAME>` wins over the parameter, and so do the names that others
            have for it (`variables_of`); an empty one counts as unset.

    Raises:
        ConfigurationError: values are not valid; one line for each, with its source.
    """
    embodiment = environment.get(variable_of("embodiment")) or parameters.get("embodiment")
    variables = {
        name: variable
        for name in ServerSettings.model_fields
        for variable in reversed(variables_of(name, str(embodiment or ServerSettings().embodiment)))
        if environment.get(variable)
    }
    given = {name: environment[variable] for name, variable in variables.items()}
    if variables.get("gpu") == "VERA_DOCKER_GPUS":  # as `docker run --gpus` has it
        given["gpu"] = given["gpu"].removeprefix("device=")
    try:
        settings = ServerSettings.model_validate({**parameters, **given})
    except ValidationError as error:
        problems = [_describe(problem, variables) for problem in error.errors()]
        raise ConfigurationError("\n".join(problems)) from None
    overrides = [
        f"environment variable {variables[name]} wins: {name} is '{text}', not '{parameters[name]}'"
        for name, text in given.items()
        if name in parameters and parameters[name] != getattr(settings, name)
    ]
    return Sourced(settings, tuple(overrides))


def _describe(problem: Any, variables: Mapping[str, str]) -> str:
    """Return the words for a problem. `variables`: those that gave a setting, by its name."""
    name = str(problem["loc"][0])
    field = ServerSettings.model_fields.get(name)
    variable = variables.get(name)
    what = f"environment variable {variable}" if variable else f"parameter '{name}'"
    cause = problem.get("ctx", {}).get("error")  # one of our own checks
    reason = str(cause) if cause else problem["msg"].replace("Input should be", "it should be")
    meaning = f" ({field.description})" if field else ""
    return f"{what} is {problem['input']!r}: {reason}{meaning}"
