# SPDX-License-Identifier: Apache-2.0
"""The files that a VERA server loads: config/checkpoints.json says which, and how to get them."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vera_ros.doctor.bytes import free_space, size
from vera_ros.doctor.context import Context
from vera_ros.doctor.finding import Finding, failure, not_needed, ok, warning
from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.server.settings import ServerSettings

NAME = "checkpoints"

# Checkpoints that a planner's algo_config.yaml names, in OmegaConf's way.
_NAMED = re.compile(
    r"^\s*(?:\w+_)?ckpt_path\s*:\s*['\"]?\$\{oc\.env:(\w+)\}/([^'\"#\s]+)", re.MULTILINE
)
_LFS_POINTER = b"version https://git-lfs.github.com"
_NON_COMMERCIAL = "NC"
_UNITS = {"MB": 1e6, "GB": 1e9}

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Root:
    """A folder that bundles lie below.

    Attributes:
        variable: the environment variable that names it.
        option: doctor's option for it; empty: none.
        path: where it is; None: not known.
    """

    variable: str
    option: str
    path: Path | None


def look(context: Context) -> list[Finding]:
    """Look for every file of the embodiment."""
    options = context.options
    if not options.serves_vera:
        return [not_needed(NAME, f"--server {options.server} loads no weights here")]
    table = json.loads(share_path("config", "checkpoints.json").read_text())
    return judge(table, context.settings, os.environ)


def judge(table: Table, settings: ServerSettings, environ: Mapping[str, str]) -> list[Finding]:
    """Every bundle of the embodiment is complete, and there is room for those that are not.

    Args:
        table: of bundles, see config/checkpoints.schema.json.
        settings: of the server: its embodiment, its tracker, its folders, and whether it runs in
            its image, which brings some bundles along.
        environ: the environment variables, which name caches, and bundles of a process.

    Raises:
        ConfigurationError: the tracker is none of the embodiment's.
    """
    unreleased = table["embodiments"][settings.embodiment].get("unreleased")
    if unreleased:
        return [failure(NAME, unreleased, "give your own checkpoints, or choose mimicgen")]
    roots = find_roots(table, settings, environ)
    bundles = {name: table["bundles"][name] for name in bundles_of(table, settings)}
    own = environ if settings.server_mode == "subprocess" else {}  # a container does not see them
    folders = {name: _folder(bundle, roots, own) for name, bundle in bundles.items()}
    variables = {
        bundle["variable"]["name"]: folder / bundle["variable"]["path"]
        for name, bundle in bundles.items()
        if "variable" in bundle and (folder := folders[name]) is not None
    }
    findings = [
        _judge_bundle(name, bundle, folders[name], roots[bundle["root"]], variables)
        for name, bundle in bundles.items()
    ]
    missing = [
        bundle for bundle, finding in zip(bundles.values(), findings, strict=True) if finding.mend
    ]
    return [*findings, *_judge_space(missing, roots)]


def find_roots(
    table: Table, settings: ServerSettings, environ: Mapping[str, str]
) -> dict[str, Root]:
    """Where the bundles lie: by the settings, by environment variable, or in the usual place."""
    given = {
        "checkpoints": settings.ckpt_root,
        "wan": settings.wan_root,
        "torch": settings.torch_home,
        "hugging_face": settings.hf_home,
    }
    flags = {"checkpoints": "--ckpt-root", "wan": "--wan-root"}
    roots = {}
    for name, root in table["roots"].items():
        named = given.get(name) or environ.get(root["variable"]) or root["default"]
        path = Path(named).expanduser() if named else None
        roots[name] = Root(root["variable"], flags.get(name, ""), path)
    return roots


def bundles_of(table: Table, settings: ServerSettings) -> list[str]:
    """Names of the bundles that the server loads, its tracker's included.

    Raises:
        ConfigurationError: the tracker is none of the embodiment's.
    """
    entry = table["embodiments"][settings.embodiment]
    names = list(entry["bundles"])
    if entry["trackers"]:
        tracker = settings.tracker or entry["trackers"][0]
        if tracker not in entry["trackers"]:
            raise ConfigurationError(
                f"tracker_backend is '{tracker}'; valid for {settings.embodiment} is "
                f"{' | '.join(entry['trackers'])}"
            )
        names += table["trackers"][tracker]
    in_image = settings.server_mode == "docker"
    return [name for name in names if not (in_image and table["bundles"][name].get("in_image"))]


def _folder(bundle: Table, roots: Mapping[str, Root], environ: Mapping[str, str]) -> Path | None:
    """Where a bundle's files lie: below its root, else where its own variable says; or None."""
    root, variable = roots[bundle["root"]].path, bundle.get("variable")
    if root is None:
        named = environ.get(variable["name"]) if variable else None
        if variable is None or not named:
            return None
        path = Path(named).expanduser()
        return path.parents[len(Path(variable["path"]).parts) - 1] if variable["path"] else path
    folder = root / bundle["folder"]
    return _snapshot(folder) if "cached_repository" in bundle else folder


