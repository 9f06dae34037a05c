# SPDX-License-Identifier: Apache-2.0
"""What is seen while the demo runs: a live display in a terminal, plain lines elsewhere."""

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

_LIVE_PERIOD_S = 0.2
_PLAIN_PERIOD_S = 10.0


@dataclass(frozen=True)
class Progress:
    """Where an episode is.

    Attributes:
        state: of the policy side, in words.
        phase: what the server says that it does.
        chunk: chunks so far.
        steps: steps so far.
        server_latency_s: of the last inference.
        elapsed_s: simulated time.
    """

    state: str
    phase: str
    chunk: int
    steps: int
    server_latency_s: float
    elapsed_s: float

    def __str__(self) -> str:
        """In one line."""
        phase = f", {self.phase}" if self.phase else ""
        return (
            f"{self.elapsed_s:5.1f} s  {self.state}{phase}, chunk {self.chunk}, step {self.steps}, "
            f"server {self.server_latency_s * 1e3:.0f} ms"
        )


class Display(Protocol):
    """Shows how the run goes on. To be closed in the end."""

    def say(self, text: str) -> None:
        """Show a line that stays."""

    def begin(self, number: int, seed: int) -> None:
        """An episode begins, the first has number 1."""

    def progress(self, progress: Progress) -> None:
        """The episode goes on."""

    def end(self, episode: EpisodeReport) -> None:
        """The episode is over."""

    def close(self) -> None:
        """Show no more."""


class PlainDisplay:
    """Lines of text, few of them."""

    def __init__(self, console: Console, episodes: int) -> None:
        self._console = console
        self._episodes = episodes
        self._title = ""
        self._due_s = 0.0

    def say(self, text: str) -> None:
        """Print the text."""
        self._console.print(text, markup=False, soft_wrap=True)

    def begin(self, number: int, seed: int) -> None:
        """Remember which episode it is; its end is worth a line."""
        self._title = f"episode {number}/{self._episodes}  seed {seed}"
        self._due_s = time.monotonic() + _PLAIN_PERIOD_S

    def progress(self, progress: Progress) -> None:
        """Print a line every now and then."""
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + _PLAIN_PERIOD_S
            self.say(f"{self._title}  {progress}")

    def end(self, episode: EpisodeReport) -> None:
        """Print how it ended."""
        self.say(
            f"{self._title}  {describe_episode(episode)} "
            f"({episode.chunks} chunks, {episode.steps} steps)"
        )

    def close(self) -> None:
        """Nothing to do."""


class LiveDisplay:
    """A few lines at the bottom of the terminal that change."""

    def __init__(self, console: Console, episodes: int, time_limit_s: float) -> None:
        self._console = console
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
        self._due_s = 0.0  # the first progress is worth a look

    def progress(self, progress: Progress) -> None:
        """Show it, a few times a second."""
        self._progress = progress
        if time.monotonic() >= self._due_s:
            self._refresh()

    def end(self, episode: EpisodeReport) -> None:
        """Leave a line that says how it ended."""
        self._wins.append(episode.success)
        style = "green" if episode.success else "red"
        self._console.print(
            Text(f"{self._title}  ").append(describe_episode(episode), style),
            Text(f"({episode.chunks} chunks, {episode.steps} steps)", "dim"),
        )
        self._progress = None
        self._refresh()

    def close(self) -> None:
        """Take the live lines away."""
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
            Text(f"{done} of {self._episodes} episodes, {sum(self._wins)} towers stand"),
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
