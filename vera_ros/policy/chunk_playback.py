# SPDX-License-Identifier: Apache-2.0
"""The present chunk, and the arm side's reports of its playback."""

from vera_ros.policy.ports import ArmPort, Chunk, ChunkState, Progress
from vera_ros.policy.states import Cause, EpisodeEndError


class ChunkPlayback:
    """Follows the present chunk, from its hand-over to the arm side until the next one.

    Args:
        arm: the arm side.

    Attributes:
        arm: the arm side.
        chunk: the present one; None: there is none.
        progress: the arm side's last report of it; None: there is none yet.
        steps_before: steps of the episode that precede the chunk's first one.
    """

    def __init__(self, arm: ArmPort) -> None:
        self.arm = arm
        self.chunk: Chunk | None = None
        self.progress: Progress | None = None
        self.steps_before = 0

    def begin(self, chunk: Chunk, steps_before: int) -> None:
        """Follow another chunk from now on."""
        self.chunk, self.progress, self.steps_before = chunk, None, steps_before

    def clear(self) -> None:
        """Follow no chunk: the arm was stopped, or another session begins."""
        self.chunk = self.progress = None

    @property
    def steps_played(self) -> int:
        """Steps of the episode that are complete, by the arm side's last report."""
        return self.steps_before + (self.progress.steps_played if self.progress else 0)


def is_about(progress: Progress, chunk: Chunk) -> bool:
    """Whether a report is about a chunk, and not about an earlier one or another episode's."""
    return (progress.session_id, progress.sequence) == (chunk.session_id, chunk.sequence)


def check_not_given_up(progress: Progress) -> None:
    """Check that the arm side has not given a chunk up.

    Raises:
        EpisodeEndError: it rejected or aborted the chunk, or the arm is held.
    """
    causes = {ChunkState.REJECTED: Cause.ARM_REJECTED, ChunkState.ABORTED: Cause.ARM_ABORTED}
    cause = causes.get(progress.state)
    if cause is not None:
        cause = Cause.HELD if progress.held else cause
        raise EpisodeEndError(cause, progress.message or "the arm side gave no reason")
