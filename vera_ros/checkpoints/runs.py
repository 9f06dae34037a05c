# SPDX-License-Identifier: Apache-2.0
"""Finds the local folder that holds the checkpoint of a Weights & Biases run.

VERA identifies some inverse dynamics models by the id of the run that trained them, and downloads
them by it. A local checkpoint is matched to its run by its entry in the table, by the `wandb_run`
("entity/project/id") in the provenance.json beside it, or by the end of its folder's name.
"""

import json
import os
from pathlib import Path

from vera_ros.checkpoints.table import Table

CHECKPOINT = "model.ckpt"
SIDECARS = ("config.yaml", "config.yml", "run_config.yaml")  # one is beside the checkpoint


class RunNotFoundError(Exception):
    """No folder, or more than one, holds the checkpoint of a run."""


def folder_of_run(table: Table, root: Path, run: str) -> Path:
    """Return the folder of a run's checkpoint.

    Args:
        table: the content of config/checkpoints.json.
        root: the folder of all checkpoints.
        run: the run's id, or entity/project/id.

    Raises:
        RunNotFoundError: there is none, or there are several; the message lists the known runs.
    """
    known = [
        Path(root, bundle.folder)
        for bundle in table.bundles.values()
        if bundle.run_id == run.rpartition("/")[2]
    ]
    recorded = recorded_runs(root)
    ways = (
        [folder for folder in known if os.path.isdir(folder)],
        [folder for folder, name in recorded.items() if f"/{name}".endswith(f"/{run}")],
        sorted(folder for folder in root.glob(f"*-{run}") if os.path.isdir(folder)),
    )
    folders = next(filter(None, ways), [])
    if len(folders) > 1:
        names = " and ".join(str(folder) for folder in folders)
        raise RunNotFoundError(f"run '{run}' is recorded in {names}; move all but one away")
    if not folders:
        names = ", ".join(f"{name} in {folder}" for folder, name in recorded.items()) or "none"
        raise RunNotFoundError(
            f"no folder below {root} holds run '{run}' (by a provenance.json beside {CHECKPOINT}, "
            f"or by its name); runs recorded there: {names}"
        )
    return folders[0]


def recorded_runs(root: Path) -> dict[Path, str]:
    """Return the runs recorded by folders one or two levels below root.

    A provenance.json that cannot be read is ignored.
    """
    runs = {}
    for pattern in ("*/provenance.json", "*/*/provenance.json"):
        for file in sorted(root.glob(pattern)):
            try:
                run = json.loads(file.read_text())["wandb_run"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if isinstance(run, str):
                runs[file.parent] = run
    return runs
