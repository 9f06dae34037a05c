# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.demo.judge import Judge, Verdict

_PERIOD_NS = 100_000_000
_HOLD_TRUTHS = 3  # 0.3 s of them after the first


def judge_all(truths: list[bool], hold_s: float = 0.3, limit_s: float = 1000.0) -> list[Verdict]:
    judge = Judge(hold_s, limit_s)
    return [judge.see(i * _PERIOD_NS, stands) for i, stands in enumerate(truths)]


@given(st.lists(st.booleans(), max_size=60))
def test_a_tower_stands_once_it_has_stood_without_a_break(truths: list[bool]) -> None:
    verdicts = judge_all(truths)
    for index, verdict in enumerate(verdicts):
        windows = (truths[max(0, i - _HOLD_TRUTHS) : i + 1] for i in range(index + 1))
        held = any(len(w) == _HOLD_TRUTHS + 1 and all(w) for w in windows)
        assert (verdict is Verdict.DONE) == held


@given(st.lists(st.booleans(), min_size=12, max_size=60), st.integers(1, 10))
def test_a_verdict_stays(truths: list[bool], limit: int) -> None:
    verdicts = judge_all(truths, limit_s=limit * 0.1)
    decided = [v for v in verdicts if v is not Verdict.UNDECIDED]
    assert decided
    assert len(set(decided)) == 1
    assert verdicts[-len(decided) :] == decided


@given(st.integers(1, 100))
def test_time_is_up_at_the_limit(limit: int) -> None:
    verdicts = judge_all([False] * (limit + 1), limit_s=limit * 0.1)
    assert verdicts[:-1] == [Verdict.UNDECIDED] * limit
    assert verdicts[-1] is Verdict.TIME_IS_UP


def test_a_tower_that_stands_in_time_wins_over_the_limit() -> None:
    assert judge_all([True] * 4, hold_s=0.3, limit_s=0.3)[-1] is Verdict.DONE


def test_the_clock_stops_with_the_verdict() -> None:
    judge = Judge(0.1, 10.0)
    for index, stands in enumerate((False, True, True, True, False)):
        judge.see(index * _PERIOD_NS, stands)
    assert judge.elapsed_s == 0.2


def test_the_clock_starts_with_the_first_truth() -> None:
    judge = Judge(0.3, 10.0)
    assert judge.elapsed_s == 0.0
    judge.see(1_795_377_660_000_000_000, False)
    judge.see(1_795_377_662_500_000_000, False)
    assert judge.elapsed_s == 2.5
