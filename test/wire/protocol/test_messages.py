# SPDX-License-Identifier: Apache-2.0
"""Requests carry what is set and nothing else; replies are what the config announces."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.errors import ProtocolError
from vera_ros.wire.protocol.codec import pack, unpack
from vera_ros.wire.protocol.messages import InferReply, InferRequest, ObserveReply, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig

PICTURES = np.zeros((2, 4, 6, 3), np.uint8)
GOOD: dict[str, Any] = {
    "context_rgb": PICTURES,
    "view_keys": ("left", "right"),
    "view_widths": (4, 2),
    "session_id": "episode",
}


@pytest.fixture
def config(wire_config: dict[str, Any]) -> ServerConfig:
    return ServerConfig.from_wire(wire_config)


def test_only_what_is_set_is_sent() -> None:
    message = unpack(pack(InferRequest(**GOOD).to_wire()))
    np.testing.assert_array_equal(message.pop("context_rgb"), PICTURES)
    assert message == {
        "view_keys": ["left", "right"],
        "view_widths": [4, 2],
        "session_id": "episode",
    }


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "prompt": st.text(),
            "execute_horizon": st.integers(1, 20),
            "lang_guidance": st.floats(0.0, 10.0),
            "hist_guidance": st.floats(0.0, 10.0),
            "rails_bound": st.booleans(),
            "executed_trans": st.floats(0.0, 1.0),
        },
    )
)
def test_all_that_is_set_is_sent(optional: dict[str, Any]) -> None:
    message = unpack(pack(InferRequest(**GOOD, **optional).to_wire()))
    del message["context_rgb"], message["view_keys"], message["view_widths"]
    assert message == {"session_id": "episode", **optional}


def test_proprioception_travels_under_its_names() -> None:
    position = np.array([0.1, 0.2, 0.3], np.float32)
    request = InferRequest(**GOOD, proprio={"eef_pos": position, "robot0_eef_pos": position})
    message = unpack(pack(request.to_wire()))
    np.testing.assert_array_equal(message["robot0_eef_pos"], position)
    assert message["eef_pos"].dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"context_rgb": PICTURES.astype(np.float32)}, "uint8"),
        ({"context_rgb": PICTURES.tolist()}, "uint8"),
        ({"context_rgb": PICTURES[0]}, "shape"),
        ({"context_rgb": PICTURES[:0]}, "shape"),
        ({"context_rgb": PICTURES[..., :1]}, "shape"),
        ({"view_widths": (4, 4)}, "view_widths"),
        ({"view_widths": (6,)}, "view_widths"),
        ({"session_id": ""}, "session_id"),
        ({"session_id": None}, "session_id"),
        ({"proprio": {"q_robot": [0.0] * 7}}, "q_robot"),
        ({"proprio": {"q_robot": np.zeros(7)}}, "q_robot.*float64"),
        ({"proprio": {"eef_pos": np.zeros(4, np.float32)}}, "eef_pos.*4.*3"),
        ({"proprio": {"eef_quat": np.full(4, np.nan, np.float32)}}, "eef_quat.*finite"),
    ],
)
def test_a_wrong_request_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        InferRequest(**{**GOOD, **changes})


def test_observe_checks_and_sends_its_frames() -> None:
    played = ObserveRequest(PICTURES, ("left", "right"), (4, 2), "episode")
    assert set(played.to_wire()) == {"executed_rgb", "view_keys", "view_widths", "session_id"}
    with pytest.raises(ProtocolError, match="executed_rgb"):
        ObserveRequest(PICTURES[0], ("left", "right"), (4, 2), "episode")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
@pytest.mark.parametrize("rows", [1, 10, 24])
def test_actions_become_native_float32(config: ServerConfig, dtype: str, rows: int) -> None:
    sent = np.arange(rows * 7, dtype=dtype).reshape(rows, 7)
    reply = InferReply.from_wire(unpack(pack({"action": sent, "info": {"infer_s": 1.0}})), config)
    assert reply.actions.dtype == np.dtype(np.float32)
    assert reply.actions.dtype.isnative
    np.testing.assert_array_equal(reply.actions, sent)
    assert reply.info == {"infer_s": 1.0}


@given(actions=hnp.arrays(np.float32, (5, 7)))
def test_rows_that_are_not_finite_are_found(actions: np.ndarray[Any, Any]) -> None:
    rows = InferReply(actions, {}).non_finite_rows
    assert rows.tolist() == [i for i in range(5) if not all(map(np.isfinite, actions[i]))]


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"info": {}},
        {"action": [[0.0] * 7]},
        {"action": np.zeros((10, 7), np.int32)},
        {"action": np.zeros((0, 7), np.float32)},
        {"action": np.zeros((4097, 7), np.float32)},
        {"action": np.zeros((500_000, 7), np.float64)},
        {"action": np.zeros((10, 8), np.float32)},
        {"action": np.zeros(7, np.float32)},
        {"action": np.zeros((1, 10, 7), np.float32)},
        {"action": np.zeros((10, 7), np.float32), "info": "text"},
    ],
)
def test_an_ill_typed_reply_is_refused(config: ServerConfig, message: Any) -> None:
    with pytest.raises(ProtocolError):
        InferReply.from_wire(message, config)


def test_what_is_said_beside_the_actions_is_plain(config: ServerConfig) -> None:
    action = np.zeros((1, 7), np.float32)
    said = {
        "infer_s": np.float32(0.5),
        "cold_start": True,
        "phase": "reach\x1b[2J\n",
        "context_len": [1] * 5000,
        "session_id": None,
        "pending_actions": float("inf"),
    }
    assert InferReply.from_wire({"action": action, "info": said}, config).info == {
        "infer_s": 0.5,
        "cold_start": True,
        "phase": r"reach\x1b[2J\n",
        "context_len": None,
        "session_id": None,
        "pending_actions": None,
    }


def test_observe_replies() -> None:
    assert ObserveReply.from_wire({"ok": True, "retro_rendered": True}) == ObserveReply(True, True)
    failed = ObserveReply.from_wire({"ok": False, "error": "bad rgb"})
    assert failed == ObserveReply(False, False, "bad rgb")
    for message in ({}, {"ok": 1}, None):
        with pytest.raises(ProtocolError):
            ObserveReply.from_wire(message)
