# SPDX-License-Identifier: Apache-2.0
"""The table of checkpoints, with folders: variables, mounts, and what is missing."""

from pathlib import Path

import pytest

from vera_ros.errors import ServerStartError
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.settings import ServerSettings

MIMICGEN = {
    "ckpts/mimicgen-wan-1.3b": ("algo_config.yaml", "flow_decoder.ckpt"),
    "ckpts/idm-mimicgen-285ouq1q": ("model.ckpt", "run_config.yaml"),
    "wan": (
        "config.json",
        "Wan2.1_VAE.pth",
        "models_t5_umt5-xxl-enc-bf16.pth",
        "google/umt5-xxl/tokenizer_config.json",
        "google/umt5-xxl/tokenizer.json",
        "google/umt5-xxl/spiece.model",
    ),
}


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    """Of a machine on which everything is there."""
    for folder, files in MIMICGEN.items():
        for file in files:
            path = tmp_path / folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return ServerSettings(
        server_mode="subprocess",
        ckpt_root=str(tmp_path / "ckpts"),
        wan_root=str(tmp_path / "wan"),
        hf_home=str(tmp_path),
    )


def test_variables_are_those_that_vera_reads(settings: ServerSettings, tmp_path: Path) -> None:
    checkpoints = Checkpoints(settings)
    checkpoints.check()
    idm = tmp_path / "ckpts" / "idm-mimicgen-285ouq1q" / "model.ckpt"
    assert checkpoints.variables == {
        "VERA_CKPT_ROOT": str(tmp_path / "ckpts"),
        "VERA_WAN_ROOT": str(tmp_path / "wan"),
        "HF_HOME": str(tmp_path),
        "VERA_MIMICGEN_CKPT_DIR": str(tmp_path / "ckpts" / "mimicgen-wan-1.3b"),
        "VERA_MIMICGEN_DYNAMICS_CKPT": str(idm),
        "VERA_WAN_CKPT_ROOT": str(tmp_path / "wan"),
    }
    planner = tmp_path / "ckpts" / "mimicgen-wan-1.3b" / "algo_config.yaml"
    assert checkpoints.algo_config == str(planner)


def test_what_is_not_configured_is_left_to_vera() -> None:
    checkpoints = Checkpoints(ServerSettings(server_mode="subprocess"))
    checkpoints.check()
    assert checkpoints.variables == {}
    assert checkpoints.algo_config == ""


@pytest.mark.parametrize(
    ("folder", "file"),
    [(folder, file) for folder, files in MIMICGEN.items() for file in files],
)
def test_a_missing_file_is_named_with_its_command(
    settings: ServerSettings, tmp_path: Path, folder: str, file: str
) -> None:
    (tmp_path / folder / file).unlink()
    with pytest.raises(ServerStartError) as refused:
        Checkpoints(settings).check()
    (line,) = str(refused.value).splitlines()[1:]
    wanted = "config.yaml" if file == "run_config.yaml" else file
    assert f"{wanted} in {tmp_path / folder}; run: hf download " in line
    assert f'--local-dir "{tmp_path / folder.split("/")[0]}"' in line


def test_caches_in_their_usual_places_are_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Checkpoints(ServerSettings()).mounts == {}
    weights = tmp_path / ".cache" / "torch" / "hub" / "checkpoints"
    models = tmp_path / ".cache" / "huggingface" / "hub"
    for folder in (weights, models):
        folder.mkdir(parents=True)
    assert Checkpoints(ServerSettings()).mounts == {
        "/opt/vera/torch/hub/checkpoints": str(weights),
        "/cache/huggingface/hub": str(models),
    }
