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
from vera_ros.doctor.options import Options
from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path

NAME = "checkpoints"

_TRACKER = "VERA_TRACKER_BACKEND"
_REFERENCE = re.compile(r"\$\{oc\.env:(\w+)\}/([^\s\"'}]+)")  # OmegaConf's, as in algo_config.yaml
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
    embodiment = context.configuration.embodiment.name
    return judge(table, embodiment, options, os.environ)


def judge(
    table: Table, embodiment: str, options: Options, environ: Mapping[str, str]
) -> list[Finding]:
    """Every bundle of the embodiment is complete, and there is room for those that are not.

    Args:
        table: of bundles, see config/checkpoints.schema.json.
        embodiment: whose bundles.
        options: name roots, and whether VERA runs in its image, which brings some bundles along.
        environ: the environment variables, which name roots and single bundles, too.

    Raises:
        ConfigurationError: VERA_TRACKER_BACKEND is none of the embodiment's.
    """
    unreleased = table["embodiments"][embodiment].get("unreleased")
    if unreleased:
        return [failure(NAME, unreleased, "give your own checkpoints, or choose mimicgen")]
    roots = find_roots(table, options, environ)
    names = bundles_of(table, embodiment, environ, in_image=options.server == "docker")
    bundles = {name: table["bundles"][name] for name in names}
    folders = {name: _folder(bundle, roots, environ) for name, bundle in bundles.items()}
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


def find_roots(table: Table, options: Options, environ: Mapping[str, str]) -> dict[str, Root]:
    """Where the bundles lie: by option, by environment variable, or where they do by default."""
    given = {"checkpoints": options.ckpt_root, "wan": options.wan_root}
    flags = {"checkpoints": "--ckpt-root", "wan": "--wan-root"}
    roots = {}
    for name, root in table["roots"].items():
        named = given.get(name) or environ.get(root["variable"]) or root["default"]
        path = Path(named).expanduser() if named else None
        roots[name] = Root(root["variable"], flags.get(name, ""), path)
    return roots


def bundles_of(
    table: Table, embodiment: str, environ: Mapping[str, str], *, in_image: bool
) -> list[str]:
    """Names of the bundles that the embodiment loads, its tracker's included.

    Raises:
        ConfigurationError: VERA_TRACKER_BACKEND is none of the embodiment's.
    """
    entry = table["embodiments"][embodiment]
    names = list(entry["bundles"])
    if entry["trackers"]:
        tracker = environ.get(_TRACKER) or entry["trackers"][0]
        if tracker not in entry["trackers"]:
            raise ConfigurationError(
                f"{_TRACKER} is '{tracker}'; valid for {embodiment} is "
                f"{' | '.join(entry['trackers'])}"
            )
        names += table["trackers"][tracker]
    return [name for name in names if not (in_image and table["bundles"][name].get("in_image"))]


def _folder(bundle: Table, roots: Mapping[str, Root], environ: Mapping[str, str]) -> Path | None:
    """Where a bundle's files lie; None: not known."""
    variable = bundle.get("variable")
    if variable and environ.get(variable["name"]):
        named = Path(environ[variable["name"]]).expanduser()
        return named.parents[len(Path(variable["path"]).parts) - 1] if variable["path"] else named
    root = roots[bundle["root"]].path
    if root is None:
        return None
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
    sizes = {path: path.stat().st_size for path in files if path.is_file()}
    missing = [path for path in files if path not in sizes]
    cut = [path for path, found in sizes.items() if files[path] not in (None, found)]
    if missing or cut:
        return failure(name, _what_is_wrong(folder, missing, cut), command)
    licence = bundle["licence"] or "no licence named"
    use = ": non-commercial use only" if _NON_COMMERCIAL in licence else ""
    return ok(name, f"{size(sum(sizes.values()))} in {folder} ({licence}{use})")


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
        for variable, path in sorted(set(_REFERENCE.findall(text))):
            if variable in variables:
                yield variables[variable] / path, None


def _what_is_wrong(folder: Path, missing: list[Path], cut: list[Path]) -> str:
    parts = []
    for paths, words in ((missing, "missing"), (cut, "of another size than published")):
        if paths:
            names = ", ".join(os.path.relpath(path, folder) for path in paths)
            parts.append(f"{words} in {folder}: {names}")
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
