# SPDX-License-Identifier: Apache-2.0
"""Where VERA's checkpoints are on this machine, and which of them are missing."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vera_ros.errors import ServerStartError
from vera_ros.server.checkpoint_table import Bundle, Root, Table, load_table
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import variable_of

_FOLDERS = ("ckpt_root", "wan_root", "torch_home", "hf_home")  # settings that name a root
# Checkpoints that a planner's algo_config.yaml names, in OmegaConf's way.
_NAMED = re.compile(
    r"^\s*(?:\w+_)?ckpt_path\s*:\s*['\"]?\$\{oc\.env:(\w+)\}/([^'\"#\s]+)", re.MULTILINE
)
_LFS_POINTER = b"version https://git-lfs.github.com"


@dataclass(frozen=True)
class Place:
    """A folder of this machine that bundles lie below.

    Attributes:
        root: what the table says of it.
        path: where it is; None: not known.
        configured: whether a setting says so.
    """

    root: Root
    path: Path | None
    configured: bool


@dataclass(frozen=True)
class Placed:
    """A bundle that the server loads.

    Attributes:
        bundle: what the table says of it.
        place: the folder that it lies below.
        folder: its own; None: not known.
        files: the size of each of its files [B] by path, None where it is not known; those that
            its configuration names are among them.
    """

    bundle: Bundle
    place: Place
    folder: Path | None
    files: Mapping[Path, int | None]

    @property
    def command(self) -> str:
        """What gets its files, with the folder filled in where it is known."""
        if self.place.path is None:
            return self.bundle.command
        return self.bundle.command.replace(
            f"${self.place.root.host_variable}", str(self.place.path)
        )

    @property
    def complaint(self) -> str:
        """What is wrong with its files, in words; empty: nothing."""
        problems = {path: _problem(path, size) for path, size in self.files.items()}
        parts = []
        for problem in sorted(set(problems.values()) - {""}):
            names = [
                os.path.relpath(p, self.folder) for p, why in problems.items() if why == problem
            ]
            parts.append(f"{problem} in {self.folder}: {', '.join(names)}")
        return "; ".join(parts)


class Checkpoints:
    """The bundles that a server with these settings loads from this machine.

    A root's folder is the setting's; else what the environment says, by the variable of the setting
    or of the library whose cache it is; else the library's usual place.

    Args:
        settings: of the server.
        environment: of this process.
        table: what is needed, and where it is looked for.
    """

    def __init__(
        self,
        settings: ServerSettings,
        environment: Mapping[str, str],
        table: Table | None = None,
    ) -> None:
        self._settings = settings
        self._table = table or load_table()
        given = {variable_of(name): getattr(settings, name) for name in _FOLDERS}
        self._places = {
            name: _find(root, given.get(root.host_variable, ""), environment)
            for name, root in self._table.roots.items()
        }
        # A process finds a bundle by the bundle's own variable, too; a container does not see it.
        own = environment if settings.server_mode == "subprocess" else {}
        self._folders = {
            name: _folder(self._table.bundles[name], self._places, own) for name in self._names()
        }

    @property
    def unreleased(self) -> str:
        """Why the embodiment has no published checkpoints; empty: it has."""
        return self._table.embodiments[self._settings.embodiment].unreleased or ""

    @property
    def placed(self) -> dict[str, Placed]:
        """The bundles, by name; their files as they are now."""
        named = {
            bundle.variable.name: folder / bundle.variable.path
            for bundle, folder in self._with_folders()
            if bundle.variable
        }
        placed = {}
        for name, folder in self._folders.items():
            bundle = self._table.bundles[name]
            files = dict(_files(bundle, folder, named)) if folder else {}
            placed[name] = Placed(bundle, self._places[bundle.root], folder, files)
        return placed

    @property
    def variables(self) -> dict[str, str]:
        """What VERA's server finds the configured folders by; the others it finds by itself."""
        roots = {p.root.variable: str(p.path) for p in self._places.values() if p.configured}
        return roots | {
            bundle.variable.name: str(folder / bundle.variable.path)
            for bundle, folder in self._with_folders()
            if bundle.variable and self._places[bundle.root].configured
        }

    @property
    def algo_config(self) -> str:
        """The planner's algo_config.yaml, below a configured folder; empty: none is known."""
        known = (
            str(folder / bundle.algo_config)
            for bundle, folder in self._with_folders()
            if bundle.algo_config and self._places[bundle.root].configured
        )
        return next(known, "")

    @property
    def mounts(self) -> dict[str, str]:
        """Folders of this machine, by their places in the image's container.

        Of a cache, the part with the files alone: Hugging Face's home may hold an access token.
        """
        mounts = {}
        for place in self._places.values():
            if place.path is not None and place.root.mounted is not None:
                folder = place.path / place.root.mounted
                if os.path.isdir(folder):
                    mounts[str(Path(place.root.container, place.root.mounted))] = str(folder)
        return mounts

    def check(self) -> None:
        """Make sure that every file below a configured folder is there.

        Raises:
            ServerStartError: some are not; the message tells the command that gets each.
        """
        missing = [
            f"    {complaint}; run: {placed.command}"
            for placed in self.placed.values()
            if placed.place.configured and (complaint := placed.complaint)
        ]
        if missing:
            raise ServerStartError("checkpoints are missing:\n" + "\n".join(missing))

    def _names(self) -> list[str]:
        """Names of the bundles, the tracker's included; without those that the image brings."""
        embodiment = self._table.embodiments[self._settings.embodiment]
        names = list(embodiment.bundles)
        if embodiment.trackers:
            names += self._table.trackers[self._settings.tracker or embodiment.trackers[0]]
        in_image = self._settings.server_mode == "docker"
        return [name for name in names if not (in_image and self._table.bundles[name].in_image)]

    def _with_folders(self) -> Iterator[tuple[Bundle, Path]]:
        for name, folder in self._folders.items():
            if folder is not None:
                yield self._table.bundles[name], folder


