# SPDX-License-Identifier: Apache-2.0
"""The table of checkpoints, with folders: variables, mounts, and what is missing."""

import os
from pathlib import Path

import pytest

from vera_ros.errors import ServerStartError
from vera_ros.server.checkpoint_table import load_table
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.settings import ServerSettings

TABLE = load_table()
MIMICGEN = {
    "ckpts/mimicgen-wan-1.3b": ("algo_config.yaml", "flow_decoder.ckpt"),
    "ckpts/idm-mimicgen-285ouq1q": ("model.ckpt", "run_config.yaml"),
    "hf/hub/models--facebook--VGGT-1B/snapshots/none": ("config.json", "model.safetensors"),
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
    """Of a machine on which everything is there, in sparse files."""
    sizes = {file.path: file.bytes for b in TABLE.bundles.values() for file in b.files}
    for folder, files in MIMICGEN.items():
        for file in files:
            path = tmp_path / folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.truncate(path, sizes.get(file) or 1)
    return ServerSettings(
        server_mode="subprocess",
        ckpt_root=str(tmp_path / "ckpts"),
        wan_root=str(tmp_path / "wan"),
        hf_home=str(tmp_path / "hf"),
    )


def test_variables_are_those_that_vera_reads(settings: ServerSettings, tmp_path: Path) -> None:
    checkpoints = Checkpoints(settings, {})
    checkpoints.check()
    idm = tmp_path / "ckpts" / "idm-mimicgen-285ouq1q" / "model.ckpt"
    assert checkpoints.variables == {
        "VERA_CKPT_ROOT": str(tmp_path / "ckpts"),
        "VERA_WAN_ROOT": str(tmp_path / "wan"),
        "HF_HOME": str(tmp_path / "hf"),
        "VERA_MIMICGEN_CKPT_DIR": str(tmp_path / "ckpts" / "mimicgen-wan-1.3b"),
        "VERA_MIMICGEN_DYNAMICS_CKPT": str(idm),
        "VERA_WAN_CKPT_ROOT": str(tmp_path / "wan"),
    }
    planner = tmp_path / "ckpts" / "mimicgen-wan-1.3b" / "algo_config.yaml"
    assert checkpoints.algo_config == str(planner)


def test_what_is_not_configured_is_left_to_vera() -> None:
    checkpoints = Checkpoints(ServerSettings(server_mode="subprocess"), {})
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
        Checkpoints(settings, {}).check()
    (line,) = str(refused.value).splitlines()[1:]
    wanted = "config.yaml" if file == "run_config.yaml" else file
    assert f"missing in {tmp_path / folder}: {wanted}; run: hf download " in line
    assert f'"{tmp_path / folder.split("/")[0]}' in line


def test_a_file_that_was_cut_off_is_named_too(settings: ServerSettings, tmp_path: Path) -> None:
    os.truncate(tmp_path / "wan" / "Wan2.1_VAE.pth", 1000)
    with pytest.raises(ServerStartError, match=r"size than published in \S+: Wan2.1_VAE.pth; run"):
        Checkpoints(settings, {}).check()


def test_what_a_planners_configuration_names_is_needed_too(
    settings: ServerSettings, tmp_path: Path
) -> None:
    config = tmp_path / "ckpts" / "mimicgen-wan-1.3b" / "algo_config.yaml"
    config.write_text("tuned_ckpt_path: ${oc.env:VERA_MIMICGEN_CKPT_DIR}/dream.ckpt")
    with pytest.raises(ServerStartError, match=f"missing in {config.parent}: dream.ckpt"):
        Checkpoints(settings, {}).check()


@pytest.mark.parametrize(
    ("setting", "environment", "chosen"),
    [
        ("", {}, "home/.cache"),
        ("", {"TORCH_HOME": "library/torch", "HF_HOME": "library/huggingface"}, "library"),
        ("mine", {"TORCH_HOME": "library/torch", "HF_HOME": "library/huggingface"}, "mine"),
        ("mine", {}, "mine"),
    ],
)
def test_a_cache_is_where_the_setting_says_or_its_library_has_it(
    setting: str,
    environment: dict[str, str],
    chosen: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    given = {name: str(tmp_path / path) for name, path in environment.items()}
    for place in ("home/.cache", "library", "mine"):
        (tmp_path / place / "torch" / "hub" / "checkpoints").mkdir(parents=True)
        (tmp_path / place / "huggingface" / "hub").mkdir(parents=True)
    homes = {"torch_home": "torch", "hf_home": "huggingface"}
    settings = ServerSettings.model_validate(
        {n: str(tmp_path / setting / h) for n, h in homes.items() if setting}
    )
    assert Checkpoints(settings, given).mounts == {
        "/opt/vera/torch/hub/checkpoints": f"{tmp_path}/{chosen}/torch/hub/checkpoints",
        "/cache/huggingface/hub": f"{tmp_path}/{chosen}/huggingface/hub",
    }
    # A process inherits what its library reads.
    assert Checkpoints(settings, given).variables.keys() == (
        {"TORCH_HOME", "HF_HOME"} if setting else set()
    )


def test_what_is_not_there_is_not_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entrypoint says then what belongs there, and what gets it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Checkpoints(ServerSettings(), {"HF_HOME": str(tmp_path)}).mounts == {}
