# SPDX-License-Identifier: Apache-2.0
"""A judge speaks once for each present that is waited for, and never without its truth."""

from hypothesis import given
from hypothesis import strategies as st
from std_msgs.msg import Header

from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.nodes.judge.verdicts import Verdicts
from vera_ros_interfaces.msg import PolicyStatus, StackTruth


def status(stamp_ns: int, state: int = PolicyStatus.SETTLING, session: str = "s") -> PolicyStatus:
    header = Header(stamp=ns_to_stamp(stamp_ns))
    return PolicyStatus(header=header, state=state, session_id=session)


def truth(stamp_ns: int) -> StackTruth:
    return StackTruth(header=Header(stamp=ns_to_stamp(stamp_ns)))


@given(
    presents=st.lists(st.integers(1, 100), min_size=1, unique=True).map(sorted),
    truth_first=st.lists(st.booleans(), min_size=100, max_size=100),
    repeats=st.integers(1, 3),
)
def test_it_speaks_once_for_each_present(
    presents: list[int], truth_first: list[bool], repeats: int
) -> None:
    spoken: list[int] = []
    known = [0]

    def speak() -> bool:
        spoken.append(known[0])
        return True

    verdicts = Verdicts(speak)
    for present, first in zip(presents, truth_first, strict=False):
        for is_truth in (first, not first):
            for _ in range(repeats):
                if is_truth:
                    known[0] = present
                    verdicts.see_truth(truth(present))
                else:
                    verdicts.see_status(status(present))
    assert spoken == presents


def test_only_who_waits_is_answered() -> None:
    spoken: list[str] = []

    def speak() -> bool:
        spoken.append("a word")
        return True

    verdicts = Verdicts(speak)
    verdicts.see_truth(truth(5))
    verdicts.see_status(status(5, PolicyStatus.PLAYING))
    verdicts.see_status(status(6))
    assert not spoken
    verdicts.see_truth(truth(6))
    assert spoken == ["a word"]


def test_who_cannot_speak_yet_tries_again() -> None:
    answers = iter((False, False, True))
    tries: list[bool] = []

    def speak() -> bool:
        tries.append(next(answers))
        return tries[-1]

    verdicts = Verdicts(speak)
    verdicts.see_status(status(5))
    for _ in range(5):
        verdicts.see_truth(truth(5))
    assert tries == [False, False, True]