def _find(root: Root, setting: str, environment: Mapping[str, str]) -> Place:
    named = setting or environment.get(root.host_variable) or environment.get(root.variable)
    folder = named or root.default
    path = Path(folder).expanduser().absolute() if folder else None
    return Place(root, path, configured=bool(setting))


def _folder(
    bundle: Bundle, places: Mapping[str, Place], environment: Mapping[str, str]
) -> Path | None:
    """Where a bundle's files lie: below its root, else where its own variable says; or None."""
    place = places[bundle.root]
    if place.path is None:
        named = environment.get(bundle.variable.name) if bundle.variable else None
        if bundle.variable is None or not named:
            return None
        path = Path(named).expanduser()
        inside = bundle.variable.path
        return path.parents[len(Path(inside).parts) - 1] if inside else path
    folder = place.path / bundle.folder
    return _snapshot(folder) if bundle.cached_repository else folder


def _snapshot(folder: Path) -> Path:
    """Where Hugging Face's cache keeps the files of a repository."""
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except OSError:
        revision = "none"
    return folder / "snapshots" / revision


def _files(
    bundle: Bundle, folder: Path, named: Mapping[str, Path]
) -> Iterator[tuple[Path, int | None]]:
    for file in bundle.files:
        paths = [folder / name for name in (file.path, *file.alternatives)]
        yield next((path for path in paths if os.path.isfile(path)), paths[0]), file.bytes
    config = folder / bundle.algo_config if bundle.algo_config else None
    if config is not None and os.path.isfile(config) and os.access(config, os.R_OK):
        text = config.read_text(errors="replace")
        for variable, path in sorted(set(_NAMED.findall(text))):
            if variable in named:
                yield named[variable] / path, None


def _problem(path: Path, expected: int | None) -> str:
    """What is wrong with a file, or a folder of files, in words; empty: nothing."""
    if os.path.isdir(path):
        return ""
    if not os.path.isfile(path):
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
