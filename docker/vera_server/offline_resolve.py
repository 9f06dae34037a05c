# SPDX-License-Identifier: Apache-2.0
"""Runs the VERA server with the checkpoints of Weights & Biases runs taken from local folders.

For embodiments whose inverse dynamics model the server knows by a run id alone, and would ask the
network for: `python offline_resolve.py ARGUMENTS` is `python -m vera.server.start_vera_server
ARGUMENTS` but for that. A run that no folder holds is an error.
"""

import os
import runpy
from pathlib import Path
from typing import Any

import runs
from checkpoints import root_folder
from start import SERVER
from table import load_table
from vera.policy import motion_policy_loading as loading


def local_checkpoint(
    run_path: str, _download_dir: Path, *, return_config: bool = False, **_options: Any
) -> Path | tuple[Path, dict[str, Any]]:
    """Return a run's checkpoint, and the configuration that it was trained with if asked for.

    Args:
        run_path: entity/project/id; the id counts, the others are placeholders upstream.
        return_config: whether the configuration is returned as well.

    Raises:
        RunNotFoundError: no folder holds the run, or it is not complete.
    """
    table = load_table()
    root = root_folder(table, "checkpoints", os.environ)
    folder = runs.folder_of_run(table, root, run_path.rpartition("/")[2])
    complaints = runs.run_complaints(folder)
    config = runs.sidecar(folder)
    if complaints or config is None:
        raise runs.RunNotFoundError("; ".join(complaints))
    checkpoint = folder / runs.CHECKPOINT
    if not return_config:
        return checkpoint
    return checkpoint, loading._load_algorithm_config_from_path(config)


def main() -> None:
    """Run the server in this process."""
    loading.download_checkpoint = local_checkpoint
    runpy.run_module(SERVER, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
