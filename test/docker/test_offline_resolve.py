# SPDX-License-Identifier: Apache-2.0
"""Runs are taken from local folders, by a server that would ask the network for them.

VERA is not here: a package of its names stands in, which loads a run the way VERA does.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .machine import Machine, lay

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

# Of an embodiment whose file is named: the runs are those of the start and of the reloads after it.
FACTORY = """
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

_EMBODIMENTS = {"mimicgen": SimpleNamespace(builder_module="vera.server.start_server_mimicgen")}

def make_adapter(embodiment, *, dynamics_run_id=None, text=None):
    module = import_module(_EMBODIMENTS[embodiment].builder_module)
    label = Path(module.DEFAULT_DYNAMICS_CKPT).parent.name
    return SimpleNamespace(loaded=module.build_policy(), config=SimpleNamespace(idm_model=label))
"""
MIMICGEN = """
import os

DEFAULT_DYNAMICS_CKPT = os.environ["VERA_MIMICGEN_DYNAMICS_CKPT"]

def build_policy():
    return DEFAULT_DYNAMICS_CKPT
"""
RELOADING_SERVER = """
import sys

if __name__ == "__main__":
    from vera.server.protocol.adapter_factory import make_adapter
    for run in sys.argv[1:]:
        adapter = make_adapter("mimicgen", dynamics_run_id=run or None, text="stack")
        print(adapter.loaded, adapter.config.idm_model)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    for package in ("vera", "vera/policy", "vera/server", "vera/server/protocol"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "vera/policy/motion_policy_loading.py").write_text(LOADING)
    (tmp_path / "vera/server/start_vera_server.py").write_text(SERVER)
    (tmp_path / "vera/server/start_server_mimicgen.py").write_text(MIMICGEN)
    (tmp_path / "vera/server/protocol/adapter_factory.py").write_text(FACTORY)
    return machine


def serve(machine: Machine, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONPATH": str(machine.folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, machine.programs / "offline_resolve.py", *arguments],
        env=machine.variables | own | variables,
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
    ran = serve(machine, "your-wandb-entity/jacobian-learning/7wohna95", "--port=8804")
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


@pytest.fixture
def reloading(machine: Machine) -> Machine:
    """A server that is told a run when it starts, and others later."""
    (machine.folder / "vera/server/start_vera_server.py").write_text(RELOADING_SERVER)
    for folder in ("idm-mimicgen-285ouq1q", "older"):
        lay(machine.roots["checkpoints"] / folder / "model.ckpt")
        lay(machine.roots["checkpoints"] / folder / "config.yaml")
    record = {"wandb_run": "team/jacobian-mimicgen/37oa162u"}
    (machine.roots["checkpoints"] / "older" / "provenance.json").write_text(json.dumps(record))
    return machine


@pytest.mark.parametrize("first", ["", "285ouq1q", "a-run-that-is-nowhere"])
def test_a_reload_loads_the_run_that_it_names(reloading: Machine, first: str) -> None:
    root = reloading.roots["checkpoints"]
    own = root / "idm-mimicgen-285ouq1q" / "model.ckpt"
    run = "team/jacobian-mimicgen/37oa162u"
    ran = serve(reloading, first, "37oa162u", run, first, VERA_MIMICGEN_DYNAMICS_CKPT=str(own))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        f"{own} idm-mimicgen-285ouq1q",
        f"{root}/older/model.ckpt 37oa162u",
        f"{root}/older/model.ckpt {run}",
        f"{own} idm-mimicgen-285ouq1q",
    ]


def test_a_reload_of_a_run_that_is_nowhere_fails(reloading: Machine) -> None:
    own = reloading.roots["checkpoints"] / "idm-mimicgen-285ouq1q" / "model.ckpt"
    ran = serve(reloading, "", "7zzzzzzz", VERA_MIMICGEN_DYNAMICS_CKPT=str(own))
    assert ran.returncode == 1
    assert "holds run '7zzzzzzz'" in ran.stderr
