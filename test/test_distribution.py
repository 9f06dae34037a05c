# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.distribution import Distribution

seconds = st.floats(0.0, 1e4)


@given(st.lists(seconds, min_size=1))
def test_distribution_is_of_the_values(values: list[float]) -> None:
    distribution = Distribution.of(values)
    assert distribution.count == len(values)
    assert distribution.median == pytest.approx(np.median(values))
    assert distribution.max == max(values)
    assert distribution.median is not None
    assert distribution.p99 is not None
    assert distribution.p90 is not None
    assert distribution.median <= distribution.p90 * (1 + 1e-12)
    assert distribution.p90 <= distribution.p99 * (1 + 1e-12)
    assert distribution.p99 <= distribution.max * (1 + 1e-12)


@given(st.permutations(list(range(101))))
def test_distribution_of_a_hundred_and_one_values(values: list[int]) -> None:
    assert Distribution.of(values) == Distribution(101, 50.0, 90.0, 99.0, 100.0)


def test_distribution_in_words() -> None:
    assert str(Distribution()) == "none yet"
    found = str(Distribution(12, 0.5, 0.7512, 0.9, 1.0))
    assert found == "p50 0.5, p90 0.751, p99 0.9, of 12"
