# SPDX-License-Identifier: Apache-2.0
"""Finds VERA's checkpoints on this machine, and what keeps a server from loading them."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vera_ros.checkpoints.runs import CHECKPOINT, SIDECARS, RunNotFoundError, folder_of_run
from vera_ros.checkpoints.table import Bundle, File, Root, Table
from vera_ros.errors import ConfigurationError, ServerStartError
from vera_ros.server.checkpoint_files import Place, Placed, files_named_in, files_of
from vera_ros.server.settings import ServerSettings, load_table
from vera_ros.server.sources import variable_of

_FOLDERS = ("ckpt_root", "wan_root", "torch_home", "hf_home")  # settings that name a root
_OWN_PLANNER = "algo_config"
_OWN_IDM = "dynamics_run_id"
_FILES_OF_A_RUN = (File(CHECKPOINT, None), File(SIDECARS[0], None, SIDECARS[1:]))


class Refusal(NamedTuple):
    """Why no server can be started with these settings, whatever files exist."""

    why: str
    remedy: str


class Checkpoints:
    """The bundles that a server with these settings loads from this machine.

    A root's folder comes from its setting; else from the environment, by the variable of the
    setting or of the library whose cache it is; else it is the library's default. A server that
    runs as a process finds a bundle by the bundle's own variable first.

    Args:
        settings: settings of the server.
        environment: environment of this process.
        table: the table of bundles; None: the packaged one.

    Attributes:
        refusal: why no server can be started with these settings; None: one can.
    """

    def __init__(
        self,
        settings: ServerSettings,
        environment: Mapping[str, str],
        table: Table | None = None,
    ) -> None:
        self._settings = settings
        self._table = table or load_table()
        self._in_container = settings.server_mode == "docker"
        self._own = {} if self._in_container else environment
        given = {variable_of(name): getattr(settings, name) for name in _FOLDERS}
        self._places = {
            name: _find(root, given.get(root.host_variable, ""), environment)
            for name, root in self._table.roots.items()
        }
        self._embodiment = self._table.embodiments[settings.embodiment]
        self._released = {name: self._table.bundles[name] for name in self._embodiment.bundles}
        self._bundles: dict[str, Bundle] = {}
        self.refusal = self._refuse()
        if self.refusal is None:
            try:
                self._bundles = self._choose()
            except ConfigurationError as error:
                remedy = "correct dynamics_run_id (VERA_DYNAMICS_RUN_ID), or leave it empty"
                self.refusal = Refusal(str(error), remedy)

    @property
    def placed(self) -> dict[str, Placed]:
        """The bundles, by name, with the present state of their files."""
        return {name: self._placed(bundle) for name, bundle in self._bundles.items()}

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables by which a process finds the folders, where these are known."""
        places = self._places.values()
        variables = {p.root.variable: str(p.path) for p in places if p.path is not None}
        for bundle in self._released.values():
            folder = self._folder(bundle)
            if bundle.variable and folder is not None:
                path = self._named(bundle) or folder / bundle.variable.path
                variables[bundle.variable.name] = str(path)
        return variables

    @property
    def algo_config(self) -> str:
        """Path of the planner's algo_config.yaml; empty: it reads none, or it is unknown."""
        for bundle in self._bundles.values():
            folder = self._folder(bundle)
            if bundle.algo_config and folder is not None:
                return str(folder / bundle.algo_config)
        return ""

    @property
    def tokenizers(self) -> Path | None:
        """The folder `google` of the Wan base model; None: there is none."""
        wan = next((b for b in self._released.values() if b.kind == "wan"), None)
        folder = self._folder(wan) if wan else None
        return folder / "google" if folder and os.path.isdir(folder / "google") else None

    @property
    def tracker_code(self) -> str:
        """The folder from which AllTracker imports its modules; empty: it is not used."""
        code = self._bundles.get("alltracker-code")
        return str(self._folder(code) or "") if code else ""

    @property
    def mounts(self) -> dict[str, str]:
        """Folders of this machine, by their paths in the container.

        Of a cache, only the part with the files: Hugging Face's home may hold an access token.
        """
        mounts = (place.mount for place in self._places.values())
        return {str(there): str(here) for here, there in filter(None, mounts) if here.is_dir()}

    def check(self) -> None:
        """Check that no file is missing: a process would try to download it.

        Raises:
            ServerStartError: the settings are refused, or files are missing; with the remedies.
        """
        if self.refusal is not None:
            raise ServerStartError("; ".join(self.refusal))
        missing = [
            f"    {name}: {complaint}" + (f"; run: {placed.command}" if placed.command else "")
            for name, placed in self.placed.items()
            if (complaint := placed.complaint)
        ]
        if missing:
            raise ServerStartError("checkpoints are missing:\n" + "\n".join(missing))

    def _refuse(self) -> Refusal | None:
        settings, unreleased = self._settings, self._embodiment.unreleased
        idm = next((b for b in self._released.values() if b.kind == "idm"), None)
        run, config = settings.dynamics_run_id, settings.algo_config
        if config and not (unreleased or any(b.algo_config for b in self._released.values())):
            return Refusal(
                f"algo_config is '{config}', and {settings.embodiment}'s planner reads none",
                "leave algo_config (VERA_ALGO_CONFIG) empty",
            )
        if self._in_container:
            if unreleased and not (run and config):
                return Refusal(unreleased, "give your own checkpoints, or choose mimicgen")
            if config and self._here(Path(config)) is None:
                return Refusal(
                    f"algo_config is '{config}', which is in no folder that is mounted",
                    "set ckpt_root (VERA_CKPT_ROOT), and give a path below /ckpts, where it is",
                )
            return None
        if idm is None or idm.variable is None:
            return Refusal(
                f"VERA downloads {settings.embodiment}'s inverse dynamics model, which it "
                "identifies by a run's id alone",
                "use server_mode docker (VERA_SERVER_MODE), which takes it from ckpt_root",
            )
        if run:
            return Refusal(
                f"dynamics_run_id is '{run}', and without a container VERA would load "
                f"{idm.variable.name} instead, or download a model",
                f"export {idm.variable.name}=<folder>/{idm.variable.path} of that run, and leave "
                "dynamics_run_id (VERA_DYNAMICS_RUN_ID) empty; or use server_mode docker",
            )
        return None

    def _choose(self) -> dict[str, Bundle]:
        """Return the bundles to load, by name, without those that the image contains.

        Raises:
            ConfigurationError: no folder holds the requested run.
        """
        bundles = dict(self._released)
        if self._settings.algo_config:
            bundles = {n: b for n, b in bundles.items() if b.kind not in ("planner", "wan")}
            bundles[_OWN_PLANNER] = self._own_planner()
        if self._in_container:
            bundles |= self._runs(bundles)
        if self._embodiment.trackers:
            tracker = self._settings.tracker or self._embodiment.trackers[0]
            bundles |= {name: self._table.bundles[name] for name in self._table.trackers[tracker]}
        return {n: b for n, b in bundles.items() if not (self._in_container and b.in_image)}

    def _own_planner(self) -> Bundle:
        path = Path(self._settings.algo_config)
        if self._in_container:
            path = self._here(path) or path
        return Bundle(
            kind="planner",
            root="checkpoints",
            folder=str(path.parent),
            files=(File(path=path.name, bytes=None),),
            algo_config=path.name,
            licence=None,
            command="",
        )

    def _runs(self, bundles: Mapping[str, Bundle]) -> dict[str, Bundle]:
        """Return the inverse dynamics model where a folder other than the table's holds its run."""
        root, asked = self._places["checkpoints"].path, self._settings.dynamics_run_id
        name, bundle = next(
            ((n, b) for n, b in bundles.items() if b.kind == "idm"), (_OWN_IDM, None)
        )
        run = asked or (bundle.run_id if bundle else None)
        if root is None or not run:
            return {}
        try:
            folder = str(folder_of_run(self._table, root, run))
        except RunNotFoundError as error:
            if asked:
                raise ConfigurationError(str(error)) from None
            return {}
        if bundle is not None and not asked:
            return {name: replace(bundle, folder=folder)}
        own = Bundle(
            kind="idm",
            root="checkpoints",
            folder=folder,
            files=_FILES_OF_A_RUN,
            licence=None,
            command="",
        )
        return {name: own}

    def _placed(self, bundle: Bundle) -> Placed:
        place, folder = self._places[bundle.root], self._folder(bundle)
        mounts = filter(None, (other.mount for other in self._places.values()))
        mounted = tuple(here for here, _ in mounts) if self._in_container else None
        if folder is None:
            return Placed(bundle, place, None, {}, {}, mounted)
        known = dict(files_of(bundle, folder, self._named(bundle)))
        files = {path: file.bytes for path, file in known.items()}
        hashes = {path: file.sha256 for path, file in known.items() if file.sha256}
        if bundle.algo_config:
            for path in files_named_in(
                folder / bundle.algo_config, self.variables, lambda path: self._here(path) or path
            ):
                files.setdefault(path, None)
        return Placed(bundle, place, folder, files, hashes, mounted)

    def _folder(self, bundle: Bundle) -> Path | None:
        """Return the folder of a bundle's files; None: unknown."""
        named, root = self._named(bundle), self._places[bundle.root].path
        if named is not None and bundle.variable is not None:
            return named.parent if bundle.variable.path else named
        if root is None:
            return Path(bundle.folder) if os.path.isabs(bundle.folder) else None
        folder = root / bundle.folder
        return _snapshot(folder) if bundle.cached_repository else folder

    def _named(self, bundle: Bundle) -> Path | None:
        """Return the path in the bundle's own variable; None: unset, or not read in a container."""
        value = self._own.get(bundle.variable.name) if bundle.variable else None
        return Path(value).expanduser().absolute() if value else None

    def _here(self, path: Path) -> Path | None:
        """Return the path on this machine of a path of the server; None: it is not mounted."""
        if not self._in_container:
            return path
        for here, there in filter(None, (place.mount for place in self._places.values())):
            if path.is_relative_to(there):
                return here / path.relative_to(there)
        return None


def _find(root: Root, setting: str, environment: Mapping[str, str]) -> Place:
    named = setting or environment.get(root.host_variable) or environment.get(root.variable)
    folder = named or root.default
    return Place(root, Path(folder).expanduser().absolute() if folder else None)


def _snapshot(folder: Path) -> Path:
    """Return the folder of a repository's files in Hugging Face's cache."""
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except OSError:
        revision = "none"
    return folder / "snapshots" / revision
