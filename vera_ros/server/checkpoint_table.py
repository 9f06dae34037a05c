# SPDX-License-Identifier: Apache-2.0
"""config/checkpoints.json, read: which files VERA needs, and where it looks for them.

config/checkpoints.schema.json explains every field. The server's image, which has no vera_ros, has
a reader of its own in docker/vera_server/table.py.
"""

from functools import cache

from pydantic import BaseModel, ConfigDict

from vera_ros.resources import share_path


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Root(_Entry):
    """A folder that bundles lie below."""

    variable: str
    host_variable: str
    container: str
    mounted: str | None
    default: str | None
    holds: str


class File(_Entry):
    """A file of a bundle."""

    path: str
    bytes: int | None
    alternatives: tuple[str, ...] = ()


class Variable(_Entry):
    """The environment variable by which the server finds a bundle."""

    name: str
    path: str


class Bundle(_Entry):
    """Files that are fetched together."""

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


class Ports(_Entry):
    """Where a server listens unless it is told otherwise."""

    policy: int
    viewer: int


class Embodiment(_Entry):
    """What one embodiment needs; bundles and trackers by name."""

    bundles: tuple[str, ...]
    trackers: tuple[str, ...]
    ports: Ports
    unreleased: str | None = None


class Table(BaseModel):
    """The whole table, by name; of a tracker, the names of its bundles."""

    model_config = ConfigDict(frozen=True)

    roots: dict[str, Root]
    bundles: dict[str, Bundle]
    trackers: dict[str, tuple[str, ...]]
    embodiments: dict[str, Embodiment]


@cache
def load_table() -> Table:
    """Return the table."""
    return Table.model_validate_json(share_path("config", "checkpoints.json").read_text())
