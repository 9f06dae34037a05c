# SPDX-License-Identifier: Apache-2.0
"""A run of the demo: plays its episodes, one after the other."""

from collections.abc import Callable
from pathlib import Path

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.interrupts import Interrupts
from vera_ros.demo.display import Display, Progress
from vera_ros.demo.episode_report import EpisodeReport
from vera_ros.demo.film.captions import Caption
from vera_ros.demo.options import DemoOptions
from vera_ros.demo.stage import Stage, set_stage
from vera_ros.demo.tables import describe_episode
from vera_ros.policy.states import State
from vera_ros.robots.registry import find_robot
from vera_ros_interfaces.msg import PolicyStatus

_MOST_FAULTS_IN_A_ROW = 2  # one may be a hiccup of a busy machine
# Aborts that the policy has caused, and no fault of the system.
_CAUSED_BY_POLICY = ("invalid_actions", "arm_rejected", "arm_aborted")


def run_episodes(
    options: DemoOptions,
    log_folder: Path,
    display: Display,
    interrupts: Interrupts,
    keep: Callable[[EpisodeReport], None],
) -> None:
    """Play all episodes; `keep` takes the report of each as soon as it is over.

    Raises:
        DemoError: something broke; the message names the node, and ends with its last log lines.
    """
    with set_stage(options, log_folder, display, interrupts) as stage:
        faults: list[str] = []
        in_a_row = 0
        for index in range(options.episodes):
            episode = _play(options, index, stage, display)
            keep(episode)
            display.end(episode)
            interrupts.check()
            if not _is_fault(episode):
                in_a_row = 0
                continue
            cause = episode.cause.replace("_", " ")
            faults.append(f"policy_node aborted episode {index + 1}, {cause}: {episode.message}")
            in_a_row += 1
            if in_a_row == _MOST_FAULTS_IN_A_ROW:
                break
        if faults:
            raise DemoError("\n".join(faults))


def _is_fault(episode: EpisodeReport) -> bool:
    return episode.outcome == "aborted" and episode.cause not in _CAUSED_BY_POLICY


def _play(options: DemoOptions, index: int, stage: Stage, display: Display) -> EpisodeReport:
    number, seed = index + 1, options.seed + index
    title = f"episode {number}/{options.episodes}  seed {seed}"
    prompt, task = options.prompt_of(seed), find_robot(options.embodiment).task
    latest = Progress("", "", 0, 0, 0.0, 0.0)

    def on_progress(status: PolicyStatus, elapsed_s: float) -> None:
        nonlocal latest
        latest = _progress_of(status, elapsed_s)
        display.progress(latest)

    def caption() -> Caption:
        time_and_phase = f"{latest.elapsed_s:4.1f} s  {latest.phase}"
        return Caption(title, prompt, time_and_phase, _detail_of(latest))

    display.begin(number, seed)
    stage.evaluator.on_progress = on_progress
    stage.evaluator.scene.reset(seed, stage.waiter)
    if stage.recorder is None:
        return stage.evaluator.play(seed, options, stage.waiter)
    stage.recorder.begin(caption)
    episode = stage.evaluator.play(seed, options, stage.waiter)
    ending = describe_episode(episode, task)
    end = Caption(title, prompt, ending, _detail_of(latest), episode.success)
    stage.recorder.end(end)
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
