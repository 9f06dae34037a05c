# SPDX-License-Identifier: Apache-2.0
"""Settings in the container's environment variables, validated. Standard library only."""

import math
from dataclasses import dataclass

from bundle_folders import Environment

from vera_ros.checkpoints.table import Table


class SettingsError(Exception):
    """An environment variable has a value that the server cannot use."""


@dataclass(frozen=True)
class Settings:
    """The settings in the environment; None: the server's own default.

    Attributes:
        embodiment: a name in the table's embodiments.
        host: address to listen on.
        port: port of the policy.
        viewer_port: port of the live viewer; 0: none.
        algo_config: the planner's configuration; None: the embodiment's own.
        run: run id of the inverse dynamics model; None: the embodiment's own.
        prompt: prompt for requests without one.
        sample_steps: denoising steps of the planner.
        teacache: threshold of the planner's cache; 0: no cache.
        tracker: the tracker backend; None: the embodiment tracks nothing.
        debug_dump: the folder that every chunk is written to; None: nothing is written.
    """

    embodiment: str
    host: str
    port: int
    viewer_port: int
    algo_config: str | None
    run: str | None
    prompt: str | None
    sample_steps: int | None
    teacache: float | None
    tracker: str | None
    debug_dump: str | None


def filled(variables: Environment) -> dict[str, str]:
    """Return the variables that are not empty: Compose passes on an unset one as an empty one."""
    return {name: value for name, value in variables.items() if value}


def read_settings(table: Table, environment: Environment) -> Settings:
    """Read and validate the settings in the environment.

    Raises:
        SettingsError: a value cannot be used; the message says which, and what is valid.
    """
    embodiment = read_embodiment(table, environment)
    spec = table.embodiments[embodiment]
    port = read_port(table, environment)
    viewer_port = _whole(environment, "VERA_VIS_PORT", spec.ports.viewer, 0, 65535)
    if port == viewer_port:
        raise SettingsError(
            f"VERA_SERVER_PORT and VERA_VIS_PORT are both {port}; give them different ports, or "
            "VERA_VIS_PORT=0 for no viewer"
        )
    if environment.get("USE_OFFLINE_RESOLVE", "1") != "1":
        raise SettingsError(
            f"USE_OFFLINE_RESOLVE is '{environment['USE_OFFLINE_RESOLVE']}'; valid is 1: this "
            "container downloads nothing, and a run id always means a local folder"
        )
    planner = any(bundle.algo_config for bundle in table.bundles_of(embodiment).values())
    if environment.get("VERA_ALGO_CONFIG") and not (planner or spec.unreleased):
        raise SettingsError(f"VERA_ALGO_CONFIG is set, but {embodiment} reads none; leave it unset")
    return Settings(
        embodiment=embodiment,
        host=environment.get("VERA_HOST", "0.0.0.0"),
        port=port,
        viewer_port=viewer_port,
        algo_config=environment.get("VERA_ALGO_CONFIG"),
        run=environment.get("VERA_DYNAMICS_RUN_ID"),
        prompt=environment.get("VERA_TEXT_PROMPT"),
        sample_steps=_optional_whole(environment, "VERA_SAMPLE_STEPS", 1, 1000),
        teacache=_teacache(environment),
        tracker=_tracker(embodiment, spec.trackers, environment),
        debug_dump=environment.get("VERA_DEBUG_DUMP_DIR"),
    )


def read_embodiment(table: Table, environment: Environment) -> str:
    """Return VERA_EMBODIMENT.

    Raises:
        SettingsError: there is none of that name.
    """
    name = environment.get("VERA_EMBODIMENT", "mimicgen")
    if name not in table.embodiments:
        raise SettingsError(
            f"VERA_EMBODIMENT is '{name}'; valid is {' or '.join(table.embodiments)}"
        )
    return name


def read_port(table: Table, environment: Environment) -> int:
    """Return the policy's port: VERA_SERVER_PORT, or the embodiment's own.

    Raises:
        SettingsError: it is not a port.
    """
    ports = table.embodiments[read_embodiment(table, environment)].ports
    return _whole(environment, "VERA_SERVER_PORT", ports.policy, 1, 65535)


def control_variables(settings: Settings, environment: Environment) -> dict[str, str]:
    """Return VERA_MOTION_PLAN_SCALE and VERA_N_ACTION_STEPS by the embodiment's own names.

    Raises:
        SettingsError: a value is not valid, or this embodiment does not read it.
    """
    prefixes = {"mimicgen": "VERA_", "pusht": "VERA_PUSHT_"}
    values = {
        "MOTION_PLAN_SCALE": _optional_number(environment, "VERA_MOTION_PLAN_SCALE"),
        "N_ACTION_STEPS": _optional_whole(environment, "VERA_N_ACTION_STEPS", 1, 1000),
    }
    chosen = {name: value for name, value in values.items() if value is not None}
    if chosen and settings.embodiment not in prefixes:
        raise SettingsError(
            f"VERA_{next(iter(chosen))} is set, but {settings.embodiment} does not read it; leave "
            "it unset, and let the client configure it"
        )
    return {prefixes[settings.embodiment] + name: str(value) for name, value in chosen.items()}


def _tracker(embodiment: str, known: tuple[str, ...], environment: Environment) -> str | None:
    tracker = environment.get("VERA_TRACKER_BACKEND")
    if tracker and tracker not in known:
        valid = " or ".join(known) or "none: leave it unset"
        raise SettingsError(
            f"VERA_TRACKER_BACKEND is '{tracker}'; valid for {embodiment} is {valid}"
        )
    return tracker or (known[0] if known else None)


def _teacache(environment: Environment) -> float | None:
    if environment.get("VERA_TEACACHE") == "off":
        return 0.0
    return _optional_number(environment, "VERA_TEACACHE", "off, or ")


def _optional_number(environment: Environment, name: str, also: str = "") -> float | None:
    text = environment.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0):
        raise SettingsError(f"{name} is '{text}'; valid is {also}a number above 0")
    return value


def _optional_whole(environment: Environment, name: str, low: int, high: int) -> int | None:
    return _whole(environment, name, 0, low, high) if name in environment else None


def _whole(environment: Environment, name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise SettingsError(f"{name} is '{text}'; valid is a whole number from {low} to {high}")
    return int(text)
