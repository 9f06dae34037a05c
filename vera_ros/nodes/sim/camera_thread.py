# SPDX-License-Identifier: Apache-2.0
"""The thread that owns the renderer: snapshots of the world in, Image messages out."""

import os
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import VeraRosError
from vera_ros.sim.cameras import Intrinsics
from vera_ros.sim.sabotage import Sabotage
from vera_ros.sim.simulation import Renderer

_READY_TIMEOUT_S = 30.0
_NICER = 5  # of this thread (on Linux of it alone) and the renderer's, which inherit it


@dataclass(frozen=True)
class Snapshot:
    """A state of the world to take pictures of.

    Attributes:
        state: of the simulated robot, see `Simulation.snapshot`. Shape (n,).
        stamp_ns: stamp of the pictures [ns].
        episode: number of the scene.
        published: set when the pictures are published.
    """

    state: NDArray[np.float64]
    stamp_ns: int
    episode: int
    published: threading.Event = field(default_factory=threading.Event)


class CameraThread:
    """Renders snapshots in a thread of its own; the newest waits, and others are skipped."""

    def __init__(
        self,
        open_renderer: Callable[[], Renderer],
        sabotage: Sabotage,
        views: tuple[str, ...],
        publish: Callable[[Mapping[str, NDArray[np.uint8]], int], None],
    ) -> None:
        """Start the thread and wait until it can render.

        Raises:
            VeraRosError: it cannot render; the message says what is missing.
        """
        self._publish = publish
        self._sabotage = sabotage
        self._views = views
        self._snapshots: queue.Queue[Snapshot | None] = queue.Queue(maxsize=1)
        self._ready: queue.Queue[dict[str, Intrinsics] | Exception] = queue.Queue()
        self._thread = threading.Thread(
            target=self._run, args=(open_renderer,), name="cameras", daemon=True
        )
        self.skipped = 0
        self._thread.start()
        answer = self._ready.get(timeout=_READY_TIMEOUT_S)
        if isinstance(answer, Exception):
            raise answer
        self.intrinsics = answer

    def take(self, snapshot: Snapshot) -> None:
        """Queue a snapshot without waiting, in place of one that waits: the newest counts."""
        with suppress(queue.Empty):
            self._snapshots.get_nowait()
            self.skipped += 1
        self._snapshots.put_nowait(snapshot)

    def take_now(self, snapshot: Snapshot) -> None:
        """Render a snapshot and wait until its pictures are published: none is skipped.

        Raises:
            VeraRosError: the cameras do not answer.
        """
        self._snapshots.put(snapshot, timeout=_READY_TIMEOUT_S)
        if not snapshot.published.wait(_READY_TIMEOUT_S):
            raise VeraRosError(
                f"the cameras took no picture within {_READY_TIMEOUT_S:g} s; see the log for "
                "the cause"
            )

    def stop(self) -> None:
        """End the thread."""
        self._snapshots.put(None, timeout=_READY_TIMEOUT_S)
        self._thread.join(_READY_TIMEOUT_S)

    def _run(self, open_renderer: Callable[[], Renderer]) -> None:
        # Rendering may take every core for some ms: physics and the arm's controller go first.
        os.nice(_NICER)
        try:
            renderer = open_renderer()  # in this thread, which owns the GL context
        except VeraRosError as error:
            self._ready.put(error)
            return
        with renderer:
            self._ready.put({view: renderer.intrinsics(view) for view in self._views})
            while (snapshot := self._snapshots.get()) is not None:
                pictures = renderer.render(snapshot.state)
                self._publish(self._sabotage.spoil(pictures, snapshot.episode), snapshot.stamp_ns)
                snapshot.published.set()
