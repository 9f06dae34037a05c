# SPDX-License-Identifier: Apache-2.0
"""Latencies at the end of a run are compared with those at its beginning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.chaos.outcome.drift import complaints, drift


@given(st.integers(0, 2**32 - 1))
def test_noise_is_no_drift(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert complaints("x", rng.uniform(0.095, 0.105, 300).tolist()) == []


@given(st.floats(1.5, 10.0))
def test_what_becomes_slower_is_found(factor: float) -> None:
    found = complaints("server latency", [*[0.1] * 60, *[0.1 * factor] * 60])
    assert [text.split(" grew")[0] for text in found] == [
        "server latency: its median",
        "server latency: its p90",
    ]


def test_a_few_faults_at_the_end_are_no_drift() -> None:
    assert complaints("x", [0.1] * 95 + [2.0] * 2 + [0.1] * 3) == []


def test_the_warm_up_does_not_count() -> None:
    parts = drift([5.0] * 20 + [0.1] * 80)
    assert parts is not None
    assert parts[0].max == parts[1].max == pytest.approx(0.1)


def test_a_few_chunks_say_nothing() -> None:
    assert drift([0.1] * 5) is None
    assert "not known" in complaints("x", [0.1] * 5)[0]
