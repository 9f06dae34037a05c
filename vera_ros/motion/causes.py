# SPDX-License-Identifier: Apache-2.0
"""Why a motion was refused or ended; the values are the cause constants of ChunkProgress.msg."""

from dataclasses import dataclass
from enum import IntEnum

from vera_ros.errors import MotionError


class Cause(IntEnum):
    """Cause constants of ChunkProgress.msg."""

    NONE = 0
    NOT_ACTIVE = 1
    INVALID_CHUNK = 2
    BUSY = 3
    NO_JOINT_STATES = 4
    OUTSIDE_WORKSPACE = 5
    UNREACHABLE = 6
    LIMIT_EXCEEDED = 7
    STOPPED = 8
    TRACKING_ERROR = 9
    INTERNAL_ERROR = 10
    SINGULAR = 11
    COLLISION = 12
    CONTACT = 13
    HELD = 14
    NOT_AT_REST = 15
    JOINTS_FROZEN = 16
    CLOCK_JUMPED = 17
    CHUNK_TOO_OLD = 18
    PLANNING_TOO_SLOW = 19
    NO_CONTROLLER = 20
    NOT_APPROVED = 21
    CLOCKS_DIFFER = 22
    ROBOT_FAULT = 23
    SECOND_PUBLISHER = 24
    COMMANDS_LATE = 25
    SETPOINT_UNKNOWN = 26
    WRONG_ARM = 27


@dataclass(frozen=True)
class Reason:
    """Reason why a motion was refused or ended: a cause constant and a message."""

    cause: Cause = Cause.NONE
    message: str = ""

    def __str__(self) -> str:
        return self.message

    def refused(self) -> "MotionRefusedError":
        """Return the error that refuses a motion for this reason."""
        return MotionRefusedError(self.cause, self.message)


class MotionRefusedError(MotionError):
    """Raised when a motion is refused; carries the cause and a message."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause

    @property
    def reason(self) -> Reason:
        """The cause and the message."""
        return Reason(self.cause, str(self))
