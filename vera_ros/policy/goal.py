# SPDX-License-Identifier: Apache-2.0
"""Goal, time-outs and result of an episode."""

from dataclasses import dataclass

from vera_ros.policy.states import Cause, Outcome


@dataclass(frozen=True)
class Goal:
    """The task of an episode.

    Attributes:
        prompt: the task, in words.
        time_limit_s: after which the episode ends; in lockstep simulated time.
    """

    prompt: str
    time_limit_s: float


@dataclass(frozen=True)
class EpisodeTimeouts:
    """How long an episode waits for each of its partners, steady time [s], and how it warms up.

    Attributes:
        connect_timeout_s: for the server's handshake.
        infer_timeout_s: for an inference.
        arm_start_timeout_s: for an arm side that has not been active yet.
        view_timeout_s: for a fresh multi-view frame.
        view_stall_s: largest age of a view's newest picture while a chunk plays, by either clock.
        accept_timeout_s: for the arm side's answer to a chunk.
        settle_timeout_s: for the arm to rest, after the last step should have been played; in
            lockstep for the judge's verdict.
        advance_timeout_s: for the simulator to advance time, in lockstep.
        warmup_frames: frames of the resting arm before the first inference.
        clock_jump_s: how far ROS time may go back.
        restart: when the connection is lost, go on with a new session instead of ending.
        max_restarts: restarts in a row, without a chunk in between.
    """

    connect_timeout_s: float = 10.0
    infer_timeout_s: float = 600.0
    arm_start_timeout_s: float = 60.0
    view_timeout_s: float = 3.0
    view_stall_s: float = 1.0
    accept_timeout_s: float = 2.0
    settle_timeout_s: float = 5.0
    advance_timeout_s: float = 30.0
    warmup_frames: int = 1
    clock_jump_s: float = 0.05
    restart: bool = False
    max_restarts: int = 3


@dataclass(frozen=True)
class Result:
    """How an episode ended."""

    outcome: Outcome
    cause: Cause
    message: str
    chunks: int
    steps: int
    duration_s: float
