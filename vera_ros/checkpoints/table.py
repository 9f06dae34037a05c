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
    sha256: str | None = None


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
    revision: str | None = None
    cached_repository: str | None = None
    in_image: bool = False
    size: str | None = None

    @property
    def fetch(self) -> str:
        """The command that fetches its revision where one is recorded, else the newest one."""
        # A cache's reference to the newest revision is what its library goes by.
        if self.revision is None or self.cached_repository:
            return self.command
        if self.command.startswith("hf "):
            return f"{self.command} --revision {self.revision}"
        return self.command.replace("/resolve/main/", f"/resolve/{self.revision}/")


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
class Image:
    """A container image of others, and the digest that it is pinned to."""

    name: str
    digest: str | None


@dataclass(frozen=True)
class Table:
    """The whole table, by name; a tracker maps to the names of its bundles."""

    images: dict[str, Image]
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
        images={name: Image(**entry) for name, entry in content["images"].items()},
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
