# SPDX-License-Identifier: Apache-2.0
"""A change of the gripper's command counts when it lasts, from its first action on."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.gripper.debounce import Command, debounce

CLOSES = st.lists(st.booleans(), min_size=1, max_size=16)
STEPS = st.integers(1, 5)
OPEN = Command(close=False, asked=False, run=9)


def counting(text: str, before: Command = OPEN, steps: int = 2) -> str:
    """What counts at each action: o open, c close, - nothing yet."""
    commands = debounce([letter == "c" for letter in text], before, steps)
    return "".join({None: "-", False: "o", True: "c"}[command.close] for command in commands)


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        ("ooooo", "ooooo"),
        ("ooccc", "ooccc"),
        ("ococo", "ooooo"),
        ("ccccc", "ccccc"),
        ("ccoco", "ccccc"),
        ("ooooc", "ooooo"),
    ],
)
def test_two_in_a_row(asked: str, counts: str) -> None:
    assert counting(asked) == counts


def test_before_anything_lasted_nothing_counts() -> None:
    assert counting("ocooc", Command()) == "--ooo"
    assert counting("c", Command()) == "-"


def test_a_change_at_the_end_takes_effect_when_the_next_chunk_goes_on_with_it() -> None:
    last = debounce([False, False, True], OPEN, 2)[-1]
    assert last == Command(close=False, asked=True, run=1)
    assert counting("cooo", last) == "cooo"
    assert counting("oooo", last) == "oooo"
    assert counting("ococ", last) == "oooo"


@given(close=CLOSES, steps=STEPS, before=st.sampled_from([OPEN, Command()]))
def test_what_counts_changes_only_with_a_run_that_is_long_enough(
    close: list[bool], steps: int, before: Command
) -> None:
    commands = debounce(close, before, steps)
    assert [command.asked for command in commands] == close
    index, counts = 0, before.close
    for asked, group in groupby(close):
        length = len(list(group))
        lasts = length + (before.run if index == 0 and asked == before.asked else 0) >= steps
        counts = asked if lasts else counts
        assert {command.close for command in commands[index : index + length]} == {counts}
        index += length


@given(close=CLOSES, before=st.sampled_from([OPEN, Command()]))
def test_one_step_lets_everything_through(close: list[bool], before: Command) -> None:
    assert [command.close for command in debounce(close, before, 1)] == close


@given(first=CLOSES, second=CLOSES, steps=STEPS)
def test_chunks_do_not_matter_once_a_change_has_lasted(
    first: list[bool], second: list[bool], steps: int
) -> None:
    """Cut in two, an action sequence ends as it would uncut; only the cut run may count later."""
    whole = debounce([*first, *second], OPEN, steps)
    head = debounce(first, OPEN, steps)
    tail = debounce(second, head[-1], steps)
    assert tail == whole[len(first) :]
    late = [a != b for a, b in zip(head, whole, strict=False)]
    assert sum(late) < steps
    assert late == sorted(late)
