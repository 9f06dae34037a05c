# SPDX-License-Identifier: Apache-2.0
"""The checkpoints below the configured folders, under the names that VERA's server reads."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vera_ros.errors import ServerStartError
from vera_ros.resources import share_path
from vera_ros.server.settings import ServerSettings


class Checkpoints:
    """What config/checkpoints.json says of one embodiment, where folders are configured.

    A folder that is not configured is left to VERA's own variables.
    """

    def __init__(self, settings: ServerSettings) -> None:
        table = json.loads(share_path("config", "checkpoints.json").read_text())
        names = table["embodiments"][settings.embodiment]["bundles"]
        roots = {"checkpoints": settings.ckpt_root, "wan": settings.wan_root}
        self._bundles = [
            (Path(roots[bundle["root"]], bundle["folder"]), bundle)
            for bundle in map(table["bundles"].__getitem__, names)
            if roots.get(bundle["root"])
        ]
        self._roots = {table["roots"][name]["variable"]: root for name, root in roots.items()}

    @property
    def variables(self) -> dict[str, str]:
        """What VERA's server finds its checkpoints by."""
        return {
            bundle["variable"]["name"]: str(folder / bundle["variable"]["path"])
            for folder, bundle in self._bundles
            if "variable" in bundle
        }

    @property
    def algo_config(self) -> str:
        """The planner's algo_config.yaml; empty: the embodiment has none."""
        planners = [
            str(folder / bundle["algo_config"])
            for folder, bundle in self._bundles
            if "algo_config" in bundle
        ]
        return planners[0] if planners else ""

    def check(self) -> None:
        """Make sure that every file is there.

        Raises:
            ServerStartError: some are not; the message tells the command that gets each.
        """
        missing = list(self._missing())
        if missing:
            roots = ", ".join(f"{name}={root}" for name, root in self._roots.items() if root)
            raise ServerStartError(
                f"checkpoints are missing (with {roots}):\n" + "\n".join(missing)
            )

    def _missing(self) -> Iterator[str]:
        for folder, bundle in self._bundles:
            files = [file["path"] for file in bundle["files"] if not _is_there(folder, file)]
            if files:
                yield f"    {', '.join(files)} in {folder}; run: {bundle['command']}"


def _is_there(folder: Path, file: Mapping[str, Any]) -> bool:
    return any((folder / name).is_file() for name in (file["path"], *file.get("or", ())))