def _snapshot(folder: Path) -> Path:
    """Where Hugging Face's cache keeps the files of a repository."""
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except OSError:
        revision = "none"
    return folder / "snapshots" / revision


def _judge_bundle(
    name: str,
    bundle: Table,
    folder: Path | None,
    root: Root,
    variables: Mapping[str, Path],
) -> Finding:
    if folder is None:
        option = f" (or {root.option} <folder>)" if root.option else ""
        return failure(
            name,
            f"{root.variable} is not set, so where it lies is not known",
            f"export {root.variable}=<folder>{option}; {bundle['command']}",
        )
    command = bundle["command"]
    if root.path is not None:
        command = command.replace(f"${root.variable}", str(root.path))
    files = dict(_files(bundle, folder, variables))
    problems = {path: _problem(path, expected) for path, expected in files.items()}
    if any(problems.values()):
        return failure(name, _what_is_wrong(folder, problems), command)
    total = sum(path.stat().st_size for path in files if path.is_file())
    licence = bundle["licence"] or "no licence named"
    use = ": non-commercial use only" if _NON_COMMERCIAL in licence else ""
    return ok(name, f"{size(total)} in {folder} ({licence}{use})")


def _files(
    bundle: Table, folder: Path, variables: Mapping[str, Path]
) -> Iterator[tuple[Path, int | None]]:
    """Each file of a bundle and its size, where that is known; those that it refers to included."""
    for file in bundle["files"]:
        names = [file["path"], *file.get("or", ())]
        paths = [folder / name for name in names]
        yield next((path for path in paths if path.is_file()), paths[0]), file["bytes"]
    config = folder / bundle["algo_config"] if "algo_config" in bundle else None
    if config is not None and config.is_file():
        text = config.read_text(errors="replace")
        for variable, path in sorted(set(_NAMED.findall(text))):
            if variable in variables:
                yield variables[variable] / path, None


def _problem(path: Path, expected: int | None) -> str:
    """What is wrong with a file, or a folder of files, in words; empty: nothing."""
    if path.is_dir():
        return ""
    if not path.is_file():
        return "missing"
    if not os.access(path, os.R_OK):
        return "not to be read"
    found = path.stat().st_size
    if expected is not None and found != expected:
        return "of another size than published"
    if found == 0:
        return "empty"
    if found < 1024 and path.read_bytes().startswith(_LFS_POINTER):
        return "a pointer of Git LFS, not the file itself"
    return ""


def _what_is_wrong(folder: Path, problems: Mapping[Path, str]) -> str:
    parts = []
    for problem in sorted(set(problems.values()) - {""}):
        names = [os.path.relpath(path, folder) for path, p in problems.items() if p == problem]
        parts.append(f"{problem} in {folder}: {', '.join(names)}")
    return "; ".join(parts)


def _judge_space(missing: list[Table], roots: Mapping[str, Root]) -> list[Finding]:
    """There is room for what is missing. Empty: nothing is, or nobody knows where it is to go."""
    needed: dict[Path, float] = {}
    for bundle in missing:
        path = roots[bundle["root"]].path
        if path is not None and "size" in bundle:
            needed[path] = needed.get(path, 0.0) + _bytes(bundle["size"])
    findings = []
    for path, wanted in needed.items():
        free = free_space(path)
        if free < wanted:
            findings.append(
                warning(
                    "disk space",
                    f"{size(free)} free at '{path}', where about {size(wanted)} are missing",
                    "make room, or choose a folder on another disk",
                )
            )
        else:
            findings.append(
                ok("disk space", f"{size(free)} free at '{path}', about {size(wanted)} to come")
            )
    return findings


def _bytes(text: str) -> float:
    """The table's rough sizes, like `about 2.8 GB`."""
    *_, number, unit = text.split()
    return float(number) * _UNITS[unit]
