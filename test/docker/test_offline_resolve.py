# SPDX-License-Identifier: Apache-2.0
"""Runs are taken from local folders, by a server that would ask the network for them.

VERA is not here: a package of its names stands in, which loads a run the way VERA does.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .machine import PROGRAMS, Machine, lay

LOADING = """
import json
from pathlib import Path

def download_checkpoint(run_path, download_dir, **options):
    raise AssertionError("the network is asked")

def load_checkpoint(run_path, **options):
    return download_checkpoint(run_path, Path("outputs"), option="latest",
                               force_redownload=False, **options)

def _load_algorithm_config_from_path(path):
    return json.loads(Path(path).read_text())
"""
SERVER = """
import sys
from vera.policy.motion_policy_loading import load_checkpoint

if __name__ == "__main__":
    checkpoint, config = load_checkpoint(sys.argv[1], return_config=True)
    assert load_checkpoint(sys.argv[1]) == checkpoint
    print(checkpoint, config, sys.argv[1:])
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    for package in ("vera", "vera/policy", "vera/server"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "vera/policy/motion_policy_loading.py").write_text(LOADING)
    (tmp_path / "vera/server/start_vera_server.py").write_text(SERVER)
    return machine


def serve(machine: Machine, run: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAMS / "offline_resolve.py", run, "--port=8804"],
        env=machine.variables | {"PYTHONPATH": str(machine.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("folder", "provenance"),
    [("idm-droid", None), ("older", "team/jacobian-learning/7wohna95"), ("idm-7wohna95", None)],
)
def test_a_run_comes_from_its_folder(machine: Machine, folder: str, provenance: str | None) -> None:
    checkpoint = lay(machine.roots["checkpoints"] / folder / "model.ckpt")
    checkpoint.with_name("config.yaml").write_text('{"algorithm": {"name": "image_jacobian"}}')
    if provenance:
        record = {"wandb_run": provenance}
        checkpoint.with_name("provenance.json").write_text(json.dumps(record))
    ran = serve(machine, "your-wandb-entity/jacobian-learning/7wohna95")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{checkpoint} {{'algorithm': {{'name': 'image_jacobian'}}}}")
    assert "'--port=8804'" in ran.stdout


def test_a_run_that_is_nowhere_is_no_reason_to_ask_the_network(machine: Machine) -> None:
    ran = serve(machine, "your-wandb-entity/jacobian-learning/7zzzzzzz")
    assert ran.returncode == 1
    assert "RunNotFoundError: no folder below" in ran.stderr
    assert "holds run '7zzzzzzz'" in ran.stderr


def test_a_run_without_its_configuration(machine: Machine) -> None:
    folder = lay(machine.roots["checkpoints"] / "idm-droid" / "model.ckpt").parent
    ran = serve(machine, "your-wandb-entity/jacobian-learning/7wohna95")
    assert ran.returncode == 1
    assert f"RunNotFoundError: {folder}/config.yaml is not there" in ran.stderr
