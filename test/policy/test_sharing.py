# SPDX-License-Identifier: Apache-2.0
"""Signs of another client: none in what a server may well say, one in what only a stranger does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.policy.sharing import sign_of_another_client

anything = st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text())


@given(st.booleans(), st.integers(1, 100), st.integers(0, 100))
def test_no_false_alarm(first: bool, frames: int, kept: int) -> None:
    info = {
        "session_id": "ours",
        "cold_start": first,
        "context_len": min(kept, frames),
        "infer_s": 1.0,
    }
    assert sign_of_another_client(info, "ours", first=first, frames=frames) == ""
    for name in info:
        rest = {key: value for key, value in info.items() if key != name}
        assert sign_of_another_client(rest, "ours", first=first, frames=frames) == ""
        unknown = {**info, name: None}
        assert sign_of_another_client(unknown, "ours", first=first, frames=frames) == ""


@given(
    st.dictionaries(st.sampled_from(["session_id", "cold_start", "context_len"]), anything),
    st.booleans(),
)
def test_whatever_a_server_says_is_read(info: dict[str, Any], first: bool) -> None:
    assert isinstance(sign_of_another_client(info, "ours", first=first, frames=3), str)


@pytest.mark.parametrize(
    ("info", "first", "words"),
    [
        ({"session_id": "theirs"}, True, ("theirs", "ours")),
        ({"cold_start": True}, False, ("reset", "cold_start")),
        ({"cold_start": False}, True, ("asked", "cold_start")),
        ({"context_len": 21}, False, ("21", "4", "context_len")),
    ],
    ids=str,
)
def test_every_sign_is_named(info: dict[str, Any], first: bool, words: tuple[str, ...]) -> None:
    sign = sign_of_another_client(info, "ours", first=first, frames=4)
    for word in words:
        assert word in sign
