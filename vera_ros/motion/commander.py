# SPDX-License-Identifier: Apache-2.0
"""What the arm is told: plans a request, sends it through the gate, and remembers what plays."""

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk_planner import ChunkPlanner
from vera_ros.motion.commands import CLOCK_STEP_S, ChunkCommand, Measured
from vera_ros.motion.gate import Gate
from vera_ros.motion.gripper import Gripper, GripperPlan, plan_fingers
from vera_ros.motion.plan import Plan
from vera_ros.motion.planner import Planner
from vera_ros.motion.playback import Playing
from vera_ros.motion.rails import Rails
from vera_ros.motion.response import State
from vera_ros.motion.small_matrices import Vector
from vera_ros.motion.start import in_motion
from vera_ros.motion.trajectory import ArmState


@dataclass(frozen=True)
class Prepared:
    """A motion that is planned, and not sent yet.

    Attributes:
        playing: the plan, and when it begins.
        measured: the arm that it was planned for.
        gripper: what is known of the fingers from then on; None: as before.
        fingers: what they do; None: nothing is commanded.
        chunk: what is played; None: another motion.
        from_rest: the arm rests until then, and may rest longer.
    """

    playing: Playing
    measured: ArmState
    gripper: Gripper | None = None
    fingers: GripperPlan | None = None
    chunk: ChunkCommand | None = None
    from_rest: bool = False

    @property
    def begins_s(self) -> float:
        """When it goes on from what was played before, or the arm begins to move, ROS time."""
        chunk = self.playing.plan.chunk
        return self.playing.start_s + (0.0 if chunk is None else chunk.begins_s)

    def beginning_at(self, start_s: float) -> "Prepared":
        """The same with another time 0, for an arm at rest."""
        playing, fingers = replace(self.playing, start_s=start_s), self.fingers
        if self.chunk is not None and self.gripper is not None:
            fingers = plan_fingers(self.gripper, self.chunk, playing.plan, start_s)
        return replace(self, playing=playing, fingers=fingers)


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
        rest_speed: a joint slower than this is at rest [rad/s].

    Attributes:
        playing: the plan that is played.
        stopping: the stop that was sent last, until `rested` is called; None as well: nothing was
            told since the arm was seen at rest.
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
        rest_speed: float,
    ) -> None:
        self._chunks = chunks
        self._planner = planner
        self._gate = gate
        self._gripper = gripper
        self._rails = rails
        self._stop_lead_s = stop_lead_s
        self._hand_over_lead_s = hand_over_lead_s
        self._rest_speed = rest_speed
        self._session_id = ""
        self._before: State | None = None
        self.playing: Playing | None = None
        self.stopping: Playing | None = None

    def prepare_chunk(
        self, chunk: ChunkCommand, measured: Measured, now_s: float, later_s: float = 0.0
    ) -> Prepared:
        """Plan a chunk, and send nothing.

        It begins from where the arm rests, or takes over from the chunk of the same episode that
        plays, in its motion. Leading actions whose time has passed are not played.

        Args:
            chunk: what is to be played.
            measured: where the arm is.
            now_s: ROS time.
            later_s: it begins so much later than it otherwise could; 0: as soon as it can.

        Raises:
            MotionRefusedError: it cannot be played.
        """
        self._chunks.check(chunk.deltas, chunk.control_dt_s)
        if len(chunk.close) not in (0, len(chunk.deltas)):
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"{len(chunk.close)} gripper commands for {len(chunk.deltas)} actions; valid is "
                "one for each, or none; nothing of the chunk is played",
            )
        now_s = self._present(now_s)
        if self.moving(now_s) and not self._plays_for(chunk.session_id):
            raise self._busy(now_s)
        moving, hand_over_s = self.moving(now_s), self._hand_over_lead_s + later_s
        if later_s > 0.0:  # what is due until then is late, whatever the clock's steps
            chunk = chunk.from_time(now_s + hand_over_s)
        chunk, now_s, lead_s = chunk.due(now_s, now_s + (hand_over_s if moving else 0.0))
        deltas, bound = chunk.deltas, False
        if self._rails is not None:
            deltas, bound = self._rails.keep(deltas)
        plan = self._plan(chunk, deltas, measured, now_s, lead_s, hand_over_s)
        gripper = self._gripper_for(chunk, measured)
        fingers = None if gripper is None else plan_fingers(gripper, chunk, plan, now_s)
        moves = fingers is not None and fingers.trajectory is not None
        playing = Playing(
            plan, now_s, chunk.session_id, chunk.sequence, bound, moves, chunk.dropped
        )
        from_rest = chunk.start_s is None and not moving
        return Prepared(playing, measured.arm, gripper, fingers, chunk, from_rest)

    def prepare_move(
        self, goal: Vector, speed_share: float, measured: Measured, now_s: float
    ) -> Prepared:
        """Plan a slow move to joint positions, and send nothing. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: it cannot be played.
        """
        if self.moving(now_s):
            raise self._busy(now_s)
        self._refuse_unless_at_rest(measured)
        plan = self._planner.plan_move(measured.q, goal, speed_share)
        return Prepared(Playing(plan, now_s), measured.arm, from_rest=True)

    def check(self, prepared: Prepared) -> None:
        """Raise MotionRefusedError unless the gate would let both arm and fingers through."""
        playing, fingers = prepared.playing, prepared.fingers
        if fingers is not None and fingers.trajectory is not None:
            self._gate.check_gripper(fingers.trajectory)
        self._gate.check_arm(playing.plan.trajectory(), prepared.measured, playing.start_s)

    def send(self, prepared: Prepared, present: Callable[[], float] | None = None) -> Prepared:
        """Send what was prepared just now; return it as it was sent.

        Args:
            prepared: the motion.
            present: tells the ROS time once all is checked, when an arm at rest begins to move: no
                part of its motion is to be late. None: as it was prepared.

        Raises:
            MotionRefusedError: nothing was sent; what plays goes on to its end.
        """

        def begin() -> float:
            nonlocal prepared
            start_s = prepared.playing.start_s
            if prepared.from_rest and present is not None and present() > start_s:
                prepared = prepared.beginning_at(present())
            fingers = prepared.fingers
            if fingers is not None and fingers.trajectory is not None:
                self._gate.check_gripper(fingers.trajectory)  # both move, or none
            return prepared.playing.start_s

        plan, start_s = prepared.playing.plan, prepared.playing.start_s
        self._gate.send_arm(plan.trajectory(), prepared.measured, start_s, begin=begin)
        playing, fingers = prepared.playing, prepared.fingers
        self.playing, self.stopping, self._before = playing, None, None
        if playing.plan.chunk is not None:  # any other motion leads elsewhere
            self._session_id = playing.session_id
            self._before = playing.plan.chunk.response.state_at(playing.plan.chunk.until_s)
        if prepared.gripper is not None:
            self._gripper = prepared.gripper
        if fingers is not None:
            self._command_gripper(fingers, playing.start_s)
        return prepared

    def stop(self, now_s: float) -> None:
        """Bring the playing plan to rest smoothly, along its path; the gripper ends its move.

        Raises:
            MotionRefusedError: no stop within the limits was found; the plan plays to its own end,
                which is at rest.
        """
        if self.playing is not None:
            self._stop_along(self._let_go(self.playing), now_s)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Bring the arm to rest from where it is, when it does not follow what it was told.

        Where that would exceed a limit, it comes to rest along the playing plan.

        Raises:
            MotionRefusedError: as for `stop`, or nothing is being played.
        """
        playing = self.playing
        if playing is not None:
            self._let_go(playing)
        try:
            plan = self._planner.plan_brake(measured.q, measured.dq)
            self._gate.send_arm(plan.trajectory(), measured.arm, now_s, off_plan=True)
        except MotionRefusedError:
            if playing is None or playing.finished(now_s):
                raise
            self._stop_along(playing, now_s)
            return
        self.stopping = Playing(plan, now_s)
        self._stop_gripper(now_s)

    def turn_back(self, by_s: float) -> None:
        """ROS time was turned back: so is all that is remembered of it."""
        self.playing = None if self.playing is None else self.playing.sooner(by_s)
        self.stopping = None if self.stopping is None else self.stopping.sooner(by_s)
        self._gate.turn_back(by_s)
        if self._gripper is not None:
            self._gripper.turn_back(by_s)

    def _stop_along(self, playing: Playing, now_s: float) -> None:
        if playing.finished(now_s):
            return
        now_s = self._present(now_s)
        plan = self._planner.plan_stop(playing.plan, now_s - playing.start_s, self._stop_lead_s)
        # It starts from the plan, which the arm follows within the tracking tolerance.
        self._gate.send_arm(plan.trajectory(), ArmState(plan.spline.state(0.0)[0]), now_s)
        self.stopping = Playing(plan, now_s)
        self._stop_gripper(now_s)

    def _stop_gripper(self, now_s: float) -> None:
        if self._gripper is not None and self._gripper.known:
            self._command_gripper(self._gripper.plan_stop(now_s), now_s)

    def _command_gripper(self, fingers: GripperPlan, start_s: float) -> None:
        assert self._gripper is not None
        if fingers.trajectory is not None:
            self._gate.send_gripper(fingers.trajectory, start_s)
        self._gripper.commanded(fingers, start_s)

    def _let_go(self, playing: Playing) -> Playing:
        """Forget the playing plan; until something replaces it, the arm still plays it."""
        self.playing, self.stopping, self._before = None, playing, None
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
        moving = self.playing or self.stopping
        return moving is not None and not moving.finished(now_s)

    def finish(self) -> None:
        """The playing plan has come to rest."""
        self.playing = None

    def rested(self) -> None:
        """The stop has come to rest."""
        self.stopping = None

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
        if running is None or not self._plays_for(chunk.session_id):
            self._refuse_unless_at_rest(measured)
            before = self._before if chunk.session_id == self._session_id else None
            start = self._chunks.from_rest(measured.q, before, lead_s)
            return self._chunks.plan_chunk(deltas, dt_s, start)
        if running.finished(now_s) and measured.speed_rad_s <= self._rest_speed:
            start = self._chunks.from_rest(measured.q, self._before, lead_s)
            return self._chunks.plan_chunk(deltas, dt_s, start)
        elapsed_s = now_s - running.start_s
        begins_s = lead_s
        if chunk.start_s is None or lead_s > 0.0:  # what is planned must arrive before it begins
            begins_s = max(lead_s, hand_over_s)
        moving = in_motion(running.plan, elapsed_s, begins_s)
        if moving is not None:
            # Now and then the limits leave no way on from such a motion: then from its end.
            with suppress(MotionRefusedError):
                return self._chunks.plan_chunk(deltas, dt_s, moving)
        resting = self._chunks.from_end(running.plan, elapsed_s, lead_s)
        return self._chunks.plan_chunk(deltas, dt_s, resting)

    def _refuse_unless_at_rest(self, measured: Measured) -> None:
        if measured.speed_rad_s > self._rest_speed:
            raise MotionRefusedError(
                Cause.NOT_AT_REST,
                f"a joint moves at {measured.speed_rad_s:.3f} rad/s although nothing is played; "
                f"motion begins from rest, up to {self._rest_speed} rad/s; call stop, or see who "
                "moves the arm; nothing is sent",
            )

    def _present(self, now_s: float) -> float:
        """The time, or time 0 of what was sent last, if that is a step of the clock ahead."""
        moving = self.playing or self.stopping
        if moving is None or not 0.0 < moving.start_s - now_s <= CLOCK_STEP_S:
            return now_s
        return moving.start_s

    def _busy(self, now_s: float) -> MotionRefusedError:
        moving = self.playing or self.stopping
        assert moving is not None
        left_s = moving.start_s + moving.plan.duration_s - now_s
        return MotionRefusedError(
            Cause.BUSY,
            f"another plan is being played, for {left_s:.2f} s more; wait for its end",
        )

    def _gripper_for(self, chunk: ChunkCommand, measured: Measured) -> Gripper | None:
        """What is known of the fingers when a chunk comes: a copy, for the chunk to be planned on.

        In another episode, who knows who moved them since.
        """
        if self._gripper is None:
            return None
        gripper = copy(self._gripper)
        if chunk.session_id != self._session_id:
            gripper.forget()
        if measured.finger_m is not None:
            gripper.measured(measured.finger_m)
        return gripper
