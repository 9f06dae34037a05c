# SPDX-License-Identifier: Apache-2.0
"""Output in pieces becomes the lines that a terminal would show."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from vera_ros.server.output import Output

TEXTS = st.text(st.sampled_from("ab\r\n\t é…"), max_size=60)


def lines_of(*pieces: bytes) -> list[str]:
    output = Output()
    return [line for piece in pieces for line in output.feed(piece)] + output.end()


@given(text=TEXTS, data=st.data())
def test_the_pieces_do_not_matter(text: str, data: st.DataObject) -> None:
    whole = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    bounds = [0, *cuts, len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(bounds)]
    assert lines_of(*pieces) == lines_of(whole)


@given(lines=st.lists(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)))
def test_lines_come_whole_and_in_order(lines: list[str]) -> None:
    assert lines_of("\n".join(lines).encode()) == lines


def test_a_progress_bar_is_what_it_shows_in_the_end() -> None:
    output = Output()
    assert output.feed(b"shards:  0%\rshards: 50%") == []
    assert output.last == "shards: 50%"
    assert output.feed(b"\rshards: 100%\r\nnext\n") == ["shards: 100%", "next"]
    assert output.last == "next"


def test_what_is_not_text_and_what_never_ends_is_survived() -> None:
    output = Output()
    assert output.feed(b"\xff\xfe\n") == ["��"]
    for _ in range(1000):
        assert output.feed(b"x" * 10_000) == []
    assert len(output.last) == 2000
    assert output.feed(b"\n") == ["x" * 2000]


def test_the_tail_is_the_last_lines_and_never_nothing() -> None:
    output = Output()
    assert "wrote nothing" in output.tail
    output.feed("".join(f"line {i}\n" for i in range(100)).encode() + b"begun")
    tail = [line.strip() for line in output.tail.splitlines()]
    assert tail[-2:] == ["line 99", "begun"]
    assert len(tail) == 16


def test_colours_are_left_out_and_other_commands_to_a_terminal_shown() -> None:
    output = Output()
    assert output.feed(b"\x1b[32mINFO\x1b[0m ready\x1b[K\n") == ["INFO ready"]
    assert output.feed(b"a\tb\x1b[2J\x07\n") == [r"a       b\x1b[2J\x07"]
