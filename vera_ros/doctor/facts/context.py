# SPDX-License-Identifier: Apache-2.0
"""Facts that several checks share, each gathered once and in parallel with the other checks."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from vera_ros.doctor.facts.tools import Deadline, Probe
from vera_ros.doctor.finding import NotCheckedError
from vera_ros.doctor.options import Options

if TYPE_CHECKING:  # what they import may not be installed
    from vera_ros.doctor.facts.configuration import Configuration
    from vera_ros.doctor.facts.graph import GraphFacts
    from vera_ros.server.settings import ServerSettings

T = TypeVar("T")

# Programs time out a little before the run does, so that the waiting check can still report it.
_MARGIN = 0.95

NO_ROBOT_YET = "the simulation starts with the graph"


class Once(Generic[T]):
    """A fact that is gathered when the first check needs it, and shared by all.

    Args:
        find: gathers the fact, in a daemon thread: the program does not wait for it at its end.
    """

    def __init__(self, find: Callable[[], T]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def begin(self) -> "Future[T]":
        """Start to gather the fact, unless that has begun; return its future."""
        with self._lock:
            if self._future is None:
                self._future = Future()
                threading.Thread(target=self._work, args=(self._future,), daemon=True).start()
            return self._future

    def get(self) -> T:
        """Wait for the fact and return it; raise what gathering it raised."""
        return self.begin().result()

    def _work(self, future: "Future[T]") -> None:
        try:
            future.set_result(self._find())
        except BaseException as error:
            future.set_exception(error)


class Context:
    """Options, deadline and shared facts of one run.

    Attributes:
        options: the run's options.
        deadline: by when every program must have answered.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.deadline = Deadline(_MARGIN * options.deadline_s)
        self._configuration = Once(self._read)
        self._settings = Once(self._read_settings)
        self._graph = Once(self._observe)
        self._description: Future[str] = Future()

    def read_configuration(self) -> "Configuration":
        """Return the selected parameter file; raise what reading it raised."""
        return self._configuration.get()

    @property
    def configuration(self) -> "Configuration":
        """The selected parameter file.

        Raises:
            NotCheckedError: the file cannot be used.
        """
        try:
            return self.read_configuration()
        except Exception as error:
            raise NotCheckedError("the parameter file cannot be used, see Configuration") from error

    def read_settings(self) -> "ServerSettings":
        """Return the server's settings; raise what reading them raised."""
        return self._settings.get()

    @property
    def settings(self) -> "ServerSettings":
        """The settings of the server that is to run on this machine.

        Raises:
            NotCheckedError: the settings cannot be used.
        """
        try:
            return self.read_settings()
        except NotCheckedError:
            raise
        except Exception as error:
            raise NotCheckedError("the server cannot be set up, see server settings") from error

    def observe_graph(self) -> "GraphFacts":
        """Return the facts about the running graph; raise what observing it raised."""
        return self._graph.get()

    @property
    def graph(self) -> "GraphFacts":
        """The facts about the running graph; waits until it has been observed.

        Raises:
            NotCheckedError: the graph cannot be observed.
        """
        try:
            return self.observe_graph()
        except NotCheckedError:
            raise
        except Exception as error:
            raise NotCheckedError("the graph cannot be observed, see nodes") from error

    @property
    def published_description(self) -> str:
        """The URDF on the topic robot_description; empty: none was received.

        Raises:
            NotCheckedError: the graph cannot be observed.
        """
        self._graph.begin()
        urdf = self._description.result()
        if not urdf:
            _ = self.graph  # raises if the observation failed
        return urdf

    @property
    def robot_is_up(self) -> bool:
        """Whether the graph should have a robot: a real one always, a simulated one while it runs.

        Raises:
            NotCheckedError: the graph cannot be observed.
        """
        return self.options.robot == "real" or self.graph.runs(f"{self.options.prefix}/sim_node")

    def _read(self) -> "Configuration":
        from vera_ros.doctor.facts import configuration

        return configuration.read(self.options, self.deadline)

    def _read_settings(self) -> "ServerSettings":
        from vera_ros.doctor.facts import server_settings

        return server_settings.read(self.options, self.configuration, os.environ)

    def _observe(self) -> "GraphFacts":
        from vera_ros.doctor.facts import graph

        try:
            probe = Probe("graph", self.deadline)  # imports its libraries meanwhile
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
