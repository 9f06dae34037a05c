# SPDX-License-Identifier: Apache-2.0
"""What several checks need to know: found once, while the other checks go on."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from vera_ros.doctor.finding import NotCheckedError
from vera_ros.doctor.options import Options
from vera_ros.doctor.tools import Deadline, Probe

if TYPE_CHECKING:  # what they import may not be installed
    from vera_ros.doctor.configuration import Configuration
    from vera_ros.doctor.graph import GraphFacts
    from vera_ros.server.settings import ServerSettings

T = TypeVar("T")

# So that a program's time-out is told by the check that waits for it, in time for the page.
_MARGIN = 0.95

NO_ROBOT_YET = "the simulation starts with the graph"


class Once(Generic[T]):
    """A fact that is found once, by the check that needs it first, and shared by all.

    Args:
        find: finds it, in a thread of its own, which the program does not wait for at its end.
    """

    def __init__(self, find: Callable[[], T]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def begin(self) -> "Future[T]":
        """Begin to find it, unless another check has."""
        with self._lock:
            if self._future is None:
                self._future = Future()
                threading.Thread(target=self._work, args=(self._future,), daemon=True).start()
            return self._future

    def get(self) -> T:
        """Wait for it; raises what finding it raised."""
        return self.begin().result()

    def _work(self, future: "Future[T]") -> None:
        try:
            future.set_result(self._find())
        except BaseException as error:
            future.set_exception(error)


class Context:
    """One run.

    Attributes:
        options: what is asked.
        deadline: when every program has to have answered.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.deadline = Deadline(_MARGIN * options.deadline_s)
        self._configuration = Once(self._read)
        self._settings = Once(self._read_settings)
        self._graph = Once(self._observe)
        self._description: Future[str] = Future()

    def read_configuration(self) -> "Configuration":
        """The chosen parameter file, with whatever exception its reading raised."""
        return self._configuration.get()

    @property
    def configuration(self) -> "Configuration":
        """The chosen parameter file.

        Raises:
            NotCheckedError: it cannot be used.
        """
        try:
            return self.read_configuration()
        except Exception as error:
            raise NotCheckedError("the parameter file cannot be used, see there") from error

    def read_settings(self) -> "ServerSettings":
        """The server's settings, with whatever exception their reading raised."""
        return self._settings.get()

    @property
    def settings(self) -> "ServerSettings":
        """The settings of the server that is to run here.

        Raises:
            NotCheckedError: they cannot be used.
        """
        try:
            return self.read_settings()
        except NotCheckedError:
            raise
        except Exception as error:
            raise NotCheckedError("the server's settings cannot be used, see there") from error

    def observe_graph(self) -> "GraphFacts":
        """The running graph, with whatever exception its observation raised."""
        return self._graph.get()

    @property
    def graph(self) -> "GraphFacts":
        """The running graph; waits until it was listened to.

        Raises:
            NotCheckedError: it cannot be looked at.
        """
        try:
            return self.observe_graph()
        except NotCheckedError:
            raise
        except Exception as error:
            raise NotCheckedError("the graph cannot be looked at, see nodes") from error

    @property
    def published_description(self) -> str:
        """The URDF on the graph's topic; empty: there is none.

        Raises:
            NotCheckedError: the graph cannot be looked at.
        """
        self._graph.begin()
        urdf = self._description.result()
        if not urdf:
            _ = self.graph  # where listening failed, this says so
        return urdf

    @property
    def robot_is_up(self) -> bool:
        """Whether there should be a robot in the graph; a simulated one only while it runs.

        Raises:
            NotCheckedError: the graph cannot be looked at.
        """
        return self.options.robot == "real" or self.graph.runs(f"{self.options.prefix}/sim_node")

    def _read(self) -> "Configuration":
        from vera_ros.doctor import configuration

        return configuration.read(self.options, self.deadline)

    def _read_settings(self) -> "ServerSettings":
        from vera_ros.doctor import server_settings

        return server_settings.read(self.options, self.configuration, os.environ)

    def _observe(self) -> "GraphFacts":
        from vera_ros.doctor import graph

        try:
            probe = Probe("graph", self.deadline)  # imports what it needs, meanwhile
            configuration = self.configuration
            return graph.observe(
                probe,
                configuration,
                self.options.prefix,
                self.options.robot == "sim",
                self.deadline.remaining(),
                self._description.set_result,
            )
        finally:
            if not self._description.done():
                self._description.set_result("")
