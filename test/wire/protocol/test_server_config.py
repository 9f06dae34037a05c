# SPDX-License-Identifier: Apache-2.0
"""The server's description of itself is read completely, or refused with the field's name."""

from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import pytest

from vera_ros.embodiments import EMBODIMENTS, Embodiment
from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.wire.protocol.codec import pack, unpack
from vera_ros.wire.protocol.server_config import (
    ServerConfig,
    check_embodiment,
    check_same_policy,
    with_chosen_views,
)

REQUIRED = [f.name for f in fields(ServerConfig) if f.default is MISSING and f.name != "extra"]
OPTIONAL = [f.name for f in fields(ServerConfig) if f.default is not MISSING]


def config_of(embodiment: Embodiment, /, **changes: Any) -> ServerConfig:
    values: dict[str, Any] = {
        "embodiment": embodiment.name,
        "view_keys": embodiment.view_keys,
        "action_space": embodiment.labels[0],
        "action_horizon": 10,
        "action_dim": embodiment.action_dim,
        "context_frames": 21,
        "control_dt": embodiment.control_dt_s,
        "gripper_is_raw": True,
        "actions_already_metric": True,
        "needs_prompt": False,
    }
    return ServerConfig(**{**values, **changes})


def test_every_field_is_read_and_sent_back(wire_config: dict[str, Any]) -> None:
    config = ServerConfig.from_wire(unpack(pack(wire_config)))
    assert config.view_keys == ("agentview_image", "robot0_eye_in_hand_image")
    assert config.control_dt == 0.05
    assert config.image_resolution is None
    assert config.argv[-1] == "mimicgen"
    assert not config.extra
    assert config.to_wire() == wire_config


def test_unknown_fields_are_kept(wire_config: dict[str, Any]) -> None:
    config = ServerConfig.from_wire({**wire_config, "planner_budget": 24})
    assert config.extra == {"planner_budget": 24}
    assert config.to_wire()["planner_budget"] == 24


def test_numpy_scalars_count_as_numbers(wire_config: dict[str, Any]) -> None:
    changes = {"action_dim": np.int64(7), "control_dt": np.float32(0.05), "is_causal": np.True_}
    config = ServerConfig.from_wire(unpack(pack({**wire_config, **changes})))
    assert (type(config.action_dim), type(config.control_dt)) == (int, float)
    assert config.is_causal is True


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_field_is_named(wire_config: dict[str, Any], name: str) -> None:
    del wire_config[name]
    with pytest.raises(ProtocolError, match=f"'{name}'"):
        ServerConfig.from_wire(wire_config)


def test_optional_fields_have_defaults(wire_config: dict[str, Any]) -> None:
    for name in OPTIONAL:
        del wire_config[name]
    assert ServerConfig.from_wire(wire_config).gripper_dim_index == -1


@pytest.mark.parametrize("name", REQUIRED + OPTIONAL)
@pytest.mark.parametrize("value", [{}, b"bytes", [None]])
def test_an_ill_typed_field_is_named_with_its_value(
    wire_config: dict[str, Any], name: str, value: Any
) -> None:
    with pytest.raises(ProtocolError, match=f"'{name}' is .*must be"):
        ServerConfig.from_wire({**wire_config, name: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"action_dim": True},
        {"action_dim": 0},
        {"action_horizon": -1},
        {"context_frames": 10**9},
        {"view_widths": [128]},
        {"view_widths": [128, 0]},
        {"image_resolution": [128]},
        {"image_resolution": [128, -1]},
        {"needs_prompt": 1},
        {"image_resolution": [10**6, 10**6]},
        {"image_resolution": [2**31, 4]},
        {"view_widths": [10**9, 4]},
        {"view_keys": []},
        {"view_keys": ["a"] * 33, "view_widths": []},
        {"argv": ["a"] * 1025},
        {"protocol_version": 2**40},
    ],
)
def test_an_impossible_value_is_named(wire_config: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match=next(iter(changes)).replace("_", ".")):
        ServerConfig.from_wire({**wire_config, **changes})


@pytest.mark.parametrize("message", [None, [], "text", 5])
def test_a_config_is_a_map(message: Any) -> None:
    with pytest.raises(ProtocolError, match="map"):
        ServerConfig.from_wire(message)


@pytest.mark.parametrize("embodiment", EMBODIMENTS.values(), ids=str)
def test_an_embodiment_accepts_its_own_server(embodiment: Embodiment) -> None:
    check_embodiment(config_of(embodiment), embodiment)


@pytest.mark.parametrize(("name", "column"), [("mimicgen", 6), ("allegro", None), ("pusht", None)])
def test_gripper_column(name: str, column: int | None) -> None:
    assert config_of(EMBODIMENTS[name]).gripper_column == column


