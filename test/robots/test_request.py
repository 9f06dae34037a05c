# SPDX-License-Identifier: Apache-2.0
"""Requests are read as they were written, or refused with the field's name."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ProtocolError
from vera_ros.robots.request import read_horizon, read_pending, read_pictures


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 3), st.integers(1, 5))
def test_the_newest_pictures_are_split_into_their_views(
    widths: list[int], frames: int, height: int
) -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (frames, height, sum(widths), 3), np.uint8)
    keys = [f"view_{number}" for number in range(len(widths))]
    pictures = read_pictures({"context_rgb": rgb, "view_keys": keys, "view_widths": widths})
    assert list(pictures) == keys
    assert [picture.shape for picture in pictures.values()] == [(height, w, 3) for w in widths]
    np.testing.assert_array_equal(np.hstack(list(pictures.values())), rgb[-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_rgb": None}, "no context_rgb; .* needs context_rgb, view_keys"),
        ({"view_widths": None}, "no view_widths"),
        ({"context_rgb": np.zeros((1, 4, 4, 3), np.float32)}, "float32; it must be uint8"),
        ({"context_rgb": np.zeros((0, 4, 4, 3), np.uint8)}, "at least one frame"),
        ({"view_widths": [5]}, "4 px together"),
        ({"view_keys": []}, "one positive width for each"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    request = {
        "context_rgb": np.zeros((1, 4, 4, 3), np.uint8),
        "view_keys": ["image"],
        "view_widths": [4],
    }
    assert read_pictures(request).keys() == {"image"}
    with pytest.raises(ProtocolError, match=message):
        read_pictures({**request, **changes})


@given(st.integers(1, 100), st.integers(1, 100))
def test_the_horizon_is_the_requests_or_the_default(asked: int, default: int) -> None:
    assert read_horizon({"execute_horizon": asked}, default, 100) == asked
    assert read_horizon({}, default, 100) == default


@pytest.mark.parametrize("value", [0, 101, True, 2.0, "two"])
def test_a_horizon_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError, match="execute_horizon is"):
        read_horizon({"execute_horizon": value}, 10, 100)


@given(st.integers(0, 5), st.integers(1, 16))
def test_pending_actions_are_read(rows: int, columns: int) -> None:
    pending = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    read = read_pending({"pending_actions": pending}, 5, columns)
    assert read is not None
    np.testing.assert_array_equal(read, pending)
    assert read_pending({}, 5, columns) is None


@pytest.mark.parametrize(
    "pending",
    [
        np.zeros((3, 3), np.float32),
        np.zeros(2, np.float32),
        np.zeros((2, 2), np.int64),
        np.full((2, 2), np.nan, np.float32),
        np.zeros((6, 2), np.float32),
        "none",
    ],
    ids=["columns", "shape", "type", "nan", "rows", "text"],
)
def test_pending_actions_that_are_none_are_refused(pending: object) -> None:
    with pytest.raises(ProtocolError, match="pending_actions"):
        read_pending({"pending_actions": pending}, 5, 2)
