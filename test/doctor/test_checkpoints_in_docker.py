# SPDX-License-Identifier: Apache-2.0
"""doctor's word on a container's checkpoints, beside that of the container's own entrypoint."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from vera_ros.doctor.checks.checkpoints import judge
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.resources import share_path
from vera_ros.server import checkpoint_files
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.settings import ServerSettings, load_table

from ..server.room import write_checkpoints, write_file

TABLE = load_table()
ENTRYPOINT = share_path("docker", "vera_server", "entrypoint.py")
Roots = Mapping[str, Path]
_IDM = "idm-mimicgen-285ouq1q"
_PLANNER = "mimicgen-wan-1.3b"


@pytest.fixture(autouse=True)
def container_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """These files are its own."""
    monkeypatch.setattr(checkpoint_files, "CONTAINER_UID", os.getuid())


def roots_in(folder: Path, embodiment: str) -> Roots:
    """Everything that the embodiment needs, below a folder for each root."""
    write_checkpoints(folder, embodiment)
    for name in ("cotracker-code", "alltracker-code"):  # the image brings them
        bundle = TABLE.bundles[name]
        for file in bundle.files:
            write_file(folder / bundle.root / bundle.folder / file.path, b"code")
    return {name: folder / name for name in TABLE.roots}


def doctor(roots: Roots, embodiment: str, **settings: Any) -> dict[str, Finding]:
    environ = {TABLE.roots[name].host_variable: str(path) for name, path in roots.items()}
    chosen = {"embodiment": embodiment, "server_mode": "docker", **settings}
    findings = judge(Checkpoints(ServerSettings.model_validate(chosen), environ))
    return {finding.name: finding for finding in findings}


def entrypoint(roots: Roots, embodiment: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run where the container's folders are those of this machine."""
    environ = {TABLE.roots[name].variable: str(path) for name, path in roots.items()}
    environ |= {f"VERA_{name.upper()}": value for name, value in settings.items()}
    config = Path(environ.get("VERA_ALGO_CONFIG", ""))
    if config.is_relative_to("/ckpts"):
        environ["VERA_ALGO_CONFIG"] = str(roots["checkpoints"] / config.relative_to("/ckpts"))
    return subprocess.run(
        [sys.executable, str(ENTRYPOINT), "--check"],
        env={"PATH": os.environ["PATH"], "VERA_EMBODIMENT": embodiment, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def whole(_: Roots) -> None:
    """As it is."""


def older(roots: Roots) -> None:
    """The inverse dynamics model lies where its provenance alone says what it is."""
    move_idm(roots, "older/idm", "team/jacobian/285ouq1q")


def of_another_run(roots: Roots) -> None:
    """There is a second one."""
    for file in ("model.ckpt", "config.yaml"):
        write_file(roots["checkpoints"] / "other" / file, b"weights")
    record(roots["checkpoints"] / "other", "team/jacobian/37oa162u")


def without_weights(roots: Roots) -> None:
    """The planner was not fetched whole."""
    (roots["checkpoints"] / _PLANNER / "flow_decoder.ckpt").unlink()


def with_a_planner_of_its_own(roots: Roots) -> None:
    """It names a file by its place in the container, and one of the Wan base."""
    without_weights(roots)
    config = "vae_ckpt_path: ${oc.env:VERA_WAN_CKPT_ROOT}/Wan2.1_VAE.pth\n"
    write_file(roots["checkpoints"] / "omni" / "algo_config.yaml", config.encode())


def with_a_torn_planner_of_its_own(roots: Roots) -> None:
    """It names a file that is not there."""
    config = "tuned_ckpt_path: ${oc.env:VERA_CKPT_ROOT}/omni/dream.ckpt\n"
    write_file(roots["checkpoints"] / "omni" / "algo_config.yaml", config.encode())


def move_idm(roots: Roots, folder: str, run: str) -> None:
    target = roots["checkpoints"] / folder
    target.parent.mkdir(parents=True, exist_ok=True)
    (roots["checkpoints"] / _IDM).rename(target)
    record(target, run)


def record(folder: Path, run: str) -> None:
    write_file(folder / "provenance.json", json.dumps({"wandb_run": run}).encode())


_OMNI = {"algo_config": "/ckpts/omni/algo_config.yaml"}


@pytest.mark.parametrize(
    ("layout", "embodiment", "settings", "starts"),
    [
        (whole, "mimicgen", {}, True),
        (whole, "droid", {}, True),
        (whole, "pusht", {}, True),
        (whole, "mimicgen", {"tracker_backend": "alltracker"}, False),
        (without_weights, "mimicgen", {}, False),
        (older, "mimicgen", {}, True),
        (older, "mimicgen", {"dynamics_run_id": "285ouq1q"}, True),
        (whole, "mimicgen", {"dynamics_run_id": "nonsense"}, False),
        (whole, "mimicgen", {"dynamics_run_id": "37oa162u"}, False),
        (of_another_run, "mimicgen", {"dynamics_run_id": "37oa162u"}, True),
        (whole, "mimicgen", {"algo_config": "/ckpts/nowhere.yaml"}, False),
        (whole, "mimicgen", {"algo_config": "/nowhere/algo_config.yaml"}, False),
        (with_a_planner_of_its_own, "mimicgen", _OMNI, True),
        (with_a_torn_planner_of_its_own, "mimicgen", _OMNI, False),
        (whole, "pusht", _OMNI, False),
        (whole, "allegro", {}, False),
        (with_a_planner_of_its_own, "allegro", _OMNI, False),
    ],
)
def test_doctor_and_entrypoint_agree(
    tmp_path: Path,
    layout: Callable[[Roots], None],
    embodiment: str,
    settings: dict[str, str],
    starts: bool,
) -> None:
    needs = "mimicgen" if embodiment == "allegro" else embodiment
    roots = roots_in(tmp_path, needs)
    layout(roots)
    asked = {"tracker_backend": "cotracker"} if embodiment == "mimicgen" else {}
    said = entrypoint(roots, embodiment, **{**asked, **settings})
    assert (said.returncode == 0) is starts, said.stderr
    findings = doctor(roots, embodiment, **settings)
    failures = [f for f in findings.values() if f.verdict is Verdict.FAILURE]
    assert bool(failures) is not starts, (failures, said.stderr)
    assert all(failure.mend for failure in failures)


@pytest.mark.parametrize(
    ("path", "mode", "readable"),
    [
        (f"checkpoints/{_IDM}/model.ckpt", 0o600, False),
        (f"checkpoints/{_IDM}/model.ckpt", 0o644, True),
        (f"checkpoints/{_IDM}", 0o700, False),
        (f"checkpoints/{_IDM}", 0o711, True),
        ("checkpoints", 0o750, False),
        (".", 0o700, True),  # above what is mounted
    ],
)
def test_what_the_containers_user_may_not_read_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, mode: int, readable: bool
) -> None:
    roots = roots_in(tmp_path / "home", "mimicgen")
    (tmp_path / "home" / path).chmod(mode)
    assert doctor(roots, "mimicgen")["mimicgen-idm"].verdict is Verdict.OK
    monkeypatch.setattr(checkpoint_files, "CONTAINER_UID", os.getuid() + 1)
    monkeypatch.setattr(checkpoint_files, "CONTAINER_GID", os.getgid() + 1)
    finding = doctor(roots, "mimicgen")["mimicgen-idm"]
    assert (finding.verdict is Verdict.OK) is readable
    if not readable:
        assert "not readable by the container's user" in finding.found
        assert finding.mend == f"chmod -R a+rX '{roots['checkpoints']}'"


def test_a_link_out_of_what_is_mounted_leads_nowhere(tmp_path: Path) -> None:
    roots = roots_in(tmp_path, "mimicgen")
    weights = roots["checkpoints"] / _IDM / "model.ckpt"
    weights.rename(tmp_path / "model.ckpt")
    weights.symlink_to(tmp_path / "model.ckpt")
    finding = doctor(roots, "mimicgen")["mimicgen-idm"]
    assert finding.verdict is Verdict.FAILURE
    assert "a link to what is not mounted" in finding.found
    weights.unlink()
    weights.symlink_to("model-of-today.ckpt")
    (tmp_path / "model.ckpt").rename(weights.with_name("model-of-today.ckpt"))
    assert doctor(roots, "mimicgen")["mimicgen-idm"].verdict is Verdict.OK
