# SPDX-License-Identifier: Apache-2.0
"""Causes are the constants of the message."""

from vera_ros.motion.causes import Cause
from vera_ros_interfaces.msg import ChunkProgress

STATES = {
    "ACCEPTED",
    "PLAYING",
    "FINISHED",
    "ABORTED",
    "REJECTED",
    "SUPERSEDED",
    "AWAITING_APPROVAL",
}


def test_causes_are_the_constants_of_the_message() -> None:
    values = {name: getattr(ChunkProgress, name) for name in dir(ChunkProgress) if name.isupper()}
    constants = {name: value for name, value in values.items() if isinstance(value, int)}
    assert set(constants) >= STATES
    assert {cause.name: cause.value for cause in Cause} == {
        name: value for name, value in constants.items() if name not in STATES
    }
