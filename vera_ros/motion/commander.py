# SPDX-License-Identifier: Apache-2.0
"""What the arm is told: plans a request, sends it through the gate, and remembers what plays."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk_planner import ChunkPlanner
from vera_ros.motion.gate import Gate
from vera_ros.motion.gripper import Gripper, GripperPlan
from vera_ros.motion.plan import Plan
from vera_ros.motion.planner import Planner
from vera_ros.motion.playback import Playing
from vera_ros.motion.rails import Rails
from vera_ros.motion.response import State
from vera_ros.motion.small_matrices import Vector
from vera_ros.motion.start import in_motion
from vera_ros.motion.trajectory import ArmState

_CLOCK_STEP_S = 0.01
_LONGEST_LEAD_S = 10.0
_TRIES = 2
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Measured:
    """The arm's measured state.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        dq: joint velocities; None: not measured. Shape (n,), [rad/s].
        finger_m: finger position; None without a gripper.
        stamp_s: when it was measured, ROS time.
        received_s: when it arrived, steady time.
    """

    q: Vector
    dq: Vector | None
    finger_m: float | None
    stamp_s: float
    received_s: float

    @property
    def arm(self) -> ArmState:
        """The arm's part."""
        return ArmState(self.q, self.dq)

    @property
    def speed_rad_s(self) -> float:
        """Of the fastest joint, where that is measured; otherwise 0."""
        return 0.0 if self.dq is None else float(np.abs(self.dq).max())


@dataclass(frozen=True)
class ChunkCommand:
    """A chunk, as the arm side gets it.

    Attributes:
        deltas: Shape (H, 6), [m, rad], base frame.
        close: gripper command per action. Shape (H,), or (0,) for none.
        control_dt_s: duration of one action.
        session_id: the episode's; the response model's state carries over within one.
        sequence: the chunk's number.
        start_s: when the first action begins, ROS time; None: as soon as possible.
    """

    deltas: Vector
    close: npt.NDArray[np.bool_]
    control_dt_s: float
    session_id: str
    sequence: int
    start_s: float | None = None

    def starting_now(self) -> "ChunkCommand":
        """The same, as soon as possible."""
        return replace(self, start_s=None)


@dataclass(frozen=True)
class _Planned:
    """A chunk that could be played; `start_s`: ROS time of the plan's time 0, or sooner."""

    chunk: ChunkCommand
    plan: Plan
    start_s: float
    from_rest: bool
    on_rails: bool
    dropped: int

    def playing(self, start_s: float, fingers: GripperPlan | None) -> Playing:
        """The same, played."""
        moves = fingers is not None and fingers.trajectory is not None
        chunk, rails = self.chunk, self.on_rails
        return Playing(
            self.plan, start_s, chunk.session_id, chunk.sequence, rails, moves, self.dropped
        )


