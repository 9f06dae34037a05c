# SPDX-License-Identifier: Apache-2.0
"""Which folder of checkpoints holds a Weights & Biases run, as the server's image finds it.

The image has a finder of its own in docker/vera_server/runs.py.
"""

import json
from pathlib import Path

from vera_ros.errors import ConfigurationError
from vera_ros.server.checkpoint_table import File, Table

# Of a run's checkpoint.
FILES = (
    File(path="model.ckpt", bytes=None),
    File(path="config.yaml", alternatives=("config.yml", "run_config.yaml"), bytes=None),
)


def folder_of_run(table: Table, root: Path, run: str) -> Path:
    """Return the folder of a run's checkpoint.

    The table says it; else the provenance.json beside a checkpoint; else a folder's name does.

    Args:
        table: of the checkpoints.
        root: folder of all checkpoints.
        run: the run's id, or entity/project/id.

    Raises:
        ConfigurationError: there is none, or there are several.
    """
    bundles = [b for b in table.bundles.values() if b.run_id == run.rpartition("/")[2]]
    recorded = _recorded(root)
    ways = (
        [root / bundle.folder for bundle in bundles if (root / bundle.folder).is_dir()],
        [folder for folder, name in recorded.items() if f"/{name}".endswith(f"/{run}")],
        sorted(folder for folder in root.glob(f"*-{run}") if folder.is_dir()),
    )
    folders = next(filter(None, ways), [])
    if len(folders) > 1:
        names = " and ".join(map(str, folders))
        raise ConfigurationError(f"run '{run}' is recorded in {names}; move all but one away")
    if not folders:
        known = ", ".join(f"{name} in {folder}" for folder, name in recorded.items()) or "none"
        raise ConfigurationError(f"no folder below {root} holds run '{run}'; recorded: {known}")
    return folders[0]


def _recorded(root: Path) -> dict[Path, str]:
    """The run of each folder that records its own; a file that cannot be read records none."""
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
