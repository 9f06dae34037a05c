# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.distribution import Distribution
from vera_ros.policy.records.statistics import Latencies, RecentValues, view_states
from vera_ros.vision.frame_buffer import FrameBuffer

seconds = st.floats(0.0, 1e4)
PICTURE = np.zeros((2, 2, 3), np.uint8)


@given(st.lists(seconds, max_size=50), st.integers(1, 20))
def test_a_distribution_is_of_the_last_values(values: list[float], capacity: int) -> None:
    recent = RecentValues(capacity)
    for value in values:
        recent.add(value)
    assert recent.distribution() == Distribution.of(values[-capacity:])


def test_each_latency_stands_for_itself() -> None:
    latencies = Latencies()
    latencies.server.add(1.0)
    found = latencies.distributions()
    assert set(found) == {"server_s", "infer_s", "pipeline_s", "planning_s"}
    assert [name for name, values in found.items() if values.count] == ["server_s"]


@given(st.integers(2, 40), st.integers(1_000_000, 10**9), st.integers(0, 10**9))
def test_a_view_is_described_by_its_stamps(count: int, period_ns: int, age_ns: int) -> None:
    buffer = FrameBuffer(("a", "b", "c"), capacity=10)
    for number in range(count):
        buffer.add("a", number * period_ns, PICTURE)
        buffer.add("a", number * period_ns, PICTURE)  # the same once more
    buffer.add("b", 0, PICTURE)
    newest_ns = (count - 1) * period_ns
    views = view_states(buffer, newest_ns + age_ns)
    assert views["a"].rate_hz == pytest.approx(1e9 / period_ns)
    assert views["a"].age_s == pytest.approx(age_ns * 1e-9)
    assert (views["a"].received, views["a"].dropped) == (2 * count, count)
    assert views["b"].rate_hz == 0.0
    assert (views["c"].rate_hz, views["c"].age_s, views["c"].received) == (0.0, None, 0)


def test_a_picture_of_the_future_is_not_old() -> None:
    buffer = FrameBuffer(("a",))
    buffer.add("a", 1_000, PICTURE)
    assert view_states(buffer, 0)["a"].age_s == 0.0