def test_an_explicit_gripper_column_is_taken() -> None:
    assert config_of(EMBODIMENTS["mimicgen"], gripper_dim_index=0).gripper_column == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"embodiment": "droid"}, "'droid'.*'mimicgen'.*--embodiment mimicgen"),
        ({"action_space": "telepathy"}, "'telepathy' is not known.*eef_delta"),
        ({"action_space": "joint_position"}, "'joint_position' is not supported .* for mimicgen"),
        ({"action_space": "pos"}, "'pos' is not known for mimicgen"),
        ({"action_dim": 8}, "8 columns.*have 7"),
        ({"view_keys": ("agentview_image",)}, "robot0_eye_in_hand_image"),
        ({"view_keys": ("agentview_image", "agentview_image")}, "robot0_eye_in_hand_image"),
        ({"control_dt": 0.1}, "0.1 s.*0.0500 s"),
        ({"control_dt": float("nan")}, "nan"),
        ({"action_abs_scale": (1.0, 2.0)}, r"action_abs_scale.*7 finite"),
        ({"action_abs_scale": (float("inf"),) * 7}, "inf"),
        ({"gripper_dim_index": 7}, "gripper_dim_index is 7"),
        ({"context_frames": 4096}, "4096 frames.*402653184 in all.*smaller context"),
        ({"image_resolution": (4096, 4096)}, "4096 px high and 8192 px wide"),
        ({"image_resolution": (1200, 1200), "context_frames": 1}, "8640000 bytes each"),
        ({"gripper_dim_index": -2}, "gripper_dim_index is -2"),
    ],
)
def test_another_robot_is_refused_with_the_field(changes: dict[str, Any], words: str) -> None:
    mimicgen = EMBODIMENTS["mimicgen"]
    with pytest.raises(ConfigurationError, match=words):
        check_embodiment(config_of(mimicgen, **changes), mimicgen)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("droid", "joint_delta"),
        ("droid", "se3_quat"),
        ("droid", "qpos_delta"),
        ("mimicgen", "se3_quat"),
        ("mimicgen", "cartesian_velocity"),
        ("pusht", "pusht_pos_cmd"),
        ("allegro", "joint_position"),
    ],
)
def test_a_checkpoint_for_this_robot_with_other_actions_is_not_called_one_for_another(
    name: str, label: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"'{label}' is not supported") as refused:
        check_embodiment(config_of(EMBODIMENTS[name], action_space=label), EMBODIMENTS[name])
    assert "made for" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "label"),
    [(name, label) for name, kind in EMBODIMENTS.items() for label in kind.labels],
)
def test_every_label_of_a_robot_is_accepted(name: str, label: str) -> None:
    check_embodiment(config_of(EMBODIMENTS[name], action_space=label), EMBODIMENTS[name])


def test_the_order_of_views_is_the_servers() -> None:
    droid = EMBODIMENTS["droid"]
    check_embodiment(config_of(droid, view_keys=droid.view_keys[::-1]), droid)


def test_another_protocol_version_is_read(wire_config: dict[str, Any]) -> None:
    assert ServerConfig.from_wire({**wire_config, "protocol_version": 2}).protocol_version == 2


def test_an_episode_goes_on_with_the_same_policy() -> None:
    before = config_of(EMBODIMENTS["mimicgen"])
    check_same_policy(before, replace(before, action_horizon=4, context_frames=9, hostname="other"))


@pytest.mark.parametrize(
    "changes",
    [
        {"embodiment": "droid"},
        {"view_keys": ("robot0_eye_in_hand_image", "agentview_image")},
        {"view_widths": (128, 128)},
        {"image_resolution": (252, 252)},
        {"action_space": "joint_position"},
        {"action_dim": 8},
        {"control_dt": 0.1},
        {"gripper_is_raw": False},
        {"gripper_dim_index": 0},
        {"actions_already_metric": False, "action_abs_scale": (2.0,) * 7},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_episode_does_not_go_on_with_another_one(changes: dict[str, Any]) -> None:
    before = config_of(EMBODIMENTS["mimicgen"])
    with pytest.raises(ConfigurationError) as error:
        check_same_policy(before, replace(before, **changes))
    for name, value in changes.items():
        assert f"{name} was {getattr(before, name)!r} and is {value!r}" in str(error.value)


def test_texts_are_printable_and_bounded(wire_config: dict[str, Any]) -> None:
    said = {"hostname": "a\x1b[2J\n" + "x" * 20_000, "argv": ["--text", "two\nlines"], "new\n": 1}
    config = ServerConfig.from_wire({**wire_config, **said})
    assert config.hostname.startswith(r"a\x1b[2J\nxxx")
    assert len(config.hostname) < 1100
    assert config.argv == ("--text", r"two\nlines")
    assert config.extra == {r"new\n": 1}


@pytest.mark.parametrize("value", [np.zeros(3), [np.zeros(2)], {"a": np.ones(2)}, float("nan")])
def test_the_same_configuration_is_equal_whatever_it_has_beside(
    wire_config: dict[str, Any], value: Any
) -> None:
    frame = pack({**wire_config, "new": value})
    assert ServerConfig.from_wire(unpack(frame)) == ServerConfig.from_wire(unpack(frame))


def test_a_client_that_chooses_views_gets_a_config_of_those() -> None:
    chosen = EMBODIMENTS["allegro"].with_views(["camera_7", "camera_2"])
    widths = tuple(range(100, 112))
    config = config_of(EMBODIMENTS["allegro"], view_widths=widths)
    check_embodiment(config, chosen)
    narrowed = with_chosen_views(config, chosen)
    assert narrowed.view_keys == ("camera_7", "camera_2")
    assert narrowed.view_widths == (107, 102)
    assert with_chosen_views(replace(config, view_widths=()), chosen).view_widths == ()
    with pytest.raises(ConfigurationError, match=r"the server's views are \['camera_2'\]"):
        check_embodiment(replace(config, view_keys=("camera_2",), view_widths=()), chosen)


@pytest.mark.parametrize("name", EMBODIMENTS)
def test_only_a_client_of_allegro_chooses_views(name: str) -> None:
    embodiment = EMBODIMENTS[name]
    for none in ([], [""]):
        assert embodiment.with_views(none) == embodiment
    fewer = embodiment.with_views([embodiment.view_keys[0]])
    assert (fewer == embodiment) == (name != "allegro")
    assert with_chosen_views(config_of(embodiment), embodiment) == config_of(embodiment)


@pytest.mark.parametrize("views", [["camera_12"], ["camera_1", "camera_1"]])
def test_views_that_an_embodiment_lacks_are_refused(views: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"valid for allegro are, once each, camera_0"):
        EMBODIMENTS["allegro"].with_views(views)
