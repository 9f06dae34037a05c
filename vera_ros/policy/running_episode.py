# SPDX-License-Identifier: Apache-2.0
"""The interface of an episode for its sessions and its pacing."""

from typing import Protocol

from vera_ros.policy.chunk_playback import ChunkPlayback
from vera_ros.policy.dialogue import Dialogue
from vera_ros.policy.goal import EpisodeTimeouts, Goal
from vera_ros.policy.observation.observer import Observer
from vera_ros.policy.ports import Chunk, Instant
from vera_ros.policy.records.episode_clock import EpisodeClock
from vera_ros.policy.records.episode_record import EpisodeRecord
from vera_ros.policy.states import Cause, State


class RunningEpisode(Protocol):
    """An episode, as its parts use it; see Episode for the attributes."""

    timeouts: EpisodeTimeouts
    goal: Goal
    state: State
    message: str
    dialogue: Dialogue
    observer: Observer
    playback: ChunkPlayback
    record: EpisodeRecord
    clock: EpisodeClock

    def enter(self, state: State, now: Instant, message: str = "") -> None:
        """Enter a state. `message`: details, in words."""
        ...

    def await_approval(self, chunk: Chunk, now: Instant) -> None:
        """Wait for an operator to approve a chunk."""
        ...

    def observe_from(self, not_before_ns: int, now: Instant, measured_since_ns: int = 0) -> None:
        """Wait for a frame of the resting arm, from a ROS time on; or pause, if requested."""
        ...

    def end(self, cause: Cause, message: str, now: Instant) -> None:
        """End the episode, if it runs, with the arm at rest or coming to rest."""
        ...
