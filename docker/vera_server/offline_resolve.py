# SPDX-License-Identifier: Apache-2.0
"""Runs the VERA server with the checkpoints of Weights & Biases runs taken from local folders.

`python offline_resolve.py ARGUMENTS` replaces `python -m vera.server.start_vera_server ARGUMENTS`.
Upstream, an inverse dynamics model that is known by a run id alone is downloaded, and one that is
known by a file is loaded again from it whatever run a reload names. A run that no folder holds is
an error.
"""

import os
import runpy
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from bundle_folders import load_table, root_folder, run_complaints, sidecar
from start import SERVER
from vera.policy import motion_policy_loading as loading
from vera.server.protocol import adapter_factory as factory

from vera_ros.checkpoints import runs


def local_checkpoint(
    run_path: str, _download_dir: Path, *, return_config: bool = False, **_options: Any
) -> Path | tuple[Path, dict[str, Any]]:
    """Return a run's checkpoint, and the configuration that it was trained with if asked for.

    Args:
        run_path: entity/project/id; the id counts, the others are placeholders upstream.
        return_config: whether to return the configuration as well.

    Raises:
        RunNotFoundError: no folder holds the run, or it is not complete.
    """
    checkpoint = _checkpoint_of(run_path.rpartition("/")[2])
    if not return_config:
        return checkpoint
    config = sidecar(checkpoint.parent)
    return checkpoint, loading._load_algorithm_config_from_path(config)


def _checkpoint_of(run: str) -> Path:
    table = load_table()
    folder = runs.folder_of_run(table, root_folder(table, "checkpoints", os.environ), run)
    complaints = run_complaints(folder)
    if complaints:
        raise runs.RunNotFoundError("; ".join(complaints))
    return folder / runs.CHECKPOINT


def following_runs(make_adapter: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the adapter factory so that a run other than the first one loads that run's file.

    The adapter's configuration then names the requested run as its model.
    """
    first: dict[str, tuple[str | None, str]] = {}  # run and file, by embodiment

    def make(embodiment: str, *, dynamics_run_id: str | None = None, **options: Any) -> Any:
        module: Any = import_module(factory._EMBODIMENTS[embodiment].builder_module)
        file = getattr(module, "DEFAULT_DYNAMICS_CKPT", None)
        if file is None:
            return make_adapter(embodiment, dynamics_run_id=dynamics_run_id, **options)
        first_run, module.DEFAULT_DYNAMICS_CKPT = first.setdefault(
            embodiment, (dynamics_run_id, file)
        )
        if dynamics_run_id in (None, first_run):
            return make_adapter(embodiment, dynamics_run_id=dynamics_run_id, **options)
        module.DEFAULT_DYNAMICS_CKPT = str(_checkpoint_of(dynamics_run_id))
        adapter = make_adapter(embodiment, dynamics_run_id=dynamics_run_id, **options)
        adapter.config.idm_model = dynamics_run_id
        return adapter

    return make


def main() -> None:
    """Run the server in this process."""
    loading.download_checkpoint = local_checkpoint
    factory.make_adapter = following_runs(factory.make_adapter)
    runpy.run_module(SERVER, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
