# SPDX-License-Identifier: Apache-2.0
"""The files of a checkpoint bundle on this machine, and checks of them."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vera_ros.checkpoints.hashes import hash_complaint
from vera_ros.checkpoints.table import Bundle, File, Root

_UNREADABLE = "not readable"
_UNREADABLE_IN_CONTAINER = "not readable by the container's user"
_UNMOUNTED = "not mounted, or a link to what is not mounted"

# The user that the image runs as.
CONTAINER_UID = CONTAINER_GID = 1000

# A checkpoint's path in a planner's algo_config.yaml, perhaps with a variable by OmegaConf.
_NAMED = re.compile(
    r"^\s*(?:\w+_)?ckpt_path\s*:\s*['\"]?(?:\$\{oc\.env:(\w+)\})?(/[^'\"#\s]+)", re.MULTILINE
)
_LFS_POINTER = b"version https://git-lfs.github.com"


@dataclass(frozen=True)
class Place:
    """A root folder of bundles on this machine.

    Attributes:
        root: its entry in the table.
        path: its path; None: unknown.
    """

    root: Root
    path: Path | None

    @property
    def mount(self) -> tuple[Path, Path] | None:
        """The part to mount, as paths here and in the container; None: there is none."""
        if self.path is None or self.root.mounted is None:
            return None
        return self.path / self.root.mounted, Path(self.root.container, self.root.mounted)


@dataclass(frozen=True)
class Placed:
    """A bundle that the server loads, and its files on this machine.

    Attributes:
        bundle: its entry in the table.
        place: its root folder.
        folder: its own folder; None: unknown.
        files: the size of each of its files [B] by path, None where it is unknown; includes those
            that its configuration names.
        hashes: the recorded SHA-256 of those whose content is known, by path.
        mounted: the folders that are mounted into a container; None: a process of this user reads
            the files.
    """

    bundle: Bundle
    place: Place
    folder: Path | None
    files: Mapping[Path, int | None]
    hashes: Mapping[Path, str]
    mounted: tuple[Path, ...] | None = None

    @property
    def complaint(self) -> str:
        """What is wrong with its files, in words; empty: nothing."""
        if self.folder is None:
            return f"{self.place.root.host_variable} is not set, so its folder is unknown"
        problems = self._problems
        parts = []
        for problem in sorted(set(problems.values())):
            names = [
                os.path.relpath(p, self.folder) for p, why in problems.items() if why == problem
            ]
            parts.append(f"{problem} in {self.folder}: {', '.join(names)}")
        return "; ".join(parts)

    def verify(self) -> str:
        """Read all files whose content is known; return which differ, in words; empty: none."""
        return "; ".join(
            complaint
            for path, recorded in self.hashes.items()
            if (complaint := hash_complaint(path, recorded))
        )

    @property
    def command(self) -> str:
        """The command that fixes it, with the folder filled in where known; empty: none does."""
        variable = self.place.root.host_variable
        if self.folder is None:
            return f"export {variable}=<folder>; {self.bundle.fetch}"
        if self.unreadable:
            mount = self.place.mount if self.mounted else None
            return f"chmod -R a+rX '{mount[0] if mount else self.folder}'"
        return self.bundle.fetch.replace(f"${variable}", str(self.place.path))

    @property
    def unreadable(self) -> bool:
        """Whether missing permission to read its files is the only problem."""
        return set(self._problems.values()) in ({_UNREADABLE}, {_UNREADABLE_IN_CONTAINER})

    @property
    def _problems(self) -> dict[Path, str]:
        problems = {path: _problem(path, size, self.mounted) for path, size in self.files.items()}
        return {path: problem for path, problem in problems.items() if problem}


def files_of(bundle: Bundle, folder: Path, named: Path | None) -> Iterator[tuple[Path, File]]:
    """Yield the paths of a bundle's files, and what the table knows of each.

    Args:
        bundle: its entry in the table.
        folder: the bundle's folder.
        named: the path in the bundle's own variable, if that is set.
    """
    for file in bundle.files:
        if named is not None and bundle.variable and file.path == bundle.variable.path:
            yield named, replace(file, sha256=None)  # perhaps another model
            continue
        paths = [folder / name for name in (file.path, *file.alternatives)]
        path = next((path for path in paths if os.path.isfile(path)), paths[0])
        yield path, file if path == paths[0] else replace(file, sha256=None)


def files_named_in(
    config: Path, variables: Mapping[str, str], here: Callable[[Path], Path]
) -> Iterator[Path]:
    """Yield the checkpoints that a planner's algo_config.yaml names, if that can be read.

    Args:
        config: path of the planner's algo_config.yaml.
        variables: environment of the server; paths with another variable are left out.
        here: returns the path on this machine of a path of the server.
    """
    if not (os.path.isfile(config) and os.access(config, os.R_OK)):
        return
    for variable, path in sorted(set(_NAMED.findall(config.read_text(errors="replace")))):
        if not variable:
            yield here(Path(path))
        elif variable in variables:
            yield Path(variables[variable] + path)


def _problem(path: Path, expected: int | None, mounted: tuple[Path, ...] | None) -> str:
    """Return what is wrong with a file, or a folder of files, in words; empty: nothing."""
    if os.path.isdir(path):
        return ""
    if not os.path.isfile(path):
        return "missing"
    readable = os.access(path, os.R_OK)
    if mounted is not None and (problem := _problem_in_container(path, mounted)):
        return problem
    if mounted is None and not readable:
        return _UNREADABLE
    found = path.stat().st_size
    if expected is not None and found != expected:
        return "of a different size than published"
    if found == 0:
        return "empty"
    if readable and found < 1024 and path.read_bytes().startswith(_LFS_POINTER):
        return "a Git LFS pointer, not the file itself"
    return ""


def _problem_in_container(path: Path, mounted: tuple[Path, ...]) -> str:
    """Return what keeps the container's user from a file; folders above a mount do not count."""
    top = next((folder for folder in mounted if path.is_relative_to(folder)), None)
    if top is None or not path.resolve().is_relative_to(top.resolve()):
        return _UNMOUNTED
    file = path.resolve()
    folders = [p for p in path.parents if p.is_relative_to(top)]
    folders += [p for p in file.parents if p.is_relative_to(top.resolve())]
    allowed = _allows(file, 0o4) and all(_allows(folder, 0o1) for folder in folders)
    return "" if allowed else _UNREADABLE_IN_CONTAINER


def _allows(path: Path, bits: int) -> bool:
    """Whether the container's user, who is in no other group, has these permission bits."""
    found = path.stat()
    if found.st_uid == CONTAINER_UID:
        bits <<= 6
    elif found.st_gid == CONTAINER_GID:
        bits <<= 3
    return found.st_mode & bits == bits
