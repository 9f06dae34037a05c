# SPDX-License-Identifier: Apache-2.0
"""Settings of a running server: one by one, read back, and what is otherwise is said."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection

from vera_ros.errors import PolicyServerError, ProtocolError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.codec import pack, unpack
from vera_ros.wire.tuning import Setting, Tuned, tune

LONG_S = 30.0
NAMES = ("motion_plan_scale", "n_action_steps", "sample_steps", "lang_guidance", "hist_guidance")
settings = st.dictionaries(
    st.sampled_from(NAMES), st.integers(1, 100) | st.floats(0.0, 10.0), max_size=5
)


@given(settings)
def test_what_is_as_it_was_asked_for_is_not_complained_of(asked: dict[str, Any]) -> None:
    assert Tuned(asked, {name: float(value) for name, value in asked.items()}).complaints == {}


@pytest.mark.parametrize("applied", [["b", "a"], ["a"], [], "a", None, 2, [1, 2]])
def test_views_count_in_their_order(applied: Any) -> None:
    asked: dict[str, Setting] = {"control_view_keys": ["a", "b"]}
    assert Tuned(asked, {"control_view_keys": ["a", "b"]}).complaints == {}
    (complaint,) = Tuned(asked, {"control_view_keys": applied}).complaints.values()
    assert "not ['a', 'b']" in complaint


@given(settings, settings)
def test_every_difference_is_named_with_both_values(
    asked: dict[str, Setting], applied: dict[str, Setting]
) -> None:
    complaints = Tuned(asked, applied).complaints
    wrong = [
        name
        for name, value in asked.items()
        if name not in applied or applied[name] != pytest.approx(value, rel=1e-6, abs=1e-9)
    ]
    assert list(complaints) == wrong
    for name, complaint in complaints.items():
        assert complaint.startswith(name)
        assert f"{asked[name]:g}" in complaint
        assert name not in applied or repr(applied[name])[:40] in complaint


@pytest.mark.parametrize("value", [None, True, "2", [2.0], float("nan")])
def test_a_server_that_applies_something_strange(value: Any) -> None:
    complaints = Tuned({"sample_steps": 1}, {"sample_steps": value}).complaints
    assert repr(value) in complaints["sample_steps"]


def tuned(peers: Any, asked: dict[str, Setting], *answers: Any) -> tuple[Any, list[Any], bool]:
    """What `tune` returns or raises, what the server was asked, and whether it still listens."""
    heard: list[Any] = []

    async def script(connection: ServerConnection) -> None:
        for answer in answers:
            frame = await connection.recv()
            assert isinstance(frame, bytes)
            heard.append(unpack(frame))
            await connection.send(answer)
        await connection.wait_closed()

    async def session() -> tuple[Any, bool]:
        async with PolicyClient() as client:
            await client.connect(peers.polite(script), LONG_S)
            try:
                return await tune(client, asked), client.connected
            except Exception as error:
                return error, client.connected

    outcome, connected = asyncio.run(session())
    return outcome, heard, connected


def test_a_setting_that_is_refused_does_not_spoil_the_others(peers: Any) -> None:
    outcome, heard, connected = tuned(
        peers,
        {"sample_steps": 4, "n_action_steps": 32},
        "configure failed: TypeError('sample_steps')",
        pack({"applied": {"n_action_steps": 16, "verbose": False}}),
    )
    assert heard[:1] == [{"endpoint": "configure", "sample_steps": 4}]
    assert outcome.applied == {"n_action_steps": 16}
    assert "sample_steps 4 was refused" in outcome.complaints["sample_steps"]
    assert "TypeError" in outcome.complaints["sample_steps"]
    assert "n_action_steps is 16 on the server, not 32" in outcome.complaints["n_action_steps"]
    assert connected


@pytest.mark.parametrize(
    ("answer", "error"),
    [("Traceback (most recent call last):\nKeyError: 1", PolicyServerError), (b"", ProtocolError)],
)
def test_a_lost_connection_is_no_refusal(
    peers: Any, answer: str | bytes, error: type[Exception]
) -> None:
    outcome, _, connected = tuned(peers, {"sample_steps": 4}, answer)
    assert type(outcome) is error
    assert not connected
