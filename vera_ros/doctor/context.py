# SPDX-License-Identifier: Apache-2.0
"""What several checks need to know: found once, while the other checks go on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from vera_ros.doctor.finding import NotCheckedError
from vera_ros.doctor.options import Options
from vera_ros.doctor.tools import Deadline

if TYPE_CHECKING:  # what they import may not be installed
    from vera_ros.doctor.configuration import Configuration
    from vera_ros.doctor.graph import GraphFacts

T = TypeVar("T")

# So that a program's time-out is told by the check that waits for it, in time for the page.
_MARGIN = 0.95

NO_ROBOT_YET = "the simulation starts with the graph"


class Context:
    """One run.

    Attributes:
        options: what is asked.
        deadline: when every program has to have answered.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.deadline = Deadline(_MARGIN * options.deadline_s)
        self._description: Future[str] = Future()
        self._configuration = in_thread(self._read)
        self._graph = in_thread(self._observe)

    def read_configuration(self) -> "Configuration":
        """The chosen parameter file, with whatever exception its reading raised."""
        return self._configuration.result()

    @property
    def configuration(self) -> "Configuration":
        """The chosen parameter file.

        Raises:
            NotCheckedError: it cannot be used.
        """
        try:
            return self._configuration.result()
        except Exception as error:
            raise NotCheckedError("the parameter file cannot be used, see there") from error

    @property
    def graph(self) -> "GraphFacts":
        """The running graph; waits until it was listened to.

        Raises:
            NotCheckedError: it cannot be looked at.
        """
        try:
            return self._graph.result()
        except NotCheckedError:
            raise
        except Exception as error:
            raise NotCheckedError("the graph cannot be looked at, see there") from error

    @property
    def robot_is_up(self) -> bool:
        """Whether there should be a robot in the graph; a simulated one only while it runs.

        Raises:
            NotCheckedError: the graph cannot be looked at.
        """
        return self.options.robot == "real" or self.graph.runs("sim_node", self.options.namespace)

    def observe_graph(self) -> "GraphFacts":
        """The running graph, with whatever exception its observation raised."""
        return self._graph.result()

    @property
    def published_description(self) -> str:
        """The URDF on the graph's topic; empty: there is none."""
        return self._description.result()

    def _read(self) -> "Configuration":
        from vera_ros.doctor import configuration

        return configuration.read(self.options, self.deadline)

    def _observe(self) -> "GraphFacts":
        from vera_ros.doctor import graph

        try:
            return graph.observe(
                self.configuration,
                self.options.namespace,
                self.deadline,
                self._description.set_result,
            )
        finally:
            if not self._description.done():
                self._description.set_result("")


def in_thread(find: Callable[[], T]) -> "Future[T]":
    """Find something in a thread of its own, which nobody waits for at the program's end."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(find())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future
