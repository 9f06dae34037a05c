# SPDX-License-Identifier: Apache-2.0
"""The enumerations agree with the messages, and every cause has an ending."""

import re
from enum import Enum
from pathlib import Path

import pytest

from vera_ros.embodiments import ActionSpace
from vera_ros.motion.causes import Cause as MotionCause
from vera_ros.policy.ports import ChunkState
from vera_ros.policy.states import Cause, Outcome, State, ending

INTERFACES = Path(__file__).resolve().parents[2] / "vera_ros_interfaces"


def constants(file: str, group: str) -> dict[str, int]:
    """The constants of a message that stand below the words `Values of <group>`."""
    text = (INTERFACES / file).read_text()
    section = re.split(r"# Values of (\w+)", text)
    for name, body in zip(section[1::2], section[2::2], strict=True):
        if name == group:
            block = body.split("\n\n")[0]
            return {k: int(v) for k, v in re.findall(r"^uint8 (\w+) = (\d+)", block, re.MULTILINE)}
    raise AssertionError(f"{file} has no values of {group}")


@pytest.mark.parametrize(
    ("enumeration", "file", "group"),
    [
        (State, "msg/PolicyStatus.msg", "state"),
        (Cause, "msg/PolicyStatus.msg", "cause"),
        (Outcome, "action/ExecuteTask.action", "outcome"),
        (ChunkState, "msg/ChunkProgress.msg", "state"),
        (MotionCause, "msg/ChunkProgress.msg", "cause"),
        (ActionSpace, "msg/ActionChunk.msg", "action_space"),
    ],
)
def test_values_are_those_of_the_message(enumeration: type[Enum], file: str, group: str) -> None:
    assert {member.name: member.value for member in enumeration} == constants(file, group)


def test_running_states_are_those_between_idle_and_the_end() -> None:
    running = {state for state in State if state.running}
    assert running == set(State) - {State.IDLE, State.DONE, State.ABORTED, State.CANCELLED}


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NONE])
def test_every_cause_ends_an_episode(cause: Cause) -> None:
    state, outcome = ending(cause)
    assert not state.running
    assert (state is State.ABORTED) == (outcome is Outcome.ABORTED)
    assert (outcome is Outcome.SUCCEEDED) == (cause is Cause.TASK_SUCCESS)
