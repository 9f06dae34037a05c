# SPDX-License-Identifier: Apache-2.0
"""Time that stands still until someone asks for it: one thread moves it, one request at a time."""

import queue
import threading
import time
from collections.abc import Callable, Collection

_REPEAT_S = 0.05  # real time: late joiners learn what there is, and nothing looks dead
_HALTED = "time is not moved any more: the node is being deactivated"

Work = Callable[[], str]
Answer = Callable[[str], None]


class Lockstep:
    """Does what is asked of it, and repeats the present in between. Times are real time [s].

    Args:
        repeat: publishes the present once more.
        on_failure: gets what `repeat` or a request raised, after which nothing more is done.
    """

    def __init__(self, repeat: Callable[[], None], on_failure: Callable[[Exception], None]) -> None:
        self._repeat = repeat
        self._on_failure = on_failure
        self._requests: queue.SimpleQueue[tuple[Work, Answer]] = queue.SimpleQueue()
        self._came: set[str] = set()
        self._coming = threading.Condition()
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lockstep", daemon=True)
        self._thread.start()

    def ask(self, work: Work, answer: Answer) -> None:
        """Have something done in the thread, after what was asked before; returns at once.

        Args:
            work: returns why it failed; empty: it did not.
            answer: gets that, in the thread.
        """
        self._requests.put((work, answer))

    def came(self, name: str) -> None:
        """Note that something came which a request may wait for."""
        with self._coming:
            self._came.add(name)
            self._coming.notify_all()

    def forget_what_came(self) -> None:
        """Wait from now on for what comes anew."""
        with self._coming:
            self._came.clear()

    def wait_for(self, names: Collection[str], within_s: float) -> tuple[str, ...]:
        """Wait, in the thread, until all of these have come; return those that have not."""
        deadline_s = time.monotonic() + within_s
        while missing := self._missing(names):
            if self._halt.is_set() or time.monotonic() > deadline_s:
                return missing
            self._repeat()
        return ()

    def stop(self) -> None:
        """Return when the last request has ended; those that wait are refused."""
        self._halt.set()
        self._thread.join()
        self._refuse_the_rest()

    def _missing(self, names: Collection[str]) -> tuple[str, ...]:
        with self._coming:
            self._coming.wait_for(lambda: self._came.issuperset(names), _REPEAT_S)
            return tuple(name for name in names if name not in self._came)

    def _run(self) -> None:
        try:
            while not self._halt.is_set():
                self._do_next()
        except Exception as error:
            self._halt.set()
            self._on_failure(error)
            self._refuse_the_rest()

    def _do_next(self) -> None:
        try:
            work, answer = self._requests.get(timeout=_REPEAT_S)
        except queue.Empty:
            self._repeat()
            return
        failure = _HALTED
        try:
            failure = work()
        finally:
            answer(failure)

    def _refuse_the_rest(self) -> None:
        while not self._requests.empty():
            _, answer = self._requests.get()
            answer(_HALTED)
