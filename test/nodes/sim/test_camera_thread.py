# SPDX-License-Identifier: Apache-2.0
"""The cameras' thread: what is rendered when rendering falls behind."""

import queue
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vera_ros.nodes.sim.camera_thread import CameraThread, Snapshot
from vera_ros.sim.cameras import Intrinsics
from vera_ros.sim.sabotage import Sabotage

VIEW = "front"
PICTURE = np.zeros((2, 2, 3), np.uint8)


class SlowRenderer:
    """Renders one picture each time that it is let go."""

    def __init__(self) -> None:
        self.begun: queue.Queue[float] = queue.Queue()
        self.let_go: queue.Queue[None] = queue.Queue()

    def __enter__(self) -> "SlowRenderer":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def render(self, snapshot: NDArray[np.float64]) -> Mapping[str, NDArray[np.uint8]]:
        self.begun.put(float(snapshot[0]))
        self.let_go.get(timeout=60.0)
        return {VIEW: PICTURE}

    def intrinsics(self, view: str) -> Intrinsics:
        return Intrinsics(1.0, 1.0, 1.0, 1.0, 2, 2)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5))
def test_a_renderer_that_is_behind_goes_on_with_the_newest(late: int) -> None:
    renderer, stamps = SlowRenderer(), queue.Queue[int]()

    def publish(_: Mapping[str, NDArray[np.uint8]], stamp_ns: int) -> None:
        stamps.put(stamp_ns)

    thread = CameraThread(lambda: renderer, Sabotage("none", 1), (VIEW,), publish)
    snapshots = [Snapshot(np.array([float(i)]), 10 * i, 0) for i in range(late + 1)]
    thread.take(snapshots[0])
    assert renderer.begun.get(timeout=60.0) == 0.0
    for snapshot in snapshots[1:]:
        thread.take(snapshot)
    for _ in range(2):
        renderer.let_go.put(None)
    assert [stamps.get(timeout=60.0) for _ in range(2)] == [0, 10 * late]
    assert thread.skipped == late - 1
    thread.stop()
