# SPDX-License-Identifier: Apache-2.0
"""Where VERA's checkpoints are, by config/checkpoints.json and the configured folders."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vera_ros.errors import ServerStartError
from vera_ros.resources import share_path
from vera_ros.server.settings import ServerSettings

# What the container gets of the caches: torch.hub's code is in the image.
_INSIDE_ROOT = {"torch": "hub/checkpoints", "hugging_face": "hub"}


class Checkpoints:
    """What the table says of one embodiment, with the folders that the settings name.

    A folder that is not configured is left to VERA's own variables, or, if it is a cache in its
    usual place, taken from there.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._table: dict[str, Any] = json.loads(
            share_path("config", "checkpoints.json").read_text()
        )
        self._folders = {
            "checkpoints": settings.ckpt_root,
            "wan": settings.wan_root,
            "torch": settings.torch_home,
            "hugging_face": settings.hf_home,
        }
        names = self._table["embodiments"][settings.embodiment]["bundles"]
        self._bundles = [
            (Path(self._folders[bundle["root"]], bundle["folder"]), bundle)
            for bundle in map(self._table["bundles"].__getitem__, names)
            if bundle["root"] in ("checkpoints", "wan") and self._folders[bundle["root"]]
        ]

    @property
    def variables(self) -> dict[str, str]:
        """What VERA's server finds its checkpoints and caches by."""
        roots = {
            self._table["roots"][name]["variable"]: folder
            for name, folder in self._folders.items()
            if folder
        }
        return roots | {
            bundle["variable"]["name"]: str(folder / bundle["variable"]["path"])
            for folder, bundle in self._bundles
            if "variable" in bundle
        }

    @property
    def algo_config(self) -> str:
        """The planner's algo_config.yaml; empty: none is known."""
        known = (
            str(folder / bundle["algo_config"])
            for folder, bundle in self._bundles
            if "algo_config" in bundle
        )
        return next(known, "")

    @property
    def mounts(self) -> dict[str, str]:
        """Folders of this machine, by their places in the image's container."""
        places = {}
        for name, configured in self._folders.items():
            root = self._table["roots"][name]
            inside = _INSIDE_ROOT.get(name, "")
            folder = Path(configured or root["default"] or "", inside).expanduser()
            if configured or (root["default"] and folder.is_dir()):
                places[str(Path(root["container"], inside))] = str(folder)
        return places

    def check(self) -> None:
        """Make sure that every file is there.

        Raises:
            ServerStartError: some are not; the message tells the command that gets each.
        """
        missing = list(self._missing())
        if missing:
            raise ServerStartError("checkpoints are missing:\n" + "\n".join(missing))

    def _missing(self) -> Iterator[str]:
        for folder, bundle in self._bundles:
            files = [file["path"] for file in bundle["files"] if not _is_there(folder, file)]
            if files:
                variable = self._table["roots"][bundle["root"]]["variable"]
                command = bundle["command"].replace(f"${variable}", self._folders[bundle["root"]])
                yield f"    {', '.join(files)} in {folder}; run: {command}"


def _is_there(folder: Path, file: Mapping[str, Any]) -> bool:
    return any((folder / name).is_file() for name in (file["path"], *file.get("or", ())))
