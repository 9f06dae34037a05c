# SPDX-License-Identifier: Apache-2.0
"""How much time what is sent is given to arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.setpoint.lead import LONGEST_S, Lead

DEFAULT_S = 0.0125


@given(lateness_s=st.lists(st.floats(0.0, 1.0), max_size=10))
def test_it_is_long_enough_for_all_that_came_up_to_its_ceiling(lateness_s: list[float]) -> None:
    lead = Lead(DEFAULT_S)
    for number, late_s in enumerate(lateness_s):
        lead.observe(late_s, 0.1 * number)
    assert DEFAULT_S <= lead.value_s <= LONGEST_S
    longest_s = max(lateness_s, default=0.0)
    assert lead.value_s >= min(longest_s, LONGEST_S)
    assert lead.fits == (longest_s <= LONGEST_S)


def test_a_lateness_is_forgotten_in_time() -> None:
    lead = Lead(DEFAULT_S)
    lead.observe(0.4, 10.0)
    assert not lead.fits
    assert "0.400 s" in lead.refusal
    assert f"{LONGEST_S} s" in lead.refusal
    lead.expire(39.9)
    assert not lead.fits
    lead.expire(40.1)
    assert lead.fits
    assert lead.value_s == DEFAULT_S


def test_what_exceeds_its_lead_is_counted_and_comes_on_top_of_it() -> None:
    lead = Lead(DEFAULT_S)
    lead.missed(0.03, 0.0)
    assert lead.late == 1
    assert lead.value_s == pytest.approx(1.25 * (DEFAULT_S + 0.03))
    lead.missed(0.03, 1.0)
    assert lead.late == 2
    assert lead.value_s > 0.1
