# SPDX-License-Identifier: Apache-2.0
"""The stage of a run: sets up, and cleans up, the graph's processes, the evaluator and the film."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from vera_ros.bringup.failures import DemoError, NodeDiedError
from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import STARTED_BY_SERVER_NODE
from vera_ros.bringup.interrupts import Interrupts
from vera_ros.bringup.isolation import own_domain
from vera_ros.bringup.middleware import on_loopback
from vera_ros.bringup.processes import Processes
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.display import Display
from vera_ros.demo.evaluator import Evaluator
from vera_ros.demo.film.recorder import Recorder
from vera_ros.demo.film.video import FilmWriter
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.picture_rate import PictureRate, judge
from vera_ros.demo.server import Loading, check_server, graph_options
from vera_ros.embodiments import find_embodiment
from vera_ros.robots.registry import find_robot

_READY_S = 60.0
_LOADED_S = 7200.0  # the largest ready_timeout_s of server_node


@dataclass(frozen=True)
class Stage:
    """What an episode needs.

    Attributes:
        evaluator: plays episodes.
        waiter: spins the evaluator until a condition holds.
        recorder: of the film; None: no film.
    """

    evaluator: Evaluator
    waiter: Waiter
    recorder: Recorder | None


@contextmanager
def set_stage(
    options: DemoOptions, log_folder: Path, display: Display, interrupts: Interrupts
) -> Iterator[Stage]:
    """Start everything, wait until it is ready, and stop it all at the end.

    Raises:
        DemoError: something does not start, or breaks later; with the end of that node's log.
    """
    graph, overrides = graph_options(options, os.environ)
    if graph.server == "attach" and graph.url:
        check_server(graph.url)
    with ExitStack() as stack:
        domain = stack.enter_context(own_domain())
        specs = nodes(graph)
        names = [spec.name for spec in specs]
        for line in overrides:
            display.say(line)
        display.say(f"starting {', '.join(names)}")
        display.say(f"in ROS_DOMAIN_ID {domain}, with logs in {log_folder}")
        if options.sabotage != "none":
            display.say(f"pictures are sabotaged ({options.sabotage}): no episode should succeed")
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        os.environ.update(on_loopback(os.environ))
        os.environ["ROS_HOME"] = str(log_folder)  # a hold must not reach other runs
        os.environ["ROS_LOG_DIR"] = str(log_folder / "ros")
        recorder = stack.enter_context(_recorder(options, display))
        began_s = time.monotonic()
        processes = stack.enter_context(Processes(log_folder, os.environ))
        for spec in specs:
            processes.start(spec.name, command(spec, "", log_folder))
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        views = find_robot(options.embodiment).view_topics
        evaluator = Evaluator(views, names, recorder, lockstep=options.lockstep)
        pictures = PictureRate(evaluator, next(iter(views.values())))
        stack.callback(evaluator.destroy_node)
        executor = SingleThreadedExecutor()
        executor.add_node(evaluator)
        checks = (processes.check, interrupts.check)
        waiter = Waiter(executor, checks)
        with _naming_culprits(processes, names):
            if graph.server in STARTED_BY_SERVER_NODE:
                loading = Waiter(executor, (*checks, Loading(processes, display).tell))
                loading.until(evaluator.missing, _LOADED_S)
            waiter.until(evaluator.missing, _READY_S)
            display.say(f"ready after {time.monotonic() - began_s:.1f} s")
            if not options.lockstep:
                policy_hz = 1.0 / find_embodiment(options.embodiment).control_dt_s
                needed_hz = options.realtime_factor * policy_hz
                warning = judge(pictures.measure_hz(waiter), needed_hz)
                if warning:
                    display.say(warning)
            yield Stage(evaluator, waiter, recorder)


@contextmanager
def _naming_culprits(processes: Processes, names: list[str]) -> Iterator[None]:
    """Append the end of the node's log to an error that names a node."""
    try:
        yield
    except NodeDiedError:
        raise  # it has the log already
    except DemoError as error:
        culprit = next((name for name in names if name in str(error)), None)
        if culprit is None:
            raise
        raise DemoError(f"{error}\n{processes.tail_of(culprit)}") from error


@contextmanager
def _recorder(options: DemoOptions, display: Display) -> Iterator[Recorder | None]:
    if options.video is None:
        yield None
        return
    views = find_robot(options.embodiment).view_topics
    resolution = find_embodiment(options.embodiment).resolution
    with FilmWriter(options.video, list(views.values()), resolution) as film:
        yield Recorder(film, list(views))
    if film.left_out:
        display.say(f"the machine was too busy for {film.left_out} of the film's pictures")
