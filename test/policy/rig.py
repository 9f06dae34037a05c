# SPDX-License-Identifier: Apache-2.0
"""An episode with a server, an arm and cameras of cardboard, on a clock that a test moves."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vera_ros.embodiments import find_embodiment
from vera_ros.policy.episode import Episode
from vera_ros.policy.goal import EpisodeTimeouts, Goal
from vera_ros.policy.pacing.settle import SettlePacing
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress, Proprioception
from vera_ros.policy.states import State
from vera_ros.vision.frame import MultiViewFrame, NoFrame
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import RollingWindow, SamplingRules
from vera_ros.wire.protocol.messages import InferReply, InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig

START_ROS_NS = 1_700_000_000_000_000_000
PERIOD_MS = 50  # of the cameras and of the control ticks
STEP_MS = 10  # between two looks at the time
RESOLUTION = (4, 4)
BODY = {
    "q_robot": np.linspace(0, 1, 7, dtype=np.float32),
    "eef_pos": np.array([0.5, 0.0, 0.2], np.float32),
    "eef_quat": np.array([1.0, 0.0, 0.0, 0.0], np.float32),
    "gripper_qpos": np.array([0.04, -0.04], np.float32),
}


def server_config(**changes: Any) -> ServerConfig:
    """What a mimicgen server says of itself."""
    mimicgen = find_embodiment("mimicgen")
    return ServerConfig.from_wire(
        {
            "embodiment": "mimicgen",
            "view_keys": list(mimicgen.view_keys),
            "action_space": "eef_delta",
            "action_horizon": 10,
            "action_dim": 7,
            "context_frames": 21,
            "control_dt": 0.05,
            "gripper_is_raw": True,
            "actions_already_metric": True,
            "needs_prompt": True,
            **changes,
        }
    )


def reply(rows: int = 10, value: float = 0.1, **info: Any) -> InferReply:
    """A chunk of equal numbers."""
    return InferReply(np.full((rows, 7), value, np.float32), info)


class Server:
    """Writes down what it is asked; a second question before the first answer fails the test."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.requests: list[InferRequest] = []
        self.played: list[ObserveRequest | None] = []
        self.pending = ""

    def connect(self, session_id: str) -> None:
        self._ask("connect")

    def infer(self, request: InferRequest, played: ObserveRequest | None = None) -> None:
        self._ask("infer")
        self.requests.append(request)
        self.played.append(played)

    def abandon(self) -> None:
        self.calls.append("abandon")
        self.pending = ""

    def release(self, session_id: str, played: ObserveRequest | None = None) -> None:
        assert not self.pending
        self.calls.append("release")
        self.played.append(played)

    def _ask(self, what: str) -> None:
        assert not self.pending, f"{what} while {self.pending} is in flight"
        self.calls.append(what)
        self.pending = what


class Arm:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.stops = 0
        self.rests = True
        self.unrests = ""

    def resting(self) -> bool:
        return self.rests

    def unrest(self) -> str:
        return self.unrests

    def play(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)

    def stop(self) -> None:
        self.stops += 1


class Body:
    """Feels what the test says."""

    def __init__(self) -> None:
        self.felt: Proprioception | None = BODY
        self.starts = False

    def starting(self) -> bool:
        return self.starts

    def proprioception(self, since_ns: int) -> Proprioception | None:
        return self.felt

    def explain(self) -> str:
        return "explained"

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        return self.felt


class CountingWindow(RollingWindow):
    """A rolling window that counts the frames of each way in."""

    looks = ticks = 0

    def sample(self, not_before_ns: int, now_ns: int) -> MultiViewFrame | NoFrame:
        frame = super().sample(not_before_ns, now_ns)
        self.looks += isinstance(frame, MultiViewFrame)
        return frame

    def poll(self, now_ns: int) -> int:
        taken = super().poll(now_ns)
        self.ticks += taken
        return taken


