# SPDX-License-Identifier: Apache-2.0
"""The same seed gives the same faults, and every kind has its turn."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import FIRST, LAST
from verification.chaos.faults.kinds import KINDS, find_kind
from verification.chaos.faults.schedule import schedule

SEEDS = st.integers(0, 2**31 - 1)
VIEWS = ("front", "side", "wrist")


@given(SEEDS, st.integers(0, 200))
def test_a_seed_says_everything(seed: int, count: int) -> None:
    first, again = (list(islice(schedule(seed, VIEWS), count)) for _ in range(2))
    assert first == again
    assert [fault.number for fault in first] == list(range(count))


@given(SEEDS, st.integers(1, 200), st.lists(st.sampled_from(list(KINDS)), min_size=1, unique=True))
def test_all_kinds_are_covered_evenly(seed: int, count: int, kinds: list[str]) -> None:
    times = Counter(fault.kind for fault in islice(schedule(seed, VIEWS, kinds), count))
    assert set(times) <= set(kinds)
    assert max(times.values()) - min(times[kind] for kind in kinds) <= 1


@given(SEEDS)
def test_every_fault_is_within_its_ranges(seed: int) -> None:
    for fault in islice(schedule(seed, VIEWS), len(KINDS)):
        kind = KINDS[fault.kind]
        assert set(fault.values) == set(kind.ranges) | set(kind.choices)
        for name, (low, high) in kind.ranges.items():
            assert low <= float(fault.values[name]) <= high
        for name, choices in kind.choices.items():
            known = {FIRST: VIEWS[0], LAST: VIEWS[-1]}
            assert fault.values[name] in [known.get(choice, choice) for choice in choices]


def test_joint_states_come_later_than_they_may_be_and_not_so_late() -> None:
    delays_s = [float(f.values["delay_s"]) for f in islice(schedule(0, VIEWS, ["joints_late"]), 40)]
    assert 5 <= sum(delay_s > 0.5 for delay_s in delays_s) <= 35  # joint_state_timeout_s


def test_seeds_differ() -> None:
    first, second = (list(islice(schedule(seed, VIEWS), len(KINDS))) for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize(
    ("fault", "can"),
    [
        (Fault(0, "jitter", {"delay_s": 0.1, "duration_s": 9.0}), True),
        (Fault(0, "cut"), True),
        (Fault(0, "cancel"), False),
        (Fault(0, "freeze_sim_node", {"duration_s": 0.2}), True),
        (Fault(0, "freeze_sim_node", {"duration_s": 2.0}), False),
    ],
)
def test_what_an_episode_survives(fault: Fault, can: bool) -> None:
    assert fault.can_go_on is can


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"meteorite.*latency"):
        find_kind("meteorite")
