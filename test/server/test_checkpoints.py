# SPDX-License-Identifier: Apache-2.0
"""The table of checkpoints, with folders: variables, mounts, and what is missing."""

import os
from pathlib import Path

import pytest

from vera_ros.errors import ServerStartError
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.settings import ServerSettings, load_table

TABLE = load_table()
MIMICGEN = {
    "ckpts/mimicgen-wan-1.3b": ("algo_config.yaml", "flow_decoder.ckpt"),
    "ckpts/idm-mimicgen-285ouq1q": ("model.ckpt", "run_config.yaml"),
    "hf/hub/models--facebook--VGGT-1B/snapshots/none": ("config.json", "model.safetensors"),
    "torch/hub": ("trusted_list", "facebookresearch_co-tracker_main/hubconf.py"),
    "torch/hub/checkpoints": ("scaled_offline.pth",),
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
        torch_home=str(tmp_path / "torch"),
    )


def test_variables_are_those_that_vera_reads(settings: ServerSettings, tmp_path: Path) -> None:
    checkpoints = Checkpoints(settings, {})
    checkpoints.check()
    idm = tmp_path / "ckpts" / "idm-mimicgen-285ouq1q" / "model.ckpt"
    assert checkpoints.variables == {
        "VERA_CKPT_ROOT": str(tmp_path / "ckpts"),
        "VERA_WAN_ROOT": str(tmp_path / "wan"),
        "HF_HOME": str(tmp_path / "hf"),
        "TORCH_HOME": str(tmp_path / "torch"),
        "VERA_MIMICGEN_CKPT_DIR": str(tmp_path / "ckpts" / "mimicgen-wan-1.3b"),
        "VERA_MIMICGEN_DYNAMICS_CKPT": str(idm),
        "VERA_WAN_CKPT_ROOT": str(tmp_path / "wan"),
    }
    planner = tmp_path / "ckpts" / "mimicgen-wan-1.3b" / "algo_config.yaml"
    assert checkpoints.algo_config == str(planner)


def test_nothing_is_left_to_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    checkpoints = Checkpoints(ServerSettings(server_mode="subprocess"), {})
    assert checkpoints.algo_config == ""
    with pytest.raises(ServerStartError) as refused:
        checkpoints.check()
    said = str(refused.value)
    assert "mimicgen-planner: VERA_CKPT_ROOT is not set" in said
    assert "wan-t2v-1.3b: VERA_WAN_ROOT is not set" in said
    assert f"missing in {tmp_path}/.cache/huggingface/hub/models--facebook--VGGT-1B" in said
    assert f"missing in {tmp_path}/.cache/torch/hub" in said


def test_what_a_bundles_own_variable_names_wins_as_it_does_in_vera(
    settings: ServerSettings, tmp_path: Path
) -> None:
    idm = (tmp_path / "ckpts" / "idm-mimicgen-285ouq1q").rename(tmp_path / "mine")
    (idm / "model.ckpt").rename(idm / "epoch12.ckpt")
    wan = (tmp_path / "wan").rename(tmp_path / "base")
    (tmp_path / "wan").mkdir()
    own = {"VERA_MIMICGEN_DYNAMICS_CKPT": str(idm / "epoch12.ckpt")}
    own |= {"VERA_WAN_CKPT_ROOT": str(wan)}
    checkpoints = Checkpoints(settings, own)
    checkpoints.check()
    assert checkpoints.variables.items() >= own.items()
    assert checkpoints.tokenizers == wan / "google"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"embodiment": "droid"}, ("droid's inverse dynamics model", "server_mode docker")),
        ({"embodiment": "allegro"}, ("allegro's inverse dynamics model", "server_mode docker")),
        (
            {"dynamics_run_id": "37oa162u"},
            ("37oa162u", "export VERA_MIMICGEN_DYNAMICS_CKPT=<folder>/model.ckpt of that run"),
        ),
        (
            {"embodiment": "pusht", "algo_config": "ckpts/mimicgen-wan-1.3b/algo_config.yaml"},
            ("pusht's planner reads none", "leave algo_config"),
        ),
    ],
)
def test_a_process_that_would_load_another_model_is_refused(
    settings: ServerSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chosen: dict[str, str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ServerSettings.model_validate({**settings.model_dump(), **chosen})
    with pytest.raises(ServerStartError) as refused:
        Checkpoints(settings, {}).check()
    for word in words:
        assert word in str(refused.value)


def test_a_planner_of_ones_own_needs_what_its_configuration_names(
    settings: ServerSettings, tmp_path: Path
) -> None:
    config = tmp_path / "omni" / "algo_config.yaml"
    config.parent.mkdir()
    config.write_text(
        f"tuned_ckpt_path: {config.parent}/dream.ckpt\n"
        "vae_ckpt_path: ${oc.env:VERA_WAN_CKPT_ROOT}/Wan2.1_VAE.pth\n"
    )
    (tmp_path / "ckpts" / "mimicgen-wan-1.3b" / "flow_decoder.ckpt").unlink()
    settings = settings.model_copy(update={"algo_config": str(config)})
    checkpoints = Checkpoints(settings, {})
    assert checkpoints.algo_config == str(config)
    assert checkpoints.tokenizers == tmp_path / "wan" / "google"
    with pytest.raises(ServerStartError, match=f"missing in {config.parent}: dream.ckpt$"):
        checkpoints.check()
    (config.parent / "dream.ckpt").write_bytes(b"weights")
    checkpoints.check()


def test_alltracker_is_found_where_its_variable_says(settings: ServerSettings) -> None:
    settings = settings.model_copy(update={"tracker_backend": "alltracker"})
    with pytest.raises(ServerStartError, match="alltracker-code: VERA_ALLTRACKER_ROOT is not set"):
        Checkpoints(settings, {}).check()
    checkpoints = Checkpoints(settings, {"VERA_ALLTRACKER_ROOT": "/trackers"})
    assert checkpoints.tracker_code == "/trackers/alltracker"
    assert checkpoints.variables["VERA_ALLTRACKER_ROOT"] == "/trackers"


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
    assert f"missing in {tmp_path / folder}: {wanted}; run: " in line
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
    variables = Checkpoints(settings, given).variables
    assert variables["TORCH_HOME"] == f"{tmp_path}/{chosen}/torch"
    assert variables["HF_HOME"] == f"{tmp_path}/{chosen}/huggingface"


def test_what_is_not_there_is_not_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entrypoint says then what belongs there, and what gets it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Checkpoints(ServerSettings(), {"HF_HOME": str(tmp_path)}).mounts == {}
