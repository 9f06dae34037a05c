# SPDX-License-Identifier: Apache-2.0
"""An episode in lockstep: a cardboard world whose time passes when the episode asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vera_ros.embodiments import find_embodiment
from vera_ros.policy.episode import Episode
from vera_ros.policy.goal import EpisodeTimeouts, Goal
from vera_ros.policy.pacing.lockstep import LockstepPacing
from vera_ros.policy.ports import ChunkState, Instant, Progress, Proprioception
from vera_ros.policy.states import State
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import SamplingRules
from vera_ros.wire.protocol.messages import InferReply, InferRequest
from vera_ros.wire.protocol.server_config import ServerConfig

from .rig import BODY, RESOLUTION, Arm, CountingWindow, Server, reply, server_config

PERIOD_MS = 50
START_MS = 200  # of the world


@dataclass(frozen=True)
class Advance:
    """What the episode asked of the world."""

    duration_ms: int
    arm: bool
    gripper: bool


class World:
    """Writes down what it is asked; a second question before the first answer fails the test."""

    def __init__(self) -> None:
        self.asked: list[Advance] = []
        self.pending: Advance | None = None

    def advance(self, duration_s: float, *, await_arm: bool, await_gripper: bool) -> None:
        assert self.pending is None, "time is asked to pass while it passes"
        self.pending = Advance(round(duration_s * 1e3), await_arm, await_gripper)
        self.asked.append(self.pending)


class PresentBody:
    """Feels the present, once the world has said so."""

    def __init__(self) -> None:
        self.felt_ns = 0

    def proprioception(self, since_ns: int) -> Proprioception | None:
        return BODY if self.felt_ns >= since_ns else None

    def explain(self) -> str:
        return "explained"

    def starting(self) -> bool:
        return False

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        raise AssertionError("asked while time stands still")


class LockstepRig:
    """The episode and everything around it, on two clocks that know nothing of each other."""

    def __init__(self, bounds: EpisodeTimeouts | None = None, *, judged: bool = False) -> None:
        self.server, self.arm, self.body, self.world = Server(), Arm(), PresentBody(), World()
        self.real_s = 0.0
        self.present_ms = START_MS
        self.bounds = bounds or EpisodeTimeouts()
        self._late_pictures_ms: list[int] = []
        self._buffer: FrameBuffer | None = None
        self.pacing = LockstepPacing(self.world, judged=judged)
        self.episode = Episode(
            find_embodiment("mimicgen"),
            self.bounds,
            self.server,
            self.arm,
            self.body,
            self,
            lambda: "session",
            pacing=self.pacing,
        )

    @property
    def now(self) -> Instant:
        return Instant(self.real_s, self.present_ms * 1_000_000)

    def wait(self, seconds: float = 0.02) -> None:
        """Let real time pass."""
        for _ in range(max(1, round(seconds / 0.02))):
            self.real_s += 0.02
            self.episode.tick(self.now)

    # The world.

    def let_time_pass(self, *, pictures: bool = True) -> Advance:
        """Answer what was asked; pictures come before the answer, or are late."""
        asked, self.world.pending = self.world.pending, None
        assert asked is not None
        start_ms, end_ms = self.present_ms, self.present_ms + asked.duration_ms
        inner = range(start_ms + PERIOD_MS, end_ms, PERIOD_MS)
        self._late_pictures_ms += [*inner, end_ms]
        if pictures:
            self.show_pictures()
        self.present_ms = end_ms
        self.body.felt_ns = self.now.ros_ns
        self.pacing.on_advanced(self.now)
        return asked

    def show_pictures(self, *, view_by_view: bool = False) -> None:
        """Every picture that is on its way arrives, one after the other."""
        assert self._buffer is not None
        views, late_ms = self._buffer.view_keys, self._late_pictures_ms
        order = [(at_ms, view) for at_ms in late_ms for view in views]
        for at_ms, view in sorted(order, key=lambda item: item[1]) if view_by_view else order:
            if self._buffer.newest_stamp_ns(view) != at_ms * 1_000_000:
                self._buffer.add(view, at_ms * 1_000_000, _picture(at_ms))
            self.episode.tick(self.now)
        late_ms.clear()

    def fail(self, message: str = "no trajectory") -> None:
        self.world.pending = None
        self.pacing.on_advance_failed(message, self.now)

    # The way through an episode.

    def start(self, time_limit_s: float = 1000.0, **config: Any) -> None:
        """To the first question."""
        self.episode.start(Goal("stack", time_limit_s), self.now)
        self.server.pending = ""
        self.episode.sessions.on_connected(server_config(**config), self.now)
        assert self.let_time_pass() == Advance(0, arm=False, gripper=False)
        self.wait()

    def answer(self, answer: InferReply | None = None) -> None:
        self.server.pending = ""
        self.episode.sessions.on_reply(answer or reply(), 0.5, self.now)

    def accept(self, steps: int = 10, stretch: float = 1.0, **changes: Any) -> None:
        """The arm side has a plan for the last chunk."""
        self.progress(
            ChunkState.ACCEPTED, step_times_ns=self.step_times_ns(steps, stretch), **changes
        )

    def step_times_ns(self, steps: int, stretch: float) -> tuple[int, ...]:
        start_ns = self.arm.chunks[-1].start_ns
        return tuple(
            start_ns + round(number * PERIOD_MS * stretch) * 1_000_000
            for number in range(1, steps + 1)
        )

    def progress(self, state: ChunkState, **changes: Any) -> None:
        chunk = self.arm.chunks[-1]
        values: dict[str, Any] = {
            "session_id": chunk.session_id,
            "sequence": chunk.sequence,
            "state": state,
            "stamp_ns": self.now.ros_ns,
        }
        self.episode.on_progress(Progress(**{**values, **changes}), self.now)

    def play(self, steps: int = 10, stretch: float = 1.0, **changes: Any) -> None:
        """From a question to the next one."""
        self.answer(reply(steps))
        self.accept(steps, stretch, **changes)
        self.let_time_pass()
        if self.episode.state is State.SETTLING:
            self.episode.pacing.on_undecided(self.now)
        self.wait()

    def explain(self, views: Sequence[str]) -> str:
        return f"explained: {', '.join(views)}"

    def make_window(self, config: ServerConfig) -> CountingWindow:
        self._buffer = FrameBuffer(config.view_keys, 128)
        rules = SamplingRules(
            period_ns=PERIOD_MS * 1_000_000,
            max_age_ns=250_000_000,
            max_skew_ns=60_000_000,
            max_delay_ns=2**62,
        )
        return CountingWindow(self._buffer, config.context_frames, RESOLUTION, rules)


def _picture(at_ms: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Its first two values say when it was taken, see `frames_ms`."""
    picture = np.zeros((*RESOLUTION, 3), np.uint8)
    picture[..., 0], picture[..., 1] = divmod(at_ms, 256)
    return picture


def frames_ms(request: InferRequest) -> list[int]:
    """When the frames of a request were taken."""
    return [256 * int(frame[0, 0, 0]) + int(frame[0, 0, 1]) for frame in request.context_rgb]
