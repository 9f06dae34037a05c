# SPDX-License-Identifier: Apache-2.0
"""Derives the server's command line, environment and missing files from settings and folders.

Standard library only.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from bundle_folders import (
    Environment,
    Gap,
    bundle_folder,
    bundle_gaps,
    config_complaints,
    file_complaint,
    gap_of,
    named_path,
    root_folder,
    root_gaps,
    run_complaints,
)
from settings import Settings, SettingsError, control_variables

from vera_ros.checkpoints import runs
from vera_ros.checkpoints.table import Bundle, Table

SERVER = "vera.server.start_vera_server"
PROGRAM = ("python", str(Path(__file__).with_name("offline_resolve.py")))  # runs SERVER
OFFLINE = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "WANDB_MODE": "offline",
}


@dataclass(frozen=True)
class Start:
    """How the server is started.

    Attributes:
        command: the program and its arguments.
        variables: the whole environment of the server.
        wan: the folder of the Wan base model, which the planner may not need.
        bundles: names of the bundles that it reads.
        published: those of them that are as the table has them, and not another model.
        gaps: the missing files, which keep it from starting.
    """

    command: tuple[str, ...]
    variables: dict[str, str]
    wan: Path
    bundles: tuple[str, ...]
    published: tuple[str, ...]
    gaps: tuple[Gap, ...]


def prepare(table: Table, settings: Settings, environment: Environment) -> Start:
    """Return how the server is started with these settings.

    Raises:
        SettingsError: a setting does not apply to this embodiment.
        runs.RunNotFoundError: no folder holds the requested run.
    """
    needed = table.bundles_of(settings.embodiment)
    variables = {**environment, **OFFLINE, **control_variables(settings, environment)}
    gaps: list[Gap] = []

    idm = next((name for name, bundle in needed.items() if bundle.kind == "idm"), None)
    folder = _idm_folder(table, settings, needed.get(idm or ""), environment)
    if folder is not None:
        gaps += _run_gaps(table, folder)
        if idm is not None:
            variable = needed.pop(idm).variable
            if variable:
                variables[variable.name] = str(folder / variable.path)
    if settings.algo_config is not None:
        needed = {n: b for n, b in needed.items() if b.kind not in ("planner", "wan")}
    if settings.tracker is not None:
        needed |= {name: table.bundles[name] for name in table.trackers[settings.tracker]}

    _point_at_folders(table, environment, variables)
    _choose_tracker(table, settings, variables)
    gaps = [*root_gaps(table, needed, environment), *gaps]
    gaps += bundle_gaps(table, needed, variables)
    config = _algo_config(table, settings, variables)
    if config is not None:
        gaps += _config_gaps(table, settings, config, variables, gaps)
    bundles = (*needed, *([idm] if idm and idm not in needed else []))
    own = {idm} if settings.run not in (None, idm and table.bundles[idm].run_id) else set()
    return Start(
        command=(*PROGRAM, *_arguments(settings, config)),
        variables=variables,
        wan=_wan_folder(table, settings, variables),
        bundles=bundles,
        published=tuple(name for name in bundles if name not in own),
        gaps=tuple(gaps),
    )


def _idm_folder(
    table: Table, settings: Settings, bundle: Bundle | None, environment: Environment
) -> Path | None:
    """Return the folder of the run to use; None: the table or a variable gives the folder."""
    if bundle is not None and named_path(bundle, environment) is not None:
        return None
    run = settings.run or (bundle.run_id if bundle else None)
    if run is None and bundle is None:
        raise SettingsError(table.embodiments[settings.embodiment].unreleased)
    if run is None:
        return None
    try:
        return runs.folder_of_run(table, root_folder(table, "checkpoints", environment), run)
    except runs.RunNotFoundError:
        if settings.run is not None:
            raise
        return None


def _run_gaps(table: Table, folder: Path) -> list[Gap]:
    complaints = run_complaints(folder)
    if not complaints:
        return []
    bundles = (b for b in table.bundles.values() if b.kind == "idm")
    published = next((b for b in bundles if b.folder == folder.name), None)
    return [gap_of(published, complaints) if published else Gap(tuple(complaints))]


def _point_at_folders(table: Table, environment: Environment, variables: dict[str, str]) -> None:
    """Set every variable by which the server finds a folder, where it is not set."""
    for name, root in table.roots.items():
        variables.setdefault(root.variable, str(root_folder(table, name, environment)))
    for bundle in table.bundles.values():
        if bundle.variable:
            folder = bundle_folder(table, bundle, environment)
            variables.setdefault(bundle.variable.name, str(folder / bundle.variable.path))


def _choose_tracker(table: Table, settings: Settings, variables: dict[str, str]) -> None:
    if settings.tracker is None:
        return
    variables["VERA_TRACKER_BACKEND"] = settings.tracker
    if settings.tracker == "alltracker":
        # VERA imports it as a package, and it imports its own modules from its folder.
        code = bundle_folder(table, table.bundles["alltracker-code"], variables)
        path = filter(None, (str(code), variables.get("PYTHONPATH")))
        variables["PYTHONPATH"] = os.pathsep.join(path)


def _wan_folder(table: Table, settings: Settings, variables: Environment) -> Path:
    """Return the folder of the embodiment's Wan base model; the root where that is unknown."""
    bundles = table.bundles_of(settings.embodiment).values()
    wan = next((bundle for bundle in bundles if bundle.kind == "wan"), None)
    return bundle_folder(table, wan, variables) if wan else root_folder(table, "wan", variables)


def _algo_config(table: Table, settings: Settings, variables: Environment) -> Path | None:
    """Return the planner's configuration; None: this embodiment's planner reads none."""
    if settings.algo_config is not None:
        return Path(settings.algo_config)
    bundle = _planner(table, settings)
    unreleased = table.embodiments[settings.embodiment].unreleased
    if unreleased:
        raise SettingsError(unreleased)
    if bundle is None:
        return None
    return bundle_folder(table, bundle, variables) / str(bundle.algo_config)


def _planner(table: Table, settings: Settings) -> Bundle | None:
    bundles = table.bundles_of(settings.embodiment).values()
    return next((bundle for bundle in bundles if bundle.algo_config), None)


def _config_gaps(
    table: Table, settings: Settings, config: Path, variables: Environment, known: list[Gap]
) -> list[Gap]:
    """Return gaps for missing files that the planner's configuration names, except known ones."""
    complaint = file_complaint(config)
    complaints = [complaint] if complaint else config_complaints(config, variables)
    reported = tuple(text for gap in known for text in gap.complaints)
    complaints = [text for text in complaints if not text.startswith(reported or ("\0",))]
    if not complaints:
        return []
    bundle = _planner(table, settings) if settings.algo_config is None else None
    return [gap_of(bundle, complaints) if bundle else Gap(tuple(complaints))]


def _arguments(settings: Settings, config: Path | None) -> list[str]:
    values = {
        "--embodiment": settings.embodiment,
        "--host": settings.host,
        "--port": settings.port,
        "--vis-port": settings.viewer_port,
        "--algo-config": config,
        "--dynamics-run-id": settings.run,
        "--text": settings.prompt,
        "--sample-steps": settings.sample_steps,
        "--teacache-thresh": settings.teacache or None,
        "--debug-dump-dir": settings.debug_dump,
    }
    arguments = [f"{flag}={value}" for flag, value in values.items() if value is not None]
    # Without a planner of its own there is nothing to cache.
    if settings.teacache == 0.0 or config is None:
        arguments.append("--no-teacache")
    if settings.debug_dump is None:
        arguments.append("--no-debug-dump")
    return arguments
