# SPDX-License-Identifier: Apache-2.0
"""Displays of a run's progress: a live one in a terminal, plain lines elsewhere."""

import time
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vera_ros.demo.episode_report import EpisodeReport
from vera_ros.demo.tables import describe_episode
from vera_ros.robots.robot import Task

_LIVE_PERIOD_S = 0.2
_PLAIN_PERIOD_S = 10.0


@dataclass(frozen=True)
class Progress:
    """Progress of an episode.

    Attributes:
        state: of the policy side, in words.
        phase: what the server reports to be doing.
        chunk: chunks so far.
        steps: steps so far.
        server_latency_s: of the last inference.
        elapsed_s: simulated time since the beginning.
    """

    state: str
    phase: str
    chunk: int
    steps: int
    server_latency_s: float
    elapsed_s: float

    def __str__(self) -> str:
        """Return the progress as one line."""
        phase = f", {self.phase}" if self.phase else ""
        return (
            f"{self.elapsed_s:5.1f} s  {self.state}{phase}, chunk {self.chunk}, step {self.steps}, "
            f"server {self.server_latency_s * 1e3:.0f} ms"
        )


class Display(Protocol):
    """Shows the progress of a run. To be closed in the end."""

    def say(self, text: str) -> None:
        """Show a line permanently."""

    def begin(self, number: int, seed: int) -> None:
        """Show that an episode begins; the first has number 1."""

    def progress(self, progress: Progress) -> None:
        """Show how far the episode is."""

    def end(self, episode: EpisodeReport) -> None:
        """Show how the episode ended."""

    def close(self) -> None:
        """Stop showing anything."""


class PlainDisplay:
    """Prints a line of progress every ten seconds, and one at the end of each episode."""

    def __init__(self, console: Console, episodes: int, task: Task) -> None:
        self._console = console
        self._task = task
        self._episodes = episodes
        self._title = ""
        self._due_s = 0.0

    def say(self, text: str) -> None:
        """Print the text."""
        self._console.print(text, markup=False, soft_wrap=True)

    def begin(self, number: int, seed: int) -> None:
        """Remember which episode it is, for the lines that follow."""
        self._title = f"episode {number}/{self._episodes}  seed {seed}"
        self._due_s = time.monotonic() + _PLAIN_PERIOD_S

    def progress(self, progress: Progress) -> None:
        """Print the progress if a line is due."""
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + _PLAIN_PERIOD_S
            self.say(f"{self._title}  {progress}")

    def end(self, episode: EpisodeReport) -> None:
        """Print how the episode ended."""
        self.say(
            f"{self._title}  {describe_episode(episode, self._task)} "
            f"({episode.chunks} chunks, {episode.steps} steps)"
        )

    def close(self) -> None:
        """Nothing to do."""


class LiveDisplay:
    """Updates a few lines at the bottom of the terminal."""

    def __init__(self, console: Console, episodes: int, task: Task, time_limit_s: float) -> None:
        self._console = console
        self._task = task
        self._episodes = episodes
        self._time_limit_s = time_limit_s
        self._title = ""
        self._progress: Progress | None = None
        self._wins: list[bool] = []
        self._due_s = 0.0
        # Refreshed from outside: a thread for this would only compete with the simulation.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def say(self, text: str) -> None:
        """Print the text above the live lines."""
        self._console.print(text, markup=False, soft_wrap=True)
        self._refresh()

    def begin(self, number: int, seed: int) -> None:
        """Show the new episode."""
        self._title = f"episode {number}/{self._episodes}  seed {seed}"
        self._progress = None
        self._refresh()
        self._due_s = 0.0  # the first progress is shown at once

    def progress(self, progress: Progress) -> None:
        """Show the progress, at most five times a second."""
        self._progress = progress
        if time.monotonic() >= self._due_s:
            self._refresh()

    def end(self, episode: EpisodeReport) -> None:
        """Print how the episode ended, in a permanent line."""
        self._wins.append(episode.success)
        style = "green" if episode.success else "red"
        self._console.print(
            Text(f"{self._title}  ").append(describe_episode(episode, self._task), style),
            Text(f"({episode.chunks} chunks, {episode.steps} steps)", "dim"),
        )
        self._progress = None
        self._refresh()

    def close(self) -> None:
        """Remove the live lines."""
        self._live.stop()

    def _refresh(self) -> None:
        self._due_s = time.monotonic() + _LIVE_PERIOD_S
        self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        if not self._title:
            return Text()
        done = len(self._wins)
        episodes = Table.grid(padding=(0, 2))
        episodes.add_row(
            ProgressBar(self._episodes, done, width=30),
            Text(f"{done} of {self._episodes} episodes, {sum(self._wins)} {self._task.total}"),
        )
        if self._progress is None:
            return episodes
        p = self._progress
        episodes.add_row(
            ProgressBar(self._time_limit_s, min(p.elapsed_s, self._time_limit_s), width=30),
            Text(f"{self._title}  {p.elapsed_s:.1f} of {self._time_limit_s:g} s"),
        )
        line = Table.grid(padding=(0, 3))
        line.add_row(
            Text(p.state, "bold"),
            Text(p.phase, "cyan"),
            Text(f"chunk {p.chunk}"),
            Text(f"step {p.steps}"),
            Text(f"server {p.server_latency_s * 1e3:.0f} ms", "dim"),
        )
        return Group(episodes, line)
