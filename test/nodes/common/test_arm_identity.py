# SPDX-License-Identifier: Apache-2.0
"""Who is there at the same time, and who is only somebody's successor."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.nodes.common.arm_identity import RollCall, double, identity

from ..stage import Stage

PERIOD_S = 0.2  # of arm_status

Life = tuple[float, float]
lives = st.tuples(st.floats(0.0, 20.0), st.floats(0.3, 20.0)).map(lambda t: (t[0], t[0] + t[1]))


def call(lives: list[Life], until_s: float) -> RollCall:
    """Each speaks from its beginning to its end, in order of time."""
    roll = RollCall()
    said = [
        (begin_s + PERIOD_S * k, str(number))
        for number, (begin_s, end_s) in enumerate(lives)
        for k in range(int((min(end_s, until_s) - begin_s) / PERIOD_S) + 1)
        if begin_s <= until_s
    ]
    for time_s, name in sorted(said):
        roll.record(name, time_s)
    return roll


@given(lives)
def test_one_alone_is_never_together_with_another(life: Life) -> None:
    assert call([life], life[1]).together(life[1]) == []


@given(st.floats(1.0, 20.0), st.floats(0.01, 5.0), st.floats(0.0, 5.0))
def test_one_that_was_killed_is_not_together_with_its_successor(
    died_s: float, gap_s: float, later_s: float
) -> None:
    now_s = died_s + gap_s + later_s
    roll = call([(0.0, died_s), (died_s + gap_s, 1e9)], now_s)
    assert roll.together(now_s) == []


@given(st.floats(1.0, 20.0), st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_two_are_named_soon_after_the_second_one_has_begun(
    second_s: float, later_s: float, died_s: float
) -> None:
    now_s = second_s + 2 * PERIOD_S + later_s
    both = call([(0.0, 1e9), (second_s, 1e9)], now_s)
    assert both.together(now_s) == both.live(now_s) == ["0", "1"]
    ended_s = now_s + died_s
    one = call([(0.0, 1e9), (second_s, now_s)], ended_s)
    assert one.together(ended_s + 2.5) == []  # a while after the second one has fallen silent


def test_one_that_was_away_begins_anew() -> None:
    roll = RollCall()
    roll.record("a", 0.0)
    roll.record("b", 5.0)
    roll.record("a", 10.0)  # b has gone meanwhile
    assert roll.together(10.0) == []


def test_an_identity_names_node_host_and_process_and_is_nobody_elses(stage: Stage) -> None:
    one, other = identity(stage.node), identity(stage.node)
    assert one != other
    for part in ("/stage", socket.gethostname(), str(os.getpid())):
        assert part in one


@pytest.mark.parametrize("names", [["/a", "/b"], ["/a", "/b", "/c"]])
def test_doubles_are_all_named_with_what_to_do(names: list[str]) -> None:
    words = double(names)
    assert all(name in words for name in (*names, "namespace", f"{len(names)} ik_nodes"))
