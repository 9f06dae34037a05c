# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.policy.statistics import Latencies, Percentiles, RecentValues, view_states
from vera_ros.vision.frame_buffer import FrameBuffer

seconds = st.floats(0.0, 1e4)
PICTURE = np.zeros((2, 2, 3), np.uint8)


@given(st.lists(seconds, max_size=50), st.integers(1, 20))
def test_percentiles_are_of_the_last_values(values: list[float], capacity: int) -> None:
    recent = RecentValues(capacity)
    for value in values:
        recent.add(value)
    last = values[-capacity:]
    found = recent.percentiles()
    assert found.count == len(last)
    if not last:
        assert found == Percentiles()
        return
    assert found.p50 == pytest.approx(np.median(last))
    assert min(last) <= found.p50 * (1 + 1e-12)
    assert found.p50 <= found.p90 * (1 + 1e-12)
    assert found.p90 <= found.p99 * (1 + 1e-12)
    assert found.p99 <= max(last) * (1 + 1e-12)


@given(st.permutations(list(range(101))))
def test_percentiles_of_a_hundred_and_one_values(values: list[int]) -> None:
    recent = RecentValues(101)
    for value in values:
        recent.add(value)
    assert recent.percentiles() == Percentiles(50.0, 90.0, 99.0, 101)


def test_percentiles_in_words() -> None:
    assert str(Percentiles()) == "none yet"
    assert str(Percentiles(0.5, 0.7512, 0.9, 12)) == "p50 0.5, p90 0.751, p99 0.9, of 12"


def test_each_latency_stands_for_itself() -> None:
    latencies = Latencies()
    latencies.server.add(1.0)
    found = latencies.percentiles()
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