class Commander:
    """One arm's plans, one at a time. Times are ROS time [s], given by the caller.

    Args:
        chunks: plans chunks.
        planner: plans all other motions.
        gate: sends them.
        gripper: None: there is none.
        rails: bounds of the embodiment's actions; None: it has none.
        stop_lead_s: time until a stop begins, for it to arrive.
        hand_over_lead_s: time until a chunk takes over from the one that plays.
    """

    def __init__(
        self,
        chunks: ChunkPlanner,
        planner: Planner,
        gate: Gate,
        gripper: Gripper | None,
        *,
        rails: Rails | None = None,
        stop_lead_s: float,
        hand_over_lead_s: float,
    ) -> None:
        self._chunks = chunks
        self._planner = planner
        self._gate = gate
        self._gripper = gripper
        self._rails = rails
        self._stop_lead_s = stop_lead_s
        self._hand_over_lead_s = hand_over_lead_s
        self._session_id = ""
        self._before: State | None = None
        self._stopping: Playing | None = None
        self.playing: Playing | None = None

    def preview_chunk(self, chunk: ChunkCommand, measured: Measured, now_s: float) -> Playing:
        """Plan a chunk as `play_chunk` does, and send nothing.

        Raises:
            MotionRefusedError: it could not be played.
        """
        planned = self._plan_to_play(chunk, measured, now_s, self._hand_over_lead_s)
        self._gate.check_arm(planned.plan.trajectory(), measured.arm, planned.start_s)
        return planned.playing(planned.start_s, self._fingers(planned, measured, planned.start_s))

    def play_chunk(
        self,
        chunk: ChunkCommand,
        measured: Measured,
        now_s: float,
        present: Callable[[], float] | None = None,
    ) -> Playing:
        """Plan a chunk and send it.

        It begins from where the arm rests, or takes over from the chunk of the same episode that
        plays, in its motion. Leading actions whose time has passed are not played.

        Args:
            chunk: what is to be played.
            measured: where the arm is.
            now_s: ROS time.
            present: tells the ROS time once it is planned and checked, when the motion of an arm
                at rest begins; what it raises keeps the chunk from being sent. None: still `now_s`.

        Raises:
            MotionRefusedError: nothing was sent; what plays goes on to its end.
        """
        present = present or (lambda: now_s)
        planned = self._plan_in_time(chunk, measured, now_s, present)
        fingers: GripperPlan | None = None

        def begin() -> float:
            nonlocal fingers
            start_s = planned.start_s
            if planned.from_rest:  # no part of it is to be late
                start_s = max(start_s, present())
            fingers = self._fingers(planned, measured, start_s)  # both move, or none
            return start_s

        trajectory = planned.plan.trajectory()
        start_s = self._gate.send_arm(trajectory, measured.arm, planned.start_s, begin=begin)
        self.playing = playing = planned.playing(start_s, fingers)
        assert planned.plan.chunk is not None
        self._before = planned.plan.chunk.response.state_at(planned.plan.chunk.until_s)
        if fingers is not None and self._gripper is not None:
            if fingers.trajectory is not None:
                self._gate.send_gripper(fingers.trajectory, start_s)
            self._gripper.commanded(fingers, start_s)
        return playing

    def _fingers(
        self, planned: "_Planned", measured: Measured, start_s: float
    ) -> GripperPlan | None:
        """What the gripper does meanwhile, checked."""
        fingers = self._plan_gripper(planned.chunk.close, planned.plan, measured, start_s)
        if fingers is not None and fingers.trajectory is not None:
            self._gate.check_gripper(fingers.trajectory)
        return fingers

    def _plan_in_time(
        self,
        chunk: ChunkCommand,
        measured: Measured,
        now_s: float,
        present: Callable[[], float],
    ) -> "_Planned":
        """Plan so that the plan is there before it takes over; where it is not, once more."""
        lead_s = self._hand_over_lead_s
        for _ in range(_TRIES):
            planned = self._plan_to_play(chunk, measured, now_s, lead_s)
            assert planned.plan.chunk is not None
            planned_s = present()
            late_s = planned_s - (planned.start_s + planned.plan.chunk.begins_s)
            if late_s <= _ROUNDING_S or planned.from_rest:
                return planned
            now_s, lead_s = planned_s, 2.0 * (lead_s + late_s)
        raise MotionRefusedError(
            Cause.PLANNING_TOO_SLOW,
            f"the chunk was planned {late_s:.3f} s after it should have taken over; nothing of it "
            "is played; is the machine overloaded?",
        )

    def _plan_to_play(
        self,
        chunk: ChunkCommand,
        measured: Measured,
        now_s: float,
        hand_over_s: float,
    ) -> "_Planned":
        """Plan the arm's motion."""
        self._chunks.check(chunk.deltas, chunk.control_dt_s)
        if len(chunk.close) not in (0, len(chunk.deltas)):
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"{len(chunk.close)} gripper commands for {len(chunk.deltas)} actions; valid is "
                "one for each, or none; nothing of the chunk is played",
            )
        chunk, now_s, lead_s, dropped = self._align(chunk, self._present(now_s), hand_over_s)
        if self.moving(now_s) and not self._plays_for(chunk.session_id):
            raise self._busy(now_s)
        if chunk.session_id != self._session_id:
            self._session_id, self._before = chunk.session_id, None
            if self._gripper is not None:
                self._gripper.forget()
        deltas, bound = chunk.deltas, False
        if self._rails is not None:
            deltas, bound = self._rails.keep(deltas)
        must_arrive = chunk.start_s is None or lead_s > 0.0  # else time stands still meanwhile
        begins_s = max(lead_s, hand_over_s) if must_arrive else lead_s
        plan = self._plan(chunk, deltas, measured, now_s, lead_s, begins_s)
        from_rest = chunk.start_s is None and not self.moving(now_s)
        return _Planned(chunk, plan, now_s, from_rest, bound, dropped)

    def move_to(
        self, goal: Vector, speed_share: float, measured: Measured, now_s: float
    ) -> Playing:
        """Move to joint positions slowly. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: nothing was sent.
        """
        if self.moving(now_s):
            raise self._busy(now_s)
        playing = Playing(self._planner.plan_move(measured.q, goal, speed_share), now_s)
        self._send(playing, measured)
        self._before = None  # the chunks before it led elsewhere
        return playing

    def stop(self, now_s: float) -> None:
        """Bring the playing plan to rest smoothly, along its path; the gripper ends its move.

        Raises:
            MotionRefusedError: no stop within the limits was found; the plan plays to its own end,
                which is at rest.
        """
        self._stop_along(self._let_go(), now_s)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Bring the arm to rest from where it is, when it does not follow its plan.

        Where that would exceed a limit, it comes to rest along its plan.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        playing = self._let_go()
        dq = np.zeros(len(measured.q)) if measured.dq is None else measured.dq
        try:
            plan = self._planner.plan_brake(measured.q, dq)
            self._gate.send_arm(plan.trajectory(), measured.arm, now_s, off_plan=True)
        except MotionRefusedError:
            self._stop_along(playing, now_s)
            return
        self._stopping = Playing(plan, now_s)
        self._stop_gripper(now_s)

    def forget_time(self, measured: Measured | None, now_s: float) -> None:
        """ROS time has jumped: what was sent says nothing any more; an arm that moves is braked.

        Raises:
            MotionRefusedError: it cannot be braked.
        """
        moved = self.playing is not None or self._stopping is not None
        self.playing = self._stopping = self._before = None
        self._gate.forget()
        if self._gripper is not None:
            self._gripper.forget()
        if moved and measured is not None:
            self.brake(measured, now_s)

    def _stop_along(self, playing: Playing | None, now_s: float) -> None:
        if playing is None or playing.finished(now_s):
            return
        now_s = self._present(now_s)
        plan = self._planner.plan_stop(playing.plan, now_s - playing.start_s, self._stop_lead_s)
        # It starts from the plan, which the arm follows within the tracking tolerance.
        self._gate.send_arm(plan.trajectory(), ArmState(plan.spline.state(0.0)[0]), now_s)
        self._stopping = Playing(plan, now_s)
        self._stop_gripper(now_s)

    def _stop_gripper(self, now_s: float) -> None:
        if self._gripper is not None and self._gripper.known:
            plan = self._gripper.plan_stop(now_s)
            if plan.trajectory is not None:
                self._gate.send_gripper(plan.trajectory, now_s)
            self._gripper.commanded(plan, now_s)

    def _let_go(self) -> Playing | None:
        """Forget the playing plan; until something replaces it, the arm still plays it."""
        playing, self.playing = self.playing, None
        self._stopping = playing
        self._before = None
        return playing

    def _plays_for(self, session_id: str) -> bool:
        """Whether a chunk of this episode is being played."""
        playing = self.playing
        return (
            playing is not None
            and playing.plan.chunk is not None
            and playing.session_id == session_id
        )

    def moving(self, now_s: float) -> bool:
        """Whether a plan or a stop is being played."""
        moving = self.playing or self._stopping
        return moving is not None and not moving.finished(now_s)

    def finish(self) -> None:
        """The playing plan has come to rest."""
        self.playing = None

    def tracking_error(self, measured: Measured, delay_s: float) -> float:
        """Largest distance of a joint from the playing plan, up to `delay_s` late [rad]."""
        if self.playing is None:
            return 0.0
        return self.playing.tracking_error(measured.q, measured.stamp_s, delay_s)

    def _plan(
        self,
        chunk: ChunkCommand,
        deltas: Vector,
        measured: Measured,
        now_s: float,
        lead_s: float,
        hand_over_s: float,
    ) -> Plan:
        dt_s, running = chunk.control_dt_s, self.playing
        if running is None or running.finished(now_s):
            start = self._chunks.from_rest(measured.q, self._before, lead_s)
            return self._chunks.plan_chunk(deltas, dt_s, start)
        elapsed_s = now_s - running.start_s
        moving = in_motion(running.plan, elapsed_s, hand_over_s)
        if moving is not None:
            # Now and then the limits leave no way on from such a motion: then from its end.
            with suppress(MotionRefusedError):
                return self._chunks.plan_chunk(deltas, dt_s, moving)
        resting = self._chunks.from_end(running.plan, elapsed_s, lead_s)
        return self._chunks.plan_chunk(deltas, dt_s, resting)

    def _present(self, now_s: float) -> float:
        """The time, or time 0 of what was sent last, if that is a step of the clock ahead."""
        moving = self.playing or self._stopping
        if moving is None or not 0.0 < moving.start_s - now_s <= _CLOCK_STEP_S:
            return now_s
        return moving.start_s

    def _align(
        self, chunk: ChunkCommand, now_s: float, hand_over_s: float
    ) -> tuple[ChunkCommand, float, float, int]:
        """What of a chunk is still to come, the present, how long until then, and what is past."""
        if chunk.start_s is None:
            return chunk, now_s, 0.0, 0
        lead_s = chunk.start_s - now_s
        if abs(lead_s) <= _CLOCK_STEP_S:  # where the time comes by /clock, it comes in steps
            return chunk, chunk.start_s, 0.0, 0
        if not -_LONGEST_LEAD_S <= lead_s <= _LONGEST_LEAD_S:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"the chunk begins {lead_s:.3f} s from now; valid is up to {_LONGEST_LEAD_S} s; "
                "nothing of it is played",
            )
        if lead_s > 0.0:
            return chunk, now_s, lead_s, 0
        soonest_s = hand_over_s if self.moving(now_s) else 0.0
        past = math.ceil((soonest_s - lead_s) / chunk.control_dt_s - 1e-4)
        if past >= len(chunk.deltas):
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk began {-lead_s:.3f} s ago and lasts "
                f"{len(chunk.deltas) * chunk.control_dt_s:.3f} s; nothing of it is played",
            )
        rest = replace(chunk, deltas=chunk.deltas[past:], close=chunk.close[past:])
        return rest, now_s, lead_s + past * chunk.control_dt_s, past

    def _busy(self, now_s: float) -> MotionRefusedError:
        moving = self.playing or self._stopping
        assert moving is not None
        left_s = moving.start_s + moving.plan.duration_s - now_s
        return MotionRefusedError(
            Cause.BUSY,
            f"another plan is being played, for {left_s:.2f} s more; wait for its end",
        )

    def _send(self, playing: Playing, measured: Measured) -> None:
        self._gate.send_arm(playing.plan.trajectory(), measured.arm, playing.start_s)
        self.playing = playing

    def _plan_gripper(
        self, close: npt.NDArray[np.bool_], plan: Plan, measured: Measured, now_s: float
    ) -> GripperPlan | None:
        gripper = self._gripper
        if gripper is None or not len(close):
            return None
        if measured.finger_m is not None:
            gripper.measured(measured.finger_m)
        played = len(plan.step_times_s)
        if not played or plan.chunk is None:
            return None
        step_starts_s = np.concatenate(([plan.chunk.begins_s], plan.step_times_s[:-1]))
        return gripper.plan(close[:played].tolist(), step_starts_s.tolist(), now_s)
