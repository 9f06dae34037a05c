# SPDX-License-Identifier: Apache-2.0
"""A run of the demo: the graph's processes, the evaluator, and episode after episode."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from vera_ros.demo.captions import Caption
from vera_ros.demo.display import Display, Progress
from vera_ros.demo.evaluator import Evaluator
from vera_ros.demo.failures import DemoError, NodeDiedError
from vera_ros.demo.interrupts import Interrupts
from vera_ros.demo.isolation import free_port, own_domain
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.processes import Processes
from vera_ros.demo.recorder import Recorder
from vera_ros.demo.report import EpisodeReport
from vera_ros.demo.tables import describe_episode
from vera_ros.demo.video import FilmWriter
from vera_ros.demo.waiter import Waiter
from vera_ros.graph import GraphOptions, command, nodes
from vera_ros.policy.states import State
from vera_ros_interfaces.msg import PolicyStatus

# View keys and the base of their topics, as in the simulated scene.
VIEWS = {"agentview_image": "agentview", "robot0_eye_in_hand_image": "robot0_eye_in_hand"}

_READY_S = 60.0
_CONNECT_S = 5.0
# Aborts that are the doing of the policy: the next episode may well go better.
_POLICYS_DOING = ("invalid_actions", "arm_rejected", "arm_aborted")


@dataclass(frozen=True)
class _Graph:
    """The graph's processes, and what this process needs to take part."""

    processes: Processes
    evaluator: Evaluator
    recorder: Recorder | None
    waiter: Waiter


def run_episodes(
    options: DemoOptions,
    log_folder: Path,
    display: Display,
    interrupts: Interrupts,
    keep: Callable[[EpisodeReport], None],
) -> None:
    """Play all episodes; `keep` gets the report of each as soon as it is over.

    Raises:
        DemoError: something broke; the message names what, and ends with the culprit's log.
    """
    if options.server_url:
        _check_server(options.server_url)
    with _started(options, log_folder, display, interrupts) as graph:
        for index in range(options.episodes):
            episode = _play(options, index, graph, display)
            keep(episode)
            display.end(episode)
            if episode.outcome == "aborted" and episode.cause not in _POLICYS_DOING:
                raise DemoError(
                    f"episode {index + 1} was aborted ({episode.cause.replace('_', ' ')}): "
                    f"{episode.message}\n{graph.processes.tail_of('policy_node')}"
                )


@contextmanager
def _started(
    options: DemoOptions, log_folder: Path, display: Display, interrupts: Interrupts
) -> Iterator[_Graph]:
    with ExitStack() as stack:
        domain = stack.enter_context(own_domain())
        specs = nodes(_graph_options(options))
        names = [spec.name for spec in specs]
        display.say(f"starting {', '.join(names)}")
        display.say(f"in ROS_DOMAIN_ID {domain}, with logs in {log_folder}")
        if options.sabotage != "none":
            display.say(f"the pictures are sabotaged ({options.sabotage}): no tower should stand")
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        os.environ["ROS_LOG_DIR"] = str(log_folder / "ros")
        recorder = stack.enter_context(_recorder(options, display))
        began_s = time.monotonic()
        processes = stack.enter_context(Processes(log_folder, os.environ))
        for spec in specs:
            processes.start(spec.name, command(spec, "", log_folder))
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        evaluator = Evaluator(VIEWS, names, recorder)
        stack.callback(evaluator.destroy_node)
        executor = SingleThreadedExecutor()
        executor.add_node(evaluator)
        waiter = Waiter(executor, (processes.check, interrupts.check))
        try:
            waiter.until(evaluator.missing, _READY_S)
            display.say(f"ready after {time.monotonic() - began_s:.1f} s")
            yield _Graph(processes, evaluator, recorder, waiter)
        except NodeDiedError:
            raise
        except DemoError as error:
            culprit = next((name for name in names if name in str(error)), None)
            if culprit is None or "the end of" in str(error):
                raise
            raise DemoError(f"{error}\n{processes.tail_of(culprit)}") from error


@contextmanager
def _recorder(options: DemoOptions, display: Display) -> Iterator[Recorder | None]:
    if options.video is None:
        yield None
        return
    with FilmWriter(options.video, list(VIEWS.values())) as film:
        yield Recorder(film, list(VIEWS))
    if film.left_out:
        display.say(f"the machine was too busy for {film.left_out} of the film's pictures")


def _graph_options(options: DemoOptions) -> GraphOptions:
    return GraphOptions(
        server="attach" if options.server_url else "reference",
        server_url=options.server_url or f"ws://127.0.0.1:{free_port()}",
        seed=options.seed,
        realtime_factor=options.realtime_factor,
        sabotage=options.sabotage,
        config=options.config or "",
    )


def _check_server(url: str) -> None:
    """Fail early, and clearly, when nobody listens."""
    parts = urlsplit(url)
    port = parts.port or {"ws": 80, "wss": 443}[parts.scheme]
    try:
        socket.create_connection((str(parts.hostname), port), _CONNECT_S).close()
    except OSError as error:
        raise DemoError(
            f"no policy server at {url} ({error}); start it first, or leave --server away and the "
            "demo starts the reference server"
        ) from error


def _play(options: DemoOptions, index: int, graph: _Graph, display: Display) -> EpisodeReport:
    number, seed = index + 1, options.seed + index
    title = f"episode {number}/{options.episodes}  seed {seed}"
    latest = Progress("", "", 0, 0, 0.0, 0.0)

    def on_progress(status: PolicyStatus, elapsed_s: float) -> None:
        nonlocal latest
        latest = _progress_of(status, elapsed_s)
        display.progress(latest)

    def caption() -> Caption:
        time_and_phase = f"{latest.elapsed_s:4.1f} s  {latest.phase}"
        return Caption(title, options.prompt, time_and_phase, _detail_of(latest))

    display.begin(number, seed)
    graph.evaluator.on_progress = on_progress
    graph.evaluator.reset_scene(seed, graph.waiter)
    if graph.recorder is None:
        return graph.evaluator.play(seed, options, graph.waiter)
    graph.recorder.begin(caption)
    episode = graph.evaluator.play(seed, options, graph.waiter)
    end = Caption(
        title, options.prompt, describe_episode(episode), _detail_of(latest), episode.success
    )
    graph.recorder.end(end)
    return episode


def _progress_of(status: PolicyStatus, elapsed_s: float) -> Progress:
    return Progress(
        state=State(status.state).name.replace("_", " ").lower(),
        phase=status.phase,
        chunk=status.chunk,
        steps=status.steps,
        server_latency_s=status.server_latency_s,
        elapsed_s=elapsed_s,
    )


def _detail_of(progress: Progress) -> str:
    return (
        f"{progress.state}   chunk {progress.chunk}   step {progress.steps}   "
        f"server {progress.server_latency_s * 1e3:.0f} ms"
    )
