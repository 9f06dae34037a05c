# SPDX-License-Identifier: Apache-2.0
"""Settings from parameters and environment: who wins, and what is refused in whose name."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.errors import ConfigurationError
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import read_settings, variable_of
from vera_ros.wire.connection.access import ServerAccess

LAUNCHING = ["docker", "subprocess"]


def refusal(parameters: dict[str, Any], environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(parameters, environment or {})
    return str(refused.value)


def test_the_defaults_are_valid_in_every_mode() -> None:
    for mode in (*LAUNCHING, "attach", "reference"):
        assert read_settings({"server_mode": mode}, {}).settings.server_mode == mode


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_ports_are_the_embodiments_own_unless_chosen(name: str) -> None:
    own = ServerSettings(embodiment=name)
    kind = EMBODIMENTS[name]
    assert (own.port, own.viewer_port) == (kind.policy_port, kind.viewer_port)
    chosen = ServerSettings(embodiment=name, server_port=9000, vis_port=0)
    assert (chosen.port, chosen.viewer_port) == (9000, 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "ws://127.0.0.1:8800"),
        ("0.0.0.0", "ws://127.0.0.1:8800"),
        ("::", "ws://[::1]:8800"),
        ("gpu-machine", "ws://gpu-machine:8800"),
    ],
)
def test_a_client_finds_the_server(host: str, url: str) -> None:
    assert ServerSettings(server_host=host).url == url


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("VERA_MIMICGEN_CKPT_DIR", "/a", "ckpt_root", "/a"),
        ("VERA_MIMICGEN_CKPT_ROOT", "/a", "ckpt_root", "/a"),
        ("VERA_WAN_CKPT_ROOT", "/w", "wan_root", "/w"),
        ("VERA_SERVER_READY_TIMEOUT", "1200", "ready_timeout_s", 1200.0),
        ("VERA_TEACACHE_THRESH", "0.12", "teacache", 0.12),
        ("VERA_DOCKER_IMAGE", "vera:2", "image", "vera:2"),
        ("VERA_DOCKER_GPUS", "device=1", "gpu", "1"),
        ("VERA_PYTHON", "/opt/python", "interpreter", "/opt/python"),
    ],
)
def test_the_names_that_others_have_for_a_setting_count_unless_ours_is_set(
    variable: str, text: str, name: str, value: Any
) -> None:
    sourced = read_settings({name: getattr(ServerSettings(), name)}, {variable: text})
    assert getattr(sourced.settings, name) == value
    assert variable in sourced.overrides[0]
    ours = {"gpu": "2", "teacache": "0.2", "ready_timeout_s": "60"}.get(name, "/ours")
    ours = "vera:3" if name == "image" else ours
    both = read_settings({}, {variable: text, variable_of(name): ours}).settings
    assert str(getattr(both, name)) in (ours, f"{ours}.0")


def test_what_is_wrong_is_said_of_the_variable_that_has_it() -> None:
    assert "variable VERA_DOCKER_GPUS is 'all'" in refusal({}, {"VERA_DOCKER_GPUS": "all"})
    said = refusal({"embodiment": "pusht"}, {"VERA_PUSHT_CKPT_ROOT": "/a\0"})
    assert "variable VERA_PUSHT_CKPT_ROOT" in said
    assert not read_settings({}, {"VERA_PUSHT_CKPT_ROOT": "/a"}).settings.ckpt_root


@given(port=st.integers(1, 65535), steps=st.integers(0, 1000), build=st.booleans())
def test_the_environment_wins_and_says_so(port: int, steps: int, build: bool) -> None:
    parameters = {"server_port": 8801, "sample_steps": 0, "build_image": False}
    environment = {
        "VERA_SERVER_PORT": str(port),
        "VERA_SAMPLE_STEPS": str(steps),
        "VERA_BUILD_IMAGE": str(build),
        "VERA_MODE_OF_NOBODY": "ignored",
    }
    sourced = read_settings(parameters, environment)
    settings = sourced.settings
    assert (settings.port, settings.sample_steps, settings.build_image) == (port, steps, build)
    changed = [name for name, value in parameters.items() if getattr(settings, name) != value]
    assert len(sourced.overrides) == len(changed)
    for name, line in zip(
        sorted(changed, key=list(ServerSettings.model_fields).index), sourced.overrides, strict=True
    ):
        assert variable_of(name) in line
        assert f"not '{parameters[name]}'" in line


def test_an_empty_variable_counts_as_unset() -> None:
    """Compose files pass on what is not set as empty."""
    sourced = read_settings({"server_mode": "docker"}, {"VERA_SERVER_MODE": ""})
    assert sourced.settings.server_mode == "docker"
    assert sourced.overrides == ()


@pytest.mark.parametrize("text", ["off", "0"])
def test_the_planners_cache_can_be_turned_off(text: str) -> None:
    assert read_settings({}, {"VERA_TEACACHE": text}).settings.teacache == 0.0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("server_mode", "cloud", ("'attach', 'docker', 'subprocess' or 'reference'",)),
        ("embodiment", "spot", ("mimicgen | droid | allegro | pusht",)),
        ("server_host", " ", ("host name or an address",)),
        ("server_port", "0", ("1 … 65535",)),
        ("server_port", "99999", ("65535",)),
        ("server_port", "many", ("integer",)),
        ("vis_port", "-2", ("-1",)),
        ("ready_timeout_s", "nan", ("finite",)),
        ("ready_timeout_s", "0", ("1",)),
        ("sample_steps", "2.5", ("integer",)),
        ("teacache", "2", ("1",)),
        ("tracker_backend", "megaflow", ("'auto', 'cotracker' or 'alltracker'",)),
        ("build_image", "perhaps", ("boolean",)),
        ("gpu", "all", ("an index, like 0, or a UUID",)),
        ("gpu", "device=0", ("an index, like 0, or a UUID",)),
        ("gpu", "0,1", ("an index, like 0, or a UUID",)),
    ],
)
def test_a_value_is_refused_in_the_name_of_its_source(
    name: str, value: str, words: tuple[str, ...]
) -> None:
    said = refusal({name: value})
    assert f"parameter '{name}' is '{value}': " in said
    of_environment = refusal({}, {variable_of(name): value})
    assert f"environment variable {variable_of(name)} is '{value}': " in of_environment
    for word in (*words, str(ServerSettings.model_fields[name].description)):
        assert word in said
        assert word in of_environment


@pytest.mark.parametrize("gpu", ["", "0", "12", "GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a"])
def test_a_gpu_is_named_by_index_or_uuid(gpu: str) -> None:
    assert ServerSettings(gpu=gpu).gpu == gpu


@pytest.mark.parametrize("mode", LAUNCHING)
@pytest.mark.parametrize(
    ("embodiment", "tracker", "valid"),
    [("droid", "cotracker", "auto | alltracker"), ("pusht", "alltracker", "auto")],
)
def test_a_tracker_must_be_one_of_the_embodiments(
    mode: str, embodiment: str, tracker: str, valid: str
) -> None:
    chosen = {"embodiment": embodiment, "tracker_backend": tracker}
    said = refusal({"server_mode": mode, **chosen})
    assert f"'{tracker}': valid for {embodiment} is {valid} (" in said
    read_settings({"server_mode": "attach", **chosen}, {})


@pytest.mark.parametrize("mode", LAUNCHING)
@pytest.mark.parametrize("name", ["ckpt_root", "wan_root", "torch_home", "hf_home"])
def test_a_folder_must_be_there_where_it_is_used(mode: str, name: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert "no such folder" in refusal({"server_mode": mode, name: missing})
    assert "no such folder" in refusal({"server_mode": mode, name: __file__})
    read_settings({"server_mode": "attach", name: missing}, {})
    settings = read_settings({"server_mode": mode, name: f"{tmp_path}/.."}, {}).settings
    assert Path(getattr(settings, name)).is_absolute()


def test_a_folder_in_the_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ckpts").mkdir()
    settings = read_settings({"server_mode": "docker", "ckpt_root": "~/ckpts"}, {}).settings
    assert settings.ckpt_root == str(tmp_path / "ckpts")


def test_files_and_programs_must_be_there_where_they_are_used() -> None:
    local, nowhere = {"server_mode": "subprocess"}, "/nowhere/at/all"
    assert "no such file" in refusal({**local, "algo_config": nowhere})
    assert "no such program" in refusal({**local, "interpreter": nowhere})
    in_container = {"server_mode": "docker", "algo_config": "/ckpts/omni.yaml"}
    assert read_settings(in_container, {}).settings.algo_config == "/ckpts/omni.yaml"
    found = read_settings({**local, "interpreter": "python3"}, {}).settings.interpreter
    assert Path(found).is_absolute()
    assert read_settings({**local, "interpreter": sys.executable}, {}).settings


@pytest.mark.parametrize("mode", LAUNCHING)
def test_policy_and_viewer_need_ports_of_their_own(mode: str) -> None:
    assert "8801 is the policy server's port" in refusal({"server_mode": mode, "server_port": 8801})
    both = {"server_mode": mode, "server_port": 9000, "vis_port": 9000}
    assert "parameter 'vis_port' is 9000" in refusal(both)
    read_settings({**both, "server_mode": "attach"}, {})


def test_every_problem_is_told_at_once() -> None:
    said = refusal({"embodiment": "spot", "gpu": "0"}, {"VERA_SERVER_PORT": "x"}).splitlines()
    assert len(said) == 2


def test_settings_do_not_change_and_take_no_others() -> None:
    settings = ServerSettings()
    with pytest.raises(ValidationError):
        setattr(settings, "image", "other")  # noqa: B010
    with pytest.raises(ConfigurationError, match="'gpu'"):
        read_settings({"gpu": "all"}, {})


@pytest.mark.parametrize(
    "image",
    ["-v/:/host", "--privileged", "-", " vera", "vera\n", "a b", "@x", "a\0b", "v" * 300, ""],
)
@pytest.mark.parametrize("mode", ["docker", "attach"])
def test_an_image_s_name_cannot_be_an_option(image: str, mode: str) -> None:
    said = refusal({"server_mode": mode, "image": image})
    assert "parameter 'image' is" in said


@pytest.mark.parametrize(
    "image",
    ["vera-server", "ghcr.io/x/vera_server:1.0", "localhost:5000/v", f"v@sha256:{'0' * 64}"],
)
def test_names_of_images_are_valid(image: str) -> None:
    assert read_settings({"image": image}, {}).settings.image == image


@pytest.mark.parametrize(
    "name", [n for n, field in ServerSettings.model_fields.items() if field.annotation is str]
)
def test_no_text_ends_in_the_middle(name: str) -> None:
    assert f"parameter '{name}' is" in refusal({name: "a\0b"})


@given(st.text(max_size=20), st.sampled_from(["image", "gpu", "server_host"]))
def test_no_word_of_a_command_line_begins_as_an_option(text: str, name: str) -> None:
    with pytest.raises(ConfigurationError):
        read_settings({name: f"-{text}"}, {})


def test_a_server_behind_tls_has_another_scheme_and_files() -> None:
    environment = {"VERA_SERVER_TLS": "true", "VERA_SERVER_CA_FILE": "ca.pem"}
    settings = read_settings({"server_token_file": "token"}, environment).settings
    assert settings.url == "wss://127.0.0.1:8800"
    assert settings.access == ServerAccess(server_ca_file="ca.pem", server_token_file="token")


@pytest.mark.parametrize("mode", [*LAUNCHING, "reference"])
def test_what_is_started_here_has_no_tls(mode: str) -> None:
    assert "has no TLS" in refusal({"server_mode": mode, "server_tls": True})
