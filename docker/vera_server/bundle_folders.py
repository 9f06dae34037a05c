# SPDX-License-Identifier: Apache-2.0
"""Finds the folders of the table's bundles in this container, and their missing files.

Standard library only: this runs inside the server's image.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vera_ros.checkpoints.runs import CHECKPOINT, SIDECARS
from vera_ros.checkpoints.table import Bundle, Table, read_table

Environment = Mapping[str, str]

_TABLE = Path(__file__).resolve().parents[2] / "config" / "checkpoints.json"

_LFS_POINTER = b"version https://git-lfs.github.com"
_CKPT_PATH = re.compile(r"^\s*(?:\w+_)?ckpt_path\s*:\s*['\"]?([^'\"#\s]+)", re.MULTILINE)
_OC_ENV = re.compile(r"\$\{oc\.env:(\w+)(?:,([^}]*))?\}")


@dataclass(frozen=True)
class Gap:
    """Files that are missing or cannot be used, and how to get them.

    Attributes:
        complaints: one sentence per file.
        command: the shell command that gets them; empty: none is known.
        terms: licence and size of what the command gets; empty: nothing to say.
    """

    complaints: tuple[str, ...]
    command: str = ""
    terms: str = ""


def load_table() -> Table:
    """Return the table in the image."""
    return read_table(_TABLE)


def root_folder(table: Table, name: str, environment: Environment) -> Path:
    """Return the folder of a root, which contains its bundles."""
    root = table.roots[name]
    return Path(environment.get(root.variable) or root.container)


def bundle_folder(table: Table, bundle: Bundle, environment: Environment) -> Path:
    """Return the folder of a bundle, from its own variable if set, else below its root."""
    named = named_path(bundle, environment)
    if named is not None and bundle.variable is not None:
        return named.parent if bundle.variable.path else named
    folder = Path(root_folder(table, bundle.root, environment), bundle.folder)
    return _snapshot(folder) if bundle.cached_repository else folder


def named_path(bundle: Bundle, environment: Environment) -> Path | None:
    """Return the path in the bundle's own variable, or None if that is not set."""
    value = environment.get(bundle.variable.name) if bundle.variable else None
    return Path(value) if value else None


def root_gaps(table: Table, names: Iterable[str], environment: Environment) -> Iterator[Gap]:
    """Yield what is wrong with the roots of these bundles."""
    bundles = [table.bundles[name] for name in names]
    used = {b.root: None for b in bundles if named_path(b, environment) is None}
    for name in used:
        complaint = _folder_complaint(root_folder(table, name, environment))
        if complaint:
            yield Gap((f"{complaint}; it should hold {table.roots[name].holds}",))


def bundle_gaps(table: Table, names: Iterable[str], environment: Environment) -> Iterator[Gap]:
    """Yield a gap for each bundle with files that are missing or cannot be used."""
    for name in names:
        bundle = table.bundles[name]
        folder = bundle_folder(table, bundle, environment)
        named = named_path(bundle, environment)
        complaints = []
        for file in bundle.files:
            path = folder / file.path
            if named is not None and bundle.variable and file.path == bundle.variable.path:
                path = named
            others = [folder / other for other in file.alternatives]
            if not any(file_complaint(other) is None for other in others):
                complaint = file_complaint(path, file.bytes)
                complaints += [complaint] if complaint else []
        if complaints:
            yield gap_of(bundle, complaints)


def recorded_hashes(
    table: Table, names: Iterable[str], environment: Environment
) -> Iterator[tuple[str, Path, str]]:
    """Yield bundle, path and SHA-256 of each file of these bundles whose content is known."""
    for name in names:
        bundle = table.bundles[name]
        folder = bundle_folder(table, bundle, environment)
        for file in bundle.files:
            path = folder / file.path
            if file.sha256 and file_complaint(path) is None:
                yield name, path, file.sha256


