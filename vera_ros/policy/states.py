# SPDX-License-Identifier: Apache-2.0
"""States, end causes and outcomes of an episode, by the constants of the interfaces package."""

from enum import IntEnum

from vera_ros.errors import VeraRosError


class State(IntEnum):
    """State constants of PolicyStatus.msg."""

    IDLE = 0
    CONNECTING = 1
    WAITING_FOR_VIEWS = 2
    INFERRING = 3
    PLAYING = 4
    SETTLING = 5
    DONE = 6
    ABORTED = 7
    CANCELLED = 8
    PAUSED = 9
    AWAITING_APPROVAL = 10

    @property
    def running(self) -> bool:
        """Whether an episode is under way."""
        return self not in (State.IDLE, State.DONE, State.ABORTED, State.CANCELLED)


class Cause(IntEnum):
    """Cause constants of PolicyStatus.msg."""

    NONE = 0
    TASK_SUCCESS = 1
    TIME_LIMIT = 2
    CANCEL_REQUESTED = 3
    DEACTIVATED = 4
    NO_SERVER = 5
    SERVER_MISMATCH = 6
    SERVER_TIMEOUT = 7
    SERVER_ERROR = 8
    PROTOCOL_ERROR = 9
    CONNECTION_LOST = 10
    VIEWS_MISSING = 11
    IMAGE_ERROR = 12
    INVALID_ACTIONS = 13
    ARM_REJECTED = 14
    ARM_ABORTED = 15
    ARM_SILENT = 16
    INTERNAL_ERROR = 17
    SERVER_SHARED = 18
    VIEWS_STALE = 19
    VIEWS_SKEWED = 20
    CLOCK_JUMPED = 21
    HELD = 22
    GOAL_REFUSED = 23


class Outcome(IntEnum):
    """Outcome constants of ExecuteTask.action."""

    SUCCEEDED = 1
    TIME_LIMIT = 2
    CANCELLED = 3
    ABORTED = 4


# Causes with an end of their own; every other cause aborts the episode.
_ENDINGS = {
    Cause.TASK_SUCCESS: (State.DONE, Outcome.SUCCEEDED),
    Cause.TIME_LIMIT: (State.DONE, Outcome.TIME_LIMIT),
    Cause.CANCEL_REQUESTED: (State.CANCELLED, Outcome.CANCELLED),
}


def ending(cause: Cause) -> tuple[State, Outcome]:
    """Return the final state and the outcome that a cause leads to."""
    return _ENDINGS.get(cause, (State.ABORTED, Outcome.ABORTED))


class EpisodeEndError(VeraRosError):
    """Raised where the episode must end.

    Attributes:
        cause: why it ends, as a constant of PolicyStatus.msg.
    """

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
