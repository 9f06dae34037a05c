# SPDX-License-Identifier: Apache-2.0
"""Statistics of the policy side: counters, latencies, and the state of each view."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from vera_ros.distribution import Distribution
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.source_rate import source_rate_hz

_CHUNKS = 100


@dataclass
class Counters:
    """Counts of an episode so far; latencies are those of the last chunk [s]."""

    chunks: int = 0
    steps: int = 0
    clipped_rows: int = 0
    rails_bound_chunks: int = 0
    slowed_chunks: int = 0
    collapsed_chunks: int = 0
    late_chunks: int = 0
    steps_dropped: int = 0
    steps_blended: int = 0
    holds: int = 0
    connection_attempts: int = 0
    reconnects: int = 0
    server_latency_s: float = 0.0
    server_infer_s: float = 0.0
    pipeline_latency_s: float = 0.0
    phase: str = ""


class RecentValues:
    """The last values of a quantity that is measured once per chunk."""

    def __init__(self, capacity: int = _CHUNKS) -> None:
        self._values: deque[float] = deque(maxlen=capacity)

    def add(self, value: float) -> None:
        """Record a value."""
        self._values.append(value)

    def distribution(self) -> Distribution:
        """Return the distribution of the values that are kept."""
        return Distribution.of(tuple(self._values))


@dataclass(frozen=True)
class Latencies:
    """Latencies of the last chunks, across episodes [s].

    Attributes:
        server: from a request to its reply.
        infer: the part of it that the server reports as its own.
        pipeline: from the newest frame to the trajectory, less the server's part.
        planning: planning of the trajectory.
    """

    server: RecentValues = field(default_factory=RecentValues)
    infer: RecentValues = field(default_factory=RecentValues)
    pipeline: RecentValues = field(default_factory=RecentValues)
    planning: RecentValues = field(default_factory=RecentValues)

    def distributions(self) -> Mapping[str, Distribution]:
        """Return each latency's distribution, by name."""
        return {f"{name}_s": values.distribution() for name, values in vars(self).items()}


@dataclass(frozen=True)
class ViewState:
    """The present state of a view.

    Attributes:
        rate_hz: rate of the buffered pictures, by their stamps; 0 with fewer than two.
        source_hz: rate at which the camera takes them, by the stamps; 0: not known.
        age_s: age of the newest picture; None: there is none.
        received: number of pictures received.
        dropped: of these, the ones that were not valid, came twice or out of order.
    """

    rate_hz: float
    source_hz: float
    age_s: float | None
    received: int
    dropped: int


def view_states(buffer: FrameBuffer, now_ns: int) -> dict[str, ViewState]:
    """Return the state of each view at ROS time `now_ns`."""
    return {view: _view_state(buffer, view, now_ns) for view in buffer.view_keys}


def _view_state(buffer: FrameBuffer, view: str, now_ns: int) -> ViewState:
    stamps_ns, counts = buffer.stamps_ns(view), buffer.counts[view]
    rate_hz = source_hz = 0.0
    if len(stamps_ns) > 1:
        rate_hz = (len(stamps_ns) - 1) / ((stamps_ns[-1] - stamps_ns[0]) * 1e-9)
        source_hz = source_rate_hz([stamp_ns * 1e-9 for stamp_ns in stamps_ns])
    age_s = max(0, now_ns - stamps_ns[-1]) * 1e-9 if stamps_ns else None
    return ViewState(rate_hz, source_hz, age_s, counts.received, counts.dropped)
