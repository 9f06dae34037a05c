# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.policy.ports import Instant
from vera_ros.policy.records.episode_clock import EpisodeClock

_stretches = st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=20)


def _at(steady_s: float) -> Instant:
    return Instant(steady_s, round(steady_s * 1e9))


@given(_stretches)
def test_what_counts_is_all_time_but_the_pauses(stretches: list[tuple[float, bool]]) -> None:
    now_s, counted_s = 5.0, 0.0
    clock = EpisodeClock(_at(now_s), 0.05)
    for stretch_s, pausing in stretches:
        clock.enter(_at(now_s), pausing=pausing)
        now_s += stretch_s
        counted_s += 0.0 if pausing else stretch_s
        assert clock.in_state_s(_at(now_s)) == pytest.approx(stretch_s, abs=1e-9)
        assert clock.counted_s(_at(now_s)) == pytest.approx(counted_s, abs=1e-9)
        assert clock.elapsed_s(_at(now_s)) == pytest.approx(now_s - 5.0)


@pytest.mark.parametrize(("by_ms", "jumped_s"), [(0, 0.0), (-50, 0.0), (-51, 0.051), (70, 0.0)])
def test_a_small_step_back_of_ros_time_is_no_jump(by_ms: int, jumped_s: float) -> None:
    clock = EpisodeClock(Instant(1.0, 10**9), 0.05)
    passed_s, back_s = clock.tick(Instant(1.25, 10**9 + by_ms * 10**6))
    assert passed_s == 0.25
    assert back_s == pytest.approx(jumped_s)
    assert clock.tick(Instant(1.25, 10**9 + by_ms * 10**6)) == (0.0, 0.0)
