# SPDX-License-Identifier: Apache-2.0
"""The policy keeps the protocol's contract, stacks in a simple world, and is honest."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.robots.pinhole import Pose
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.scene_config import SceneConfig
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.wire.protocol.server_config import ServerConfig, check_embodiment


@pytest.fixture
def policy(arm: Arm, scene: SceneConfig) -> StackPolicy:
    return StackPolicy(arm, scene)


@pytest.fixture
def request_at_start(studio: Any, start_tcp: Pose) -> dict[str, Any]:
    red, green = studio.carried(0.54, 0.05, 0.3), studio.support(0.60, -0.04, 1.0)
    request: dict[str, Any] = studio.request(start_tcp, red, green)
    return request


def largest_command(answer: dict[str, Any]) -> float:
    return float(np.abs(answer["action"][:, :6]).max())


def test_the_handshake_is_that_of_mimicgen(policy: StackPolicy) -> None:
    config = policy.server_config()
    expected = {
        "embodiment": "mimicgen",
        "view_keys": ["agentview_image", "robot0_eye_in_hand_image"],
        "action_space": "eef_delta",
        "action_dim": 7,
        "action_horizon": 10,
        "context_frames": 21,
        "control_dt": 0.05,
        "actions_already_metric": True,
        "gripper_is_raw": True,
        "gripper_dim_index": -1,
        "protocol_version": 1,
    }
    assert {name: config[name] for name in expected} == expected
    check_embodiment(ServerConfig.from_wire(config), find_embodiment("mimicgen"))


def test_actions_are_commands_in_range_with_a_gripper_that_opens_or_closes(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    action = policy.infer(request_at_start)["action"]
    assert action.shape == (10, 7)
    assert action.dtype == np.float32
    assert np.abs(action).max() <= 1
    assert set(action[:, 6].tolist()) <= {-1.0, 1.0}


def test_the_answer_tells_what_was_seen(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    info = policy.infer(request_at_start)["info"]
    assert info["phase"] == "reach"
    assert info["carried"] == pytest.approx([0.54, 0.05, -0.092], abs=3e-3)
    assert info["support"] == pytest.approx([0.60, -0.04, -0.087], abs=3e-3)


def test_the_same_request_gets_the_same_answer_after_a_reset(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    first = policy.infer(request_at_start)["action"]
    for _ in range(3):
        policy.infer(request_at_start)
    policy.reset("new_episode")
    np.testing.assert_array_equal(policy.infer(request_at_start)["action"], first)


def test_the_order_of_the_views_is_the_requests(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    first = policy.infer(request_at_start)["action"]
    policy.reset("new_episode")
    rgb = request_at_start["context_rgb"]
    swapped = {
        **request_at_start,
        "context_rgb": np.concatenate([rgb[:, :, 128:], rgb[:, :, :128]], axis=2),
        "view_keys": request_at_start["view_keys"][::-1],
    }
    np.testing.assert_array_equal(policy.infer(swapped)["action"], first)


def test_only_the_newest_frame_counts(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    first = policy.infer(request_at_start)["action"]
    policy.reset("new_episode")
    rgb = request_at_start["context_rgb"]
    older = {**request_at_start, "context_rgb": np.concatenate([np.zeros_like(rgb), rgb])}
    np.testing.assert_array_equal(policy.infer(older)["action"], first)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_pictures_do_not_move_the_arm(
    policy: StackPolicy, request_at_start: dict[str, Any], value: int
) -> None:
    request_at_start["context_rgb"][:] = value
    for _ in range(3):
        answer = policy.infer(request_at_start)
        assert largest_command(answer) < 1e-3
        assert answer["info"]["phase"] == "search"
        assert "colour" in answer["info"]["note"]


def test_swapped_views_do_not_move_the_arm(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    request_at_start["view_keys"].reverse()
    assert largest_command(policy.infer(request_at_start)) < 1e-3


def test_blue_for_red_does_not_move_the_arm(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    request_at_start["context_rgb"] = request_at_start["context_rgb"][..., ::-1]
    assert largest_command(policy.infer(request_at_start)) < 1e-3


@pytest.mark.parametrize(
    "name",
    ["context_rgb", "view_keys", "view_widths", "eef_pos", "eef_quat", "gripper_qpos"],
)
def test_a_missing_field_is_named(
    policy: StackPolicy, request_at_start: dict[str, Any], name: str
) -> None:
    del request_at_start[name]
    with pytest.raises(ProtocolError, match=f"no {name}"):
        policy.infer(request_at_start)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view_keys": ["agentview_image", "hand"]}, "lack 'robot0_eye_in_hand_image'"),
        ({"view_widths": [128, 64]}, "256 px together"),
        ({"view_widths": [256]}, "one positive width for each"),
        ({"context_rgb": np.zeros((1, 128, 256), np.uint8)}, r"uint8 of shape \(T, H"),
        ({"context_rgb": np.zeros((1, 128, 256, 3), np.float32)}, "type float32"),
        ({"eef_pos": [0.1, np.nan, 0.1]}, "eef_pos .* 3 finite numbers"),
        ({"eef_pos": [0.1, 0.1]}, "eef_pos .* 3 finite numbers"),
        ({"eef_quat": [0.0, 0.0, 0.0, 0.0]}, "eef_quat .* must have length 1"),
        ({"gripper_qpos": "open"}, "gripper_qpos must hold 2 numbers"),
        ({"execute_horizon": 0}, "execute_horizon is 0; .* 1 to"),
        ({"execute_horizon": "ten"}, "execute_horizon is 'ten'"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(
    policy: StackPolicy, request_at_start: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProtocolError, match=message):
        policy.infer({**request_at_start, **changes})


def test_configure_moves_the_advertised_horizon(
    policy: StackPolicy, request_at_start: dict[str, Any]
) -> None:
    assert policy.configure({"n_action_steps": 7}) == {"n_action_steps": 7}
    assert policy.server_config()["action_horizon"] == 7
    assert policy.infer(request_at_start)["action"].shape == (7, 7)
    assert policy.infer({**request_at_start, "execute_horizon": 4})["action"].shape == (4, 7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_steps": 5, "n_action_steps": 5}, "no setting sample_steps; it has n_action"),
        ({"n_action_steps": 0}, "n_action_steps is 0; .* from 1 to"),
        ({"n_action_steps": True}, "n_action_steps is True"),
        ({"n_action_steps": 2.5}, "n_action_steps is 2.5"),
    ],
)
def test_a_wrong_setting_changes_nothing(
    policy: StackPolicy, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        policy.configure(settings)
    assert policy.server_config()["action_horizon"] == 10


def test_reload_answers_with_the_config_and_refuses_another_embodiment(
    policy: StackPolicy,
) -> None:
    assert policy.reload({"embodiment": "mimicgen"}) == policy.server_config()
    with pytest.raises(ConfigurationError, match="cannot become 'pusht'"):
        policy.reload({"embodiment": "pusht"})


def test_observe_is_accepted(policy: StackPolicy) -> None:
    assert policy.observe({"executed_rgb": []}) == {"ok": True, "retro_rendered": False}


reds = st.tuples(st.floats(0.48, 0.64), st.floats(-0.08, 0.08), st.floats(0, np.pi / 2))


@settings(deadline=None, max_examples=12)
@given(red=reds, angle=st.floats(0, 6.28), distance=st.floats(0.075, 0.12))
def test_it_stacks_the_cubes(
    toy: Any, red: tuple[float, float, float], angle: float, distance: float
) -> None:
    world = toy(red, angle, distance)
    assert world.play(chunks=16) == "done"
    assert world.is_tower()


@settings(deadline=None, max_examples=8)
@given(red=reds, moment=st.integers(0, 6), push=st.sampled_from([-0.04, 0.04]))
def test_it_recovers_when_the_cubes_are_moved(
    toy: Any, red: tuple[float, float, float], moment: int, push: float
) -> None:
    world = toy(red, 1.0, 0.11)
    world.play(chunks=moment)
    world.push(push)
    assert world.play(chunks=24) == "done"
    assert world.is_tower()


def test_it_starts_over_when_the_cube_is_lost_from_the_hand(toy: Any) -> None:
    world = toy((0.52, 0.0, 0.2), 1.0, 0.11)
    while not world.holds:
        world.play(chunks=1)
    world.play(chunks=1)
    world.drop()
    assert world.play(chunks=24) == "done"
    assert world.is_tower()


def test_a_tower_whose_support_cannot_be_seen_any_more_is_left_alone(
    policy: StackPolicy, studio: Any, start_tcp: Pose
) -> None:
    """Compressed pictures lose the dark sides of the lower cube; the tower was taken down again."""
    green = studio.support(0.56, 0.0, 0.3)
    red = studio.carried(0.56, 0.0, 0.3, -0.112 + 0.05 + 0.02)
    policy.infer(studio.request(start_tcp, studio.carried(0.50, 0.08, 0.3), green))
    answer = policy.infer(studio.request(start_tcp, red, None))
    assert answer["info"]["phase"] == "done"
    assert largest_command(answer) < 1e-3


@settings(deadline=None, max_examples=6)
@given(red=reds)
def test_with_a_picture_that_never_changes_nothing_is_stacked(
    toy: Any, red: tuple[float, float, float]
) -> None:
    world = toy(red, 1.0, 0.11)
    world.freeze()
    world.play(chunks=15)
    assert not world.is_tower()
    assert not world.holds


# Pending actions.


def test_a_chunk_from_pending_actions_says_so_and_starts_where_they_lead(
    arm: Arm, scene: SceneConfig, request_at_start: dict[str, Any]
) -> None:
    first = StackPolicy(arm, scene).infer(request_at_start)["action"]
    request = {**request_at_start, "pending_actions": first}
    policy = StackPolicy(arm, scene)
    policy.infer(request_at_start)
    answer = policy.infer(request)
    assert answer["info"]["pending_actions"] == 10
    # The move goes on: what the first chunk covers is not commanded again.
    assert (
        np.abs(answer["action"][:, :3].sum(axis=0)).max() < np.abs(first[:, :3].sum(axis=0)).max()
    )


def test_without_looking_ahead_pending_actions_change_nothing(
    arm: Arm, scene: SceneConfig, request_at_start: dict[str, Any]
) -> None:
    first = StackPolicy(arm, scene, looks_ahead=False).infer(request_at_start)
    request = {**request_at_start, "pending_actions": first["action"]}
    second = StackPolicy(arm, scene, looks_ahead=False).infer(request)
    np.testing.assert_array_equal(first["action"], second["action"])
    assert "pending_actions" not in second["info"]


@pytest.mark.parametrize(
    "pending",
    [
        np.zeros((3, 6), np.float32),
        np.zeros(7, np.float32),
        np.zeros((2, 7), np.int64),
        np.full((2, 7), np.nan, np.float32),
        np.zeros((1000, 7), np.float32),
        "none",
    ],
    ids=["columns", "shape", "type", "nan", "rows", "text"],
)
def test_pending_actions_that_are_none_are_named(
    policy: StackPolicy, request_at_start: dict[str, Any], pending: object
) -> None:
    with pytest.raises(ProtocolError, match="pending_actions"):
        policy.infer({**request_at_start, "pending_actions": pending})