def gap_of(bundle: Bundle, complaints: Iterable[str]) -> Gap:
    """Return the gap of these complaints about a bundle."""
    return Gap(tuple(complaints), bundle.fetch, terms(bundle))


def terms(bundle: Bundle) -> str:
    """Return licence and size of a bundle, in words."""
    licence = bundle.licence or "its publisher names no licence"
    if "-NC-" in licence:
        licence += ", non-commercial use only"
    return "; ".join(filter(None, (licence, bundle.size)))


def file_complaint(path: Path, size: int | None = None) -> str | None:
    """Return what is wrong with a file, or None.

    Args:
        path: of the file.
        size: of the file in bytes; None: not known.
    """
    try:
        found = path.stat()
    except PermissionError:
        return _unreadable(path)
    except OSError:
        if path.is_symlink():
            return f"{path} points to {path.readlink()}, which is not there"
        return f"{path} is not there"
    if not path.is_file():
        return f"{path} is not a file"
    if not os.access(path, os.R_OK):
        return _unreadable(path)
    if found.st_size == 0:
        return f"{path} is empty"
    if found.st_size < 1024 and path.read_bytes().startswith(_LFS_POINTER):
        return f"{path} is a Git LFS pointer, not the file itself"
    if size is not None and found.st_size != size:
        return f"{path} has {found.st_size} bytes instead of {size}: it is not complete"
    return None


def run_complaints(folder: Path) -> list[str]:
    """Return what is wrong with the files of a run's checkpoint."""
    complaints = [file_complaint(folder / CHECKPOINT)]
    if sidecar(folder) is None:
        complaints.append(
            f"{folder / SIDECARS[0]} is not there, nor is {' or '.join(SIDECARS[1:])}: the server "
            "reads the model's shape and the scale of its actions from it"
        )
    return [complaint for complaint in complaints if complaint]


def sidecar(folder: Path) -> Path | None:
    """Return the configuration beside a checkpoint, or None."""
    paths = (folder / name for name in SIDECARS)
    return next((path for path in paths if file_complaint(path) is None), None)


def config_complaints(config: Path, environment: Environment) -> list[str]:
    """Return what is wrong with the files that a planner's algo_config.yaml names.

    Args:
        config: path of the planner's algo_config.yaml, which must be readable.
        environment: environment of the server.
    """
    complaints = []
    for value in _CKPT_PATH.findall(config.read_text(errors="replace")):
        if value in ("null", "~"):
            continue
        path, unset = _interpolate(value, environment)
        if unset:
            complaints.append(f"{config} reads {unset}, which is not set")
        elif not Path(path).is_absolute():
            complaints.append(f"{config} names '{value}', which is not an absolute path")
        elif not os.path.isdir(path):
            complaint = file_complaint(Path(path))
            complaints += [f"{complaint} (named by {config})"] if complaint else []
    return complaints


def _interpolate(value: str, environment: Environment) -> tuple[str, str]:
    """Return the value with its ${oc.env:…} replaced, and the first variable that is not set."""
    unset = ""
    for name, default in _OC_ENV.findall(value):
        if not environment.get(name) and not default:
            unset = unset or name
    return _OC_ENV.sub(lambda match: environment.get(match[1]) or match[2] or "", value), unset


def _snapshot(folder: Path) -> Path:
    """Return the folder of a repository's newest revision in Hugging Face's cache."""
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except OSError:
        revision = "main"  # there is none: the complaint names a place where it could be
    return folder / "snapshots" / revision


def _folder_complaint(folder: Path) -> str | None:
    try:
        if any(folder.iterdir()):
            return None
    except FileNotFoundError:
        return f"{folder} is not there: nothing is mounted"
    except NotADirectoryError:
        return f"{folder} is a file, not a folder: mount the folder that contains it"
    except PermissionError:
        return _unreadable(folder)
    return f"{folder} is empty: Docker makes an empty folder where the mounted one does not exist"


def _unreadable(path: Path) -> str:
    return f"{path} cannot be read by user {os.getuid()}: run chmod -R a+rX on its folder"
