# SPDX-License-Identifier: Apache-2.0
"""A dispatcher, what it published, and an arm that does as it is told."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.rails import Rails
from verification.judge.played import state_at

from .chunks import CONTROL_DT_S, START_Q, Vector
from .conftest import Published

STEPS = 10
DOWN = np.tile([0.0, 0.0, -0.02, 0.0, 0.0, 0.0], (STEPS, 1))
TURN = np.tile([0.0, 0.0, 0.0, 0.0, 0.0, 0.05], (STEPS, 1))
OPEN, CLOSE = np.zeros(STEPS, bool), np.ones(STEPS, bool)
NOTHING = np.zeros(0, bool)
START_S = 1.7e9
LEAD_S = 0.05
REST_SPEED = 0.05


@dataclass
class Rig:
    """A dispatcher, what it published, and an arm that is always where it should be."""

    dispatcher: Dispatcher
    published: Published
    now_s: float = START_S
    finger_m: float = 0.04
    session_id: str = "a"
    sequence: int = 0

    def state(self) -> tuple[Vector, Vector, Vector]:
        """Position, velocity and acceleration of an arm that does what was published last."""
        if not self.published.arm:
            return START_Q, np.zeros(7), np.zeros(7)
        return state_at(self.published.arm[-1], self.now_s - self.published.sent_s[-1])

    def measured(self) -> Measured:
        q, dq, _ = self.state()
        return Measured(q, dq, self.finger_m, self.now_s, 0.0)

    def play(
        self,
        deltas: Vector = DOWN,
        close: npt.NDArray[np.bool_] = NOTHING,
        start_s: float | None = None,
    ) -> Playing:
        self.sequence += 1
        chunk = ChunkRequest(deltas, close, CONTROL_DT_S, self.session_id, self.sequence, start_s)
        return self.send(self.prepare(chunk))

    def prepare(self, chunk: ChunkRequest, measured: Measured | None = None) -> ScheduledMotion:
        dispatcher = self.dispatcher
        return dispatcher.scheduler.prepare(
            dispatcher.channel.playback, chunk, measured or self.measured(), self.now_s
        )

    def move_to(self, goal: Vector, speed_share: float) -> Playing:
        return self.send(
            self.dispatcher.prepare_move(goal, speed_share, self.measured(), self.now_s)
        )

    def send(self, prepared: ScheduledMotion) -> Playing:
        self.dispatcher.send(prepared)
        return prepared.playing

    def finish(self) -> None:
        """The plan has come to rest and somebody saw it."""
        assert self.dispatcher.playing is not None
        self.now_s += self.dispatcher.playing.plan.duration_s + 0.1
        self.dispatcher.channel.finish()


def dispatcher_of(
    chunks: ChunkPlanner,
    planner: Planner,
    published: Published,
    gripper: Gripper | None,
    rails: Rails | None = None,
    start_lead_s: float = 0.0,
) -> Dispatcher:
    return Dispatcher(
        chunks,
        planner,
        published.gate,
        gripper,
        rails=rails,
        lead=Lead(0.025),
        hand_over_lead_s=LEAD_S,
        start_lead_s=start_lead_s,
        rest_speed=REST_SPEED,
    )


def refused(act: Callable[[], object], cause: Cause) -> str:
    with pytest.raises(MotionRefusedError) as refusal:
        act()
    assert refusal.value.cause is cause
    return str(refusal.value)


def goes_on(rig: Rig, before: tuple[Vector, Vector, Vector]) -> None:
    """What was published last begins as the arm moves, and keeps every limit."""
    trajectory = rig.published.arm[-1]
    starts = (trajectory.start_q, trajectory.start_dq, trajectory.start_ddq)
    for start, now, most in zip(starts, before, (1e-6, 1e-4, 1e-2), strict=True):
        np.testing.assert_allclose(start, now, atol=most)
    assert rig.published.sent_s[-1] == rig.now_s
