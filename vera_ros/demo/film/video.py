# SPDX-License-Identifier: Apache-2.0
"""The film: H.264 in MP4, encoded in a thread of its own so that nothing waits for it."""

import contextlib
import os
import queue
import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vera_ros.bringup.failures import DemoError
from vera_ros.demo.film.captions import Caption, Layout, compose_picture

_RATE_HZ = 20
_TICKS_PER_S = 1000
_QUEUE_LENGTH = 60
_NICE = 10
# Speed over size: the film is made while the simulation runs on the same cores.
_ENCODER = {"preset": "ultrafast", "crf": "23", "threads": "1"}

_Item: TypeAlias = tuple[tuple[NDArray[np.uint8], ...], Caption, float]


class FilmWriter:
    """Encodes pictures into a file as they arrive; leaves some out if they arrive too fast.

    Args:
        path: of the MP4.
        names: of the views, in order.
        resolution: height and width of a view [px].

    Raises:
        DemoError: the file cannot be written.
    """

    def __init__(self, path: Path, names: Sequence[str], resolution: tuple[int, int]) -> None:
        self._path = path
        self._layout = Layout.of(names, resolution)
        try:
            path.open("wb").close()  # PyAV itself would fail with the first picture only
            self._container = av.open(str(path), "w", options={"movflags": "+faststart"})
            self._stream = self._container.add_stream("libx264", rate=_RATE_HZ, options=_ENCODER)
        except (OSError, av.error.FFmpegError, ValueError) as error:
            raise DemoError(
                f"the film '{path}' cannot be made ({error}); choose another file with --video, "
                "or make none with --no-video"
            ) from error
        self._stream.height, self._stream.width = self._layout.size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        self._last_tick = -1
        self._queue: queue.Queue[_Item | None] = queue.Queue()
        self._closing = threading.Event()
        self._error: Exception | None = None
        self.written = 0
        self.left_out = 0
        self._thread = threading.Thread(target=self._run, name="film", daemon=True)
        self._thread.start()

    def __enter__(self) -> "FilmWriter":
        """Begin with an empty film."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the film; suppress its own error if another one is being raised."""
        with contextlib.suppress(DemoError) if error else contextlib.nullcontext():
            self.close()

    def add(
        self,
        views: Sequence[NDArray[np.uint8]],
        caption: Caption,
        time_s: float,
        *,
        droppable: bool = True,
    ) -> None:
        """Queue a picture; return at once.

        Args:
            views: RGB, in the order of the names. Shape (h, w, 3).
            caption: what is written on it.
            time_s: when it is shown; later than the one before.
            droppable: whether it may be left out when too many wait to be encoded.
        """
        if droppable and self._queue.qsize() >= _QUEUE_LENGTH:
            self.left_out += 1
        else:
            self._queue.put((tuple(views), caption, time_s))

    def close(self) -> None:
        """Finish the file; delete it if it has no pictures.

        Raises:
            DemoError: the film could not be written.
        """
        self._closing.set()
        self._queue.put(None)  # wakes the thread, if it waits
        self._thread.join()
        # The rest is encoded here: the thread's priority is low, and now the caller waits.
        with contextlib.suppress(queue.Empty):
            while True:
                self._encode(self._queue.get_nowait())
        self._finish()
        if self._error is not None:
            raise DemoError(
                f"the film '{self._path}' could not be written: {self._error}"
            ) from self._error
        if self.written == 0:
            self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # spares the simulation, but nothing depends on it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while not self._closing.is_set():
            self._encode(self._queue.get())

    def _encode(self, item: _Item | None) -> None:
        """Encode a picture; the first error is kept for `close`, and ends the film."""
        if item is None or self._error is not None:
            return
        views, caption, time_s = item
        tick = max(round(time_s * _TICKS_PER_S), self._last_tick + 1)
        self._last_tick = tick
        try:
            picture = compose_picture(views, self._layout, caption)
            yuv = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)  # ten times as fast as PyAV's own
            frame = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
            frame.pts = tick
            frame.time_base = Fraction(1, _TICKS_PER_S)
            self._container.mux(self._stream.encode(frame))
        except Exception as error:
            self._error = error
        else:
            self.written += 1

    def _finish(self) -> None:
        try:
            if self.written:
                self._container.mux(self._stream.encode())
            self._container.close()
        except Exception as error:
            self._error = self._error or error
