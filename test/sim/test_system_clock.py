# SPDX-License-Identifier: Apache-2.0
"""Steady time becomes the system's, whenever somebody sets that one."""

from hypothesis import given
from hypothesis import strategies as st

from vera_ros.sim.system_clock import SystemClock

MS = 1_000_000


class Clocks:
    """A steady and a system's clock; reading them may take a while."""

    def __init__(self) -> None:
        self.steady_ns = 5_000 * MS
        self.offset_ns = 1_700_000_000_000 * MS
        self.interruption_ns = 0

    def steady_s(self) -> float:
        return self.steady_ns * 1e-9

    def system_ns(self) -> int:
        self.steady_ns += self.interruption_ns
        return self.steady_ns + self.offset_ns


@given(passed_ms=st.integers(0, 10_000_000), set_ms=st.integers(-86_400_000, 86_400_000))
def test_a_system_clock_that_is_set_is_followed(passed_ms: int, set_ms: int) -> None:
    clocks = Clocks()
    clock = SystemClock(clocks.steady_s, clocks.system_ns)
    clocks.steady_ns += passed_ms * MS
    clocks.offset_ns += set_ms * MS
    clock.update()
    error_ns = clock.time_ns(clocks.steady_s()) - clocks.system_ns()
    assert abs(error_ns) <= (10 * MS if abs(set_ms) <= 10 else 1000)


@given(interruption_ms=st.integers(2, 5000))
def test_an_interrupted_reading_moves_nothing(interruption_ms: int) -> None:
    clocks = Clocks()
    clock = SystemClock(clocks.steady_s, clocks.system_ns)
    before_ns = clock.time_ns(5.0)
    clocks.interruption_ns = interruption_ms * MS
    clock.update()
    assert clock.time_ns(5.0) == before_ns
