# SPDX-License-Identifier: Apache-2.0
"""What is said of the pictures that arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.nodes.policy.views.stamps import Arrivals, Stamp

NOW_NS = 1_700_000_000_000_000_000


@given(delay_ms=st.integers(0, 9000), period_ms=st.integers(1, 2000), pictures=st.integers(2, 60))
def test_old_or_seldom_is_told_apart(delay_ms: int, period_ms: int, pictures: int) -> None:
    arrivals = Arrivals()
    for i in range(pictures):
        now_ns = NOW_NS + i * period_ms * 1_000_000
        arrivals.add(Stamp(now_ns - delay_ms * 1_000_000, now_ns, i * period_ms * 1e-3))
    words = arrivals.describe("/front").split()
    assert words[:2] == ["/front", "arrives"]
    assert float(words[2]) == pytest.approx(delay_ms * 1e-3, abs=6e-3)
    assert float(words[-2]) == pytest.approx(1e3 / period_ms, rel=0.01, abs=0.06)


def test_of_nothing_and_of_one_picture_no_rate_is_said() -> None:
    arrivals = Arrivals()
    assert not arrivals.describe("/front")
    arrivals.add(Stamp(NOW_NS - 640_000_000, NOW_NS, 5.0))
    assert arrivals.describe("/front") == "/front arrives 0.64 s after its stamps"


def test_a_wrong_stamp_is_named_in_its_place() -> None:
    arrivals = Arrivals()
    arrivals.add(Stamp(NOW_NS, NOW_NS, 5.0))
    arrivals.add(Stamp(0, NOW_NS, 5.1))
    assert "no time" in arrivals.describe("/front")
