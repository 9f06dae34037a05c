# SPDX-License-Identifier: Apache-2.0
"""What the arm is told: sends motions through the gate, and remembers what plays."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace

from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.chunk_planner import ChunkPlanner
from vera_ros.motion.commands import Measured
from vera_ros.motion.gate import Gate
from vera_ros.motion.gripper import Gripper, GripperPlan
from vera_ros.motion.plan import Plan
from vera_ros.motion.planner import Planner
from vera_ros.motion.playback import Playing
from vera_ros.motion.preparation import Preparation, Prepared, Told, refuse_unless_at_rest
from vera_ros.motion.rails import Rails
from vera_ros.motion.small_matrices import Vector
from vera_ros.motion.trajectory import ArmState


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
        start_lead_s: time until a motion from rest begins once it is checked, for it to arrive.
        rest_speed: a joint slower than this is at rest [rad/s].

    Attributes:
        preparation: plans chunks, in any thread.
        told: what the arm was told so far.
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
        start_lead_s: float = 0.0,
        rest_speed: float,
    ) -> None:
        self._planner = planner
        self._gate = gate
        self._stop_lead_s = stop_lead_s
        self._start_lead_s = start_lead_s
        self._rest_speed = rest_speed
        self.preparation = Preparation(chunks, rails, hand_over_lead_s, start_lead_s, rest_speed)
        self.told = Told(gripper=gripper)

    @property
    def playing(self) -> Playing | None:
        """The plan that is played."""
        return self.told.playing

    @property
    def stopping(self) -> Playing | None:
        """The stop that was sent last, until `rested` is called.

        None as well: nothing was told since the arm was seen at rest.
        """
        return self.told.stopping

    def prepare_move(
        self, goal: Vector, speed_share: float, measured: Measured, now_s: float
    ) -> Prepared:
        """Plan a slow move to joint positions, and send nothing. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: it cannot be played.
        """
        self.told.refuse_other_motion(now_s)
        refuse_unless_at_rest(measured, self._rest_speed)
        plan = self._planner.plan_move(measured.q, goal, speed_share)
        return Prepared(Playing(plan, now_s), measured.arm, from_rest=True)

    def seen_again(self, prepared: Prepared, measured: Measured) -> Prepared:
        """The same motion for an arm that was measured since: from rest, it must rest still.

        Raises:
            MotionRefusedError: somebody moves it.
        """
        if not prepared.from_rest:
            return prepared
        refuse_unless_at_rest(measured, self._rest_speed)
        return replace(prepared, measured=measured.arm)

    def check(self, prepared: Prepared) -> None:
        """Raise MotionRefusedError unless the gate would let both arm and fingers through."""
        playing, fingers = prepared.playing, prepared.fingers
        if fingers is not None and fingers.trajectory is not None:
            self._gate.check_gripper(fingers.trajectory)
        self._gate.check_arm(playing.plan.trajectory(), prepared.measured, playing.start_s)

    def send(self, prepared: Prepared, present: Callable[[], float] | None = None) -> Prepared:
        """Send what was prepared; return it as it was sent.

        Args:
            prepared: the motion.
            present: tells the ROS time once all is checked, when an arm at rest begins to move,
                after its lead: no part of its motion is to be late. None: as it was prepared.

        Raises:
            MotionRefusedError: nothing was sent; what plays goes on to its end.
        """

        def begin() -> float:
            nonlocal prepared
            if prepared.from_rest and present is not None:
                begins_s = max(present(), prepared.playing.start_s) + self._start_lead_s
                prepared = prepared.beginning_at(begins_s)
            fingers = prepared.fingers
            if fingers is not None and fingers.trajectory is not None:
                self._gate.check_gripper(fingers.trajectory)  # both move, or none
            return prepared.playing.start_s

        plan, start_s = prepared.playing.plan, prepared.playing.start_s
        self._gate.send_arm(plan.trajectory(), prepared.measured, start_s, begin=begin)
        playing, fingers, chunk = prepared.playing, prepared.fingers, prepared.playing.plan.chunk
        told = replace(self.told, playing=playing, stopping=None, before=None)
        if chunk is not None:  # any other motion leads elsewhere
            before = chunk.response.state_at(chunk.until_s)
            told = replace(told, session_id=playing.session_id, before=before)
        if prepared.gripper is not None:
            told = replace(told, gripper=prepared.gripper)
        self.told = told
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
        """Bring the arm to rest from where it is by now, when it does not follow what it was told.

        Where that would exceed a limit, it comes to rest along the playing plan.

        Raises:
            MotionRefusedError: as for `stop`, or nothing is being played.
        """
        playing, measured = self.playing, measured.moved_on(now_s)
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
        self.told = replace(self.told, stopping=Playing(plan, now_s))
        self._stop_gripper(now_s)

    def stay(self, measured: Measured, now_s: float) -> None:
        """Bring an arm to rest that may never have heard of the playing plan: where it was seen.

        Where nothing leads there within the limits, it comes to rest along the playing plan.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        playing = self.playing
        if playing is None or self._let_go(playing).finished(now_s):
            return
        begins_s = self.told.present(now_s, self._start_lead_s)
        passed_s = begins_s - playing.start_s
        try:
            plan = self._planner.plan_return(playing.plan, passed_s, measured.q, self._stop_lead_s)
            self._send_stop(plan, begins_s)
        except MotionRefusedError:
            self._stop_along(playing, now_s)

    def turn_back(self, by_s: float) -> None:
        """ROS time was turned back: so is all that is remembered of it."""
        self.told = self.told.sooner(by_s)
        self._gate.turn_back(by_s)

    def _stop_along(self, playing: Playing, now_s: float) -> None:
        if playing.finished(now_s):
            return
        now_s = self.told.present(now_s, self._start_lead_s)
        plan = self._planner.plan_stop(playing.plan, now_s - playing.start_s, self._stop_lead_s)
        self._send_stop(plan, now_s)

    def _send_stop(self, plan: Plan, now_s: float) -> None:
        # It starts from the plan, which the arm follows within the tracking tolerance.
        self._gate.send_arm(plan.trajectory(), ArmState(plan.spline.state(0.0)[0]), now_s)
        self.told = replace(self.told, stopping=Playing(plan, now_s))
        self._stop_gripper(now_s)

    def _stop_gripper(self, now_s: float) -> None:
        gripper = self.told.gripper
        if gripper is not None and gripper.known:
            self._command_gripper(gripper.plan_stop(now_s), now_s)

    def _command_gripper(self, fingers: GripperPlan, start_s: float) -> None:
        gripper = copy(self.told.gripper)
        assert gripper is not None
        if fingers.trajectory is not None:
            self._gate.send_gripper(fingers.trajectory, start_s)
        gripper.commanded(fingers, start_s)
        self.told = replace(self.told, gripper=gripper)

    def _let_go(self, playing: Playing) -> Playing:
        """Forget the playing plan; until something replaces it, the arm still plays it."""
        self.told = replace(self.told, playing=None, stopping=playing, before=None)
        return playing

    def finish(self) -> None:
        """The playing plan has come to rest."""
        self.told = replace(self.told, playing=None)

    def rested(self) -> None:
        """The stop has come to rest."""
        self.told = replace(self.told, stopping=None)