class Rig:
    """The episode and everything around it."""

    def __init__(
        self, bounds: EpisodeTimeouts | None = None, pacing: SettlePacing | None = None
    ) -> None:
        self.bounds = bounds or EpisodeTimeouts()
        self.server, self.arm, self.body = Server(), Arm(), Body()
        self.cameras_on = True
        self._ms = 0
        self._sessions = 0
        self._buffer: FrameBuffer | None = None
        self.jump_ns = 0  # of ROS time
        self.lag_ms = 0  # of one camera's stamps
        self.skew_ms = 60  # allowed between the views
        self.episode = Episode(
            find_embodiment("mimicgen"),
            self.bounds,
            self.server,
            self.arm,
            self.body,
            self,
            self._new_session,
            pacing,
        )

    # Time.

    @property
    def now(self) -> Instant:
        """The present; both clocks run alike, from different origins."""
        return Instant(self._ms * 1e-3, START_ROS_NS + self._ms * 1_000_000 + self.jump_ns)

    def advance(self, seconds: float) -> None:
        """Let time pass, tick by tick; cameras take a picture now and then."""
        until_ms = self._ms + round(seconds * 1e3)
        while self._ms < until_ms:
            self._ms += STEP_MS
            if self._ms % PERIOD_MS == 0 and self.cameras_on and self._buffer is not None:
                for i, view in enumerate(self._buffer.view_keys):
                    stamp_ns = self.now.ros_ns - i * self.lag_ms * 1_000_000
                    self._buffer.add(view, stamp_ns, self._picture())
            self.episode.tick(self.now)

    def advance_until(self, reached: Callable[[], bool], most_s: float = 1.0) -> None:
        """Let time pass until the condition holds; fail if it never does."""
        for _ in range(round(most_s * 1e3 / STEP_MS)):
            if reached():
                return
            self.advance(STEP_MS * 1e-3)
        raise AssertionError(f"still {self.episode.state.name}: {self.episode.message}")

    # The way through an episode.

    def start(self, prompt: str = "stack", time_limit_s: float = 1000.0) -> None:
        self.episode.start(Goal(prompt, time_limit_s), self.now)

    def connect(self, **changes: Any) -> None:
        self.server.pending = ""
        self.episode.sessions.on_connected(server_config(**changes), self.now)

    def look(self) -> None:
        self.advance_until(lambda: self.episode.state is State.INFERRING)

    def answer(self, answer: InferReply | None = None, latency_s: float = 0.5) -> None:
        self.server.pending = ""
        self.episode.sessions.on_reply(answer or reply(), latency_s, self.now)

    def fail(self, error: Exception) -> None:
        self.server.pending = ""
        self.episode.sessions.on_server_failed(error, self.now)

    def progress(self, state: ChunkState, **changes: Any) -> None:
        """The arm side says something about the last chunk."""
        chunk = self.arm.chunks[-1]
        values: dict[str, Any] = {
            "session_id": chunk.session_id,
            "sequence": chunk.sequence,
            "state": state,
            "stamp_ns": self.now.ros_ns,
        }
        self.episode.on_progress(Progress(**{**values, **changes}), self.now)

    def step_times_ns(self, count: int = 10, stretch: float = 1.0) -> tuple[int, ...]:
        """When the steps of a plan that starts now are complete."""
        period_ns = PERIOD_MS * 1_000_000 * stretch
        return tuple(self.now.ros_ns + round((i + 1) * period_ns) for i in range(count))

    def accept(self, **changes: Any) -> None:
        times = self.step_times_ns()
        self.progress(ChunkState.ACCEPTED, **{"step_times_ns": times, **changes})

    def play_out(self, **changes: Any) -> None:
        """The arm plays the chunk that it has, and rests."""
        times = self.step_times_ns()
        self.progress(ChunkState.ACCEPTED, step_times_ns=times, **changes)
        self.advance(0.5)
        self.progress(ChunkState.PLAYING, step_times_ns=times, steps_played=10, **changes)
        self.advance(0.3)
        self.progress(ChunkState.FINISHED, step_times_ns=times, steps_played=10, **changes)

    def reach(self, state: State) -> None:
        """Go from rest to a running state."""
        if state is State.PAUSED:
            self.reach(State.PLAYING)
            self.episode.pause(self.now)
        elif state is State.AWAITING_APPROVAL:
            self.reach(State.PLAYING)
            self.progress(ChunkState.AWAITING_APPROVAL)
        else:
            self._go_on_to(state)
        assert self.episode.state is state

    def _go_on_to(self, state: State) -> None:
        way: Sequence[tuple[State, Callable[[], None]]] = (
            (State.IDLE, self.start),
            (State.CONNECTING, self.connect),
            (State.WAITING_FOR_VIEWS, self.look),
            (State.INFERRING, self.answer),
            (State.PLAYING, self._settle),
        )
        for at, go_on in way:
            if state is at:
                return
            go_on()

    def _settle(self) -> None:
        self.accept()
        self.advance(0.6)

    # Parts.

    def _new_session(self) -> str:
        self._sessions += 1
        return f"session-{self._sessions}"

    def explain(self, views: Sequence[str]) -> str:
        return f"explained: {', '.join(views)}"

    def make_window(self, config: ServerConfig) -> CountingWindow:
        self._buffer = FrameBuffer(config.view_keys)
        rules = SamplingRules(
            period_ns=PERIOD_MS * 1_000_000,
            max_age_ns=250_000_000,
            max_skew_ns=self.skew_ms * 1_000_000,
        )
        return CountingWindow(self._buffer, config.context_frames, RESOLUTION, rules)

    def _picture(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """Every picture has a brightness of its own, see `taken_ms`."""
        return np.full((*RESOLUTION, 3), self._ms // PERIOD_MS % 256, np.uint8)


def taken_ms(request: InferRequest) -> list[int]:
    """When the frames of a request were taken, since the rig began (up to 12.8 s)."""
    return [int(frame[0, 0, 0]) * PERIOD_MS for frame in request.context_rgb]
