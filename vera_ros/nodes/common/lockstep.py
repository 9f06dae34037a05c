# SPDX-License-Identifier: Apache-2.0
"""A thread that advances lockstep time on request and republishes the present in between."""

import queue
import threading
import time
from collections.abc import Callable, Collection

_REPEAT_S = 0.05  # real time; serves late joiners, and no watchdog takes the node for dead
_HALTED = "time no longer advances: the node is being deactivated"

Work = Callable[[], str]
Answer = Callable[[str], None]


class Lockstep:
    """Runs requests one at a time, in a thread of its own. Times are real time [s].

    Args:
        repeat: republishes the present; called while no request runs.
        on_failure: called with what `repeat` or a request raised, after which the thread ends.
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
        """Queue a request for the thread, and return at once.

        Args:
            work: returns why it failed; empty: success.
            answer: called with that, in the thread.
        """
        self._requests.put((work, answer))

    def came(self, name: str) -> None:
        """Record the arrival of something that a request may wait for."""
        with self._coming:
            self._came.add(name)
            self._coming.notify_all()

    def forget_what_came(self) -> None:
        """Forget past arrivals: requests wait for new ones."""
        with self._coming:
            self._came.clear()

    def wait_for(self, names: Collection[str], within_s: float) -> tuple[str, ...]:
        """Wait, in the thread, until all names have arrived; return those that have not."""
        deadline_s = time.monotonic() + within_s
        while missing := self._missing(names):
            if self._halt.is_set() or time.monotonic() > deadline_s:
                return missing
            self._repeat()
        return ()

    def stop(self) -> None:
        """Stop the thread after its current request, and refuse those that wait."""
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
