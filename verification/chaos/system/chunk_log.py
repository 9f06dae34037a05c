# SPDX-License-Identifier: Apache-2.0
"""Tracks chunks from the picture of their request to the end of playing."""

import math
import time
from dataclasses import dataclass, replace

from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress

_CHUNKS = 10  # largest number between request and acceptance


@dataclass(frozen=True)
class Played:
    """A chunk that has been played. Times are steady [s].

    Attributes:
        accepted_s: when ik_node accepted it.
        seen_s: time of the picture with which it was requested.
        at_s: when it was played.
    """

    accepted_s: float = -math.inf
    seen_s: float = -math.inf
    at_s: float = -math.inf


class ChunkLog:
    """Keeps the latest chunks that were played.

    Attributes:
        played: the latest chunk that played a step or was superseded. If chunks are requested long
            before they are due, one may be superseded before its first step.
        answered_s: when the last chunk was accepted or refused, steady time [s].
        finished: the latest chunk that was played to its end or superseded.
    """

    def __init__(self) -> None:
        self.played = self.finished = Played()
        self.answered_s = -math.inf
        self._seen_s: dict[tuple[str, int], float] = {}
        self._chunks: dict[tuple[str, int], Played] = {}

    def see_chunk(self, chunk: ActionChunk) -> None:
        """Add a chunk as policy_node published it."""
        ago_s = time.time() - stamp_to_ns(chunk.header.stamp) * 1e-9
        self._seen_s[chunk.session_id, chunk.sequence] = time.monotonic() - ago_s
        while len(self._seen_s) > _CHUNKS:
            del self._seen_s[next(iter(self._seen_s))]

    def see_progress(self, progress: ChunkProgress) -> None:
        """Add ik_node's progress message of a chunk."""
        key, now_s = (progress.session_id, progress.sequence), time.monotonic()
        if progress.state in (ChunkProgress.ACCEPTED, ChunkProgress.REJECTED):
            self.answered_s = now_s
        if progress.state == ChunkProgress.ACCEPTED:
            self._chunks = {key: Played(now_s, self._seen_s.get(key, -math.inf))}
        chunk = self._chunks.get(key)
        if chunk is None:
            return
        over = progress.state in (ChunkProgress.FINISHED, ChunkProgress.SUPERSEDED)
        if (over or progress.steps_played) and self.played.accepted_s != chunk.accepted_s:
            self.played = replace(chunk, at_s=now_s)
        if over:
            self.finished = replace(chunk, at_s=now_s)
