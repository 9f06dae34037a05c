# SPDX-License-Identifier: Apache-2.0
"""Interfaces of an episode to the server, the arm, proprioception and the simulator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vera_ros.policy.actions import DecodedActions
from vera_ros.vision.window import RollingWindow
from vera_ros.wire.protocol.messages import InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig

Proprioception = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Instant:
    """One moment on both clocks: time-outs run on steady time, pictures and plans on ROS time.

    Attributes:
        steady_s: monotonic time [s].
        ros_ns: ROS time [ns].
    """

    steady_s: float
    ros_ns: int


@dataclass(frozen=True)
class Origin:
    """The observation that a chunk was planned from.

    Attributes:
        stamp_ns: stamp of the newest frame, ROS time.
        position: of the TCP then, base frame. Shape (3,), [m]; None: not known.
        orientation: of the TCP then, as a quaternion x y z w. Shape (4,).
    """

    stamp_ns: int
    position: npt.NDArray[np.float32] | None = None
    orientation: npt.NDArray[np.float32] | None = None

    @classmethod
    def of(cls, stamp_ns: int, proprioception: Proprioception) -> "Origin":
        """Return the origin with the TCP pose of the proprioception."""
        return cls(stamp_ns, proprioception.get("eef_pos"), proprioception.get("eef_quat"))


@dataclass(frozen=True)
class Chunk:
    """A chunk for the arm side.

    Attributes:
        session_id: the session that it belongs to.
        sequence: counts the chunks of the episode, from 0.
        stamp_ns: stamp of the newest frame that it was planned from, ROS time.
        control_dt_s: duration of one action.
        commands: the decoded actions.
        start_ns: when the first action begins, ROS time; 0: as soon as possible.
        planned_from: the observation that was sent to the server.
    """

    session_id: str
    sequence: int
    stamp_ns: int
    control_dt_s: float
    commands: DecodedActions
    start_ns: int = 0
    planned_from: Origin = Origin(0)


class ChunkState(Enum):
    """State constants of ChunkProgress.msg."""

    ACCEPTED = 1
    PLAYING = 2
    FINISHED = 3
    ABORTED = 4
    REJECTED = 5
    SUPERSEDED = 6
    AWAITING_APPROVAL = 7


@dataclass(frozen=True)
class Progress:
    """The arm side's report of a chunk.

    Attributes:
        session_id: session of the chunk.
        sequence: number of the chunk.
        state: state of the chunk.
        stamp_ns: time of the report, ROS time.
        message: why it was rejected or aborted.
        step_times_ns: when each step's motion is complete, ROS time.
        steps_played: steps complete so far.
        rails_bound: a limit cut the commanded motion short.
        time_stretch: planned over nominal duration.
        executed_trans_m: sum of the translations commanded, after limits.
        arm_commanded: the chunk commands the arm, which stands still otherwise.
        gripper_commanded: the chunk commands the gripper.
        steps_dropped: leading steps that are not played; `step_times_ns` has none for them.
        held: it was given up because of a hold.
        too_late: it was rejected because its time had passed.
        end_ns: when the plan comes to rest, ROS time; 0: unknown.
        planning_s: time that planning took.
    """

    session_id: str
    sequence: int
    state: ChunkState
    stamp_ns: int
    message: str = ""
    step_times_ns: tuple[int, ...] = field(default=(), repr=False)
    steps_played: int = 0
    rails_bound: bool = False
    time_stretch: float = 1.0
    executed_trans_m: float = 0.0
    arm_commanded: bool = True
    gripper_commanded: bool = False
    steps_dropped: int = 0
    held: bool = False
    too_late: bool = False
    end_ns: int = 0
    planning_s: float = 0.0


class ServerPort(Protocol):
    """The policy server, asynchronously: every call returns at once and is answered by an event.

    `connect` is answered by `Sessions.on_connected`, `infer` by `Sessions.on_reply`, and any of
    them may be answered by `Sessions.on_server_failed`. `connect` waits for a server that is not
    there yet, and reports each failed attempt by `Sessions.on_attempt_failed`.
    """

    def connect(self, session_id: str) -> None:
        """Connect if necessary, and have the server forget any earlier episode."""
        ...

    def infer(self, request: InferRequest, played: ObserveRequest | None = None) -> None:
        """Request a chunk; first send the frames played since the last one, if given."""
        ...

    def abandon(self) -> None:
        """Cancel the call in progress; the next `connect` starts afresh."""
        ...

    def release(self, session_id: str, played: ObserveRequest | None = None) -> None:
        """Tell the server that the episode is over; first send the frames played, if given."""
        ...


class ArmPort(Protocol):
    """The arm side. `play` is answered by `Episode.on_progress`."""

    def play(self, chunk: Chunk) -> None:
        """Send a chunk, to be planned and played."""
        ...

    def stop(self) -> None:
        """Bring the arm to rest smoothly."""
        ...

    def resting(self) -> bool:
        """Whether the last stop is over, so that frames show an arm at rest."""
        ...

    def unrest(self) -> str:
        """Return why a stop has failed or is overdue, in words; empty: neither."""
        ...


class ViewsPort(Protocol):
    """The camera views."""

    def make_window(self, config: ServerConfig) -> RollingWindow:
        """Return a rolling window, on new pictures, that fits a server's configuration."""
        ...

    def explain(self, views: Sequence[str]) -> str:
        """Return why pictures of these views are missing or cannot be used; empty: not known."""
        ...


class BodyPort(Protocol):
    """The robot's proprioception; names, shapes and units as in InferRequest."""

    def proprioception(self, since_ns: int) -> Proprioception | None:
        """Return `q_robot`, `eef_pos`, `eef_quat`, `gripper_qpos`; None: unknown or too old.

        Nothing that was measured before `since_ns` (ROS time) is returned.
        """
        ...

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        """Return the same at a recent ROS time, interpolated; None: unknown."""
        ...

    def explain(self) -> str:
        """Return why they are unknown; empty: not known."""
        ...

    def starting(self) -> bool:
        """Return whether the arm side, which measures the TCP, has not been active yet."""
        ...


class WorldPort(Protocol):
    """A simulator in lockstep: its time passes only by `advance`.

    `advance` is answered by `LockstepPacing.on_advanced` or `on_advance_failed`.
    """

    def advance(self, duration_s: float, *, await_arm: bool, await_gripper: bool) -> None:
        """Advance time, once the awaited trajectories for arm and gripper have arrived."""
        ...
