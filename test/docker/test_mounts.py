# SPDX-License-Identifier: Apache-2.0
"""The entrypoint finds its files in what vera_ros and Compose mount, and no token is among it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.settings import ServerSettings

from .machine import ROOT, TABLE, Machine

COMPOSE = ROOT / "docker" / "compose.yaml"
FOLDERS = {
    "VERA_CKPT_ROOT": "checkpoints",
    "VERA_WAN_ROOT": "wan",
    "VERA_TORCH_HOME": "torch",
    "VERA_HF_HOME": "hugging_face",
}


def by_docker_mode(machine: Machine) -> Mapping[str, str]:
    folders = {variable: str(machine.roots[root]) for variable, root in FOLDERS.items()}
    given = {name.removeprefix("VERA_").lower(): path for name, path in folders.items()}
    settings = ServerSettings.model_validate({"server_mode": "docker", **given})
    return Checkpoints(settings, {}).mounts


def by_compose(machine: Machine) -> Mapping[str, str]:
    volumes = yaml.safe_load(COMPOSE.read_text())["services"]["vera_server"]["volumes"]
    mounts = {}
    for volume in volumes:
        found = re.fullmatch(r"\$\{(\w+).*\}([\w/]*)", volume["source"])
        assert found, volume["source"]
        mounts[volume["target"]] = f"{machine.roots[FOLDERS[found[1]]]}{found[2]}"
    return mounts


@pytest.fixture(params=[by_docker_mode, by_compose], ids=["docker", "compose"])
def container(machine: Machine, request: pytest.FixtureRequest) -> Machine:
    """A container of this machine: the image's own files, and the mounts as links."""
    machine.fill("mimicgen")
    (machine.roots["hugging_face"] / "token").write_text("hf_secret")
    (machine.folder / "container").mkdir()
    inside = Machine(machine.folder / "container")
    for name, entry in TABLE["roots"].items():
        inside.roots[name] = inside.folder / entry["container"].strip("/")
        inside.variables[entry["variable"]] = str(inside.roots[name])
    for target, source in request.param(machine).items():
        link = inside.folder / target.strip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)
    for bundle in TABLE["bundles"].values():
        if bundle.get("in_image"):
            for file in bundle["files"]:
                path = inside.roots[bundle["root"]] / bundle["folder"] / file["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("code")
    return inside


def test_the_entrypoint_finds_everything_and_stays_offline(container: Machine) -> None:
    ran = container.run()
    assert ran.code == 0, ran.said
    assert ran.variables["HF_HOME"] == str(container.roots["hugging_face"])
    assert ran.variables["HF_HUB_OFFLINE"] == "1"
    assert ran.variables["TORCH_HOME"] == str(container.roots["torch"])


def test_a_backbone_that_is_not_in_the_cache_is_named(container: Machine) -> None:
    hub = (container.roots["hugging_face"] / "hub").resolve()
    (hub / "models--facebook--VGGT-1B" / "refs" / "main").unlink()
    ran = container.run()
    assert (ran.code, ran.started) == (1, None)
    assert "hub/models--facebook--VGGT-1B/snapshots/main/model.safetensors is not there" in ran.said
    assert TABLE["bundles"]["vggt-1b"]["command"] in ran.said


def test_no_token_is_mounted(container: Machine) -> None:
    seen = [
        name
        for _, _, names in os.walk(container.folder, followlinks=True)
        for name in names
        if name == "token"
    ]
    assert not seen


def test_the_entrypoint_tells_the_variables_of_its_commands(machine: Machine) -> None:
    said = machine.run("--check").said
    used = set(re.findall(r"\$(VERA_\w+)", said))
    assert used
    for variable in used:
        assert f"  {variable}: the folder" in said
    place = Path(TABLE["roots"]["hugging_face"]["container"], "hub")
    assert f"whose hub is mounted at {place}" in said
