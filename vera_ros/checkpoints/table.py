# SPDX-License-Identifier: Apache-2.0
"""Reads config/checkpoints.json: the files that the VERA server needs, and where it finds them.

config/checkpoints.schema.json explains every field.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Root:
    """A root folder of bundles."""

    variable: str
    host_variable: str
    container: str
    mounted: str | None
    default: str | None
    holds: str


@dataclass(frozen=True)
class File:
    """A file of a bundle."""

    path: str
    bytes: int | None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable:
    """The environment variable by which the server finds a bundle."""

    name: str
    path: str


@dataclass(frozen=True)
class Bundle:
    """Files that are downloaded together."""

    kind: str
    root: str
    folder: str
    files: tuple[File, ...]
    licence: str | None
    command: str
    variable: Variable | None = None
    algo_config: str | None = None
    run_id: str | None = None
    cached_repository: str | None = None
    in_image: bool = False
    size: str | None = None


@dataclass(frozen=True)
class Ports:
    """Default ports of a server."""

    policy: int
    viewer: int


@dataclass(frozen=True)
class Embodiment:
    """The bundles and trackers of an embodiment, by name, and its default ports."""

    bundles: tuple[str, ...]
    trackers: tuple[str, ...]
    ports: Ports
    unreleased: str | None = None


@dataclass(frozen=True)
class Table:
    """The whole table, by name; a tracker maps to the names of its bundles."""

    roots: dict[str, Root]
    bundles: dict[str, Bundle]
    trackers: dict[str, tuple[str, ...]]
    embodiments: dict[str, Embodiment]

    def bundles_of(self, embodiment: str) -> dict[str, Bundle]:
        """Return the bundles of an embodiment, by name, without those of its tracker."""
        return {name: self.bundles[name] for name in self.embodiments[embodiment].bundles}


@cache
def read_table(path: Path) -> Table:
    """Read the table. `path`: path of config/checkpoints.json."""
    content = json.loads(path.read_text())
    return Table(
        roots={name: Root(**entry) for name, entry in content["roots"].items()},
        bundles={name: _bundle(**entry) for name, entry in content["bundles"].items()},
        trackers={name: tuple(names) for name, names in content["trackers"].items()},
        embodiments={name: _embodiment(**entry) for name, entry in content["embodiments"].items()},
    )


def _bundle(
    files: list[dict[str, Any]], variable: dict[str, str] | None = None, **more: Any
) -> Bundle:
    return Bundle(
        files=tuple(_file(**file) for file in files),
        variable=Variable(**variable) if variable else None,
        **more,
    )


def _file(alternatives: tuple[str, ...] = (), **more: Any) -> File:
    return File(alternatives=tuple(alternatives), **more)


def _embodiment(
    bundles: list[str], trackers: list[str], ports: dict[str, int], **more: Any
) -> Embodiment:
    return Embodiment(tuple(bundles), tuple(trackers), Ports(**ports), **more)
