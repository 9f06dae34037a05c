# SPDX-License-Identifier: Apache-2.0
"""What the arm is told: plans a request, sends it through the gate, and remembers what plays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.gate import Gate, GripperTrajectory
from vera_ros.motion.gripper import Gripper
from vera_ros.motion.plan import Plan
from vera_ros.motion.planner import Planner
from vera_ros.motion.playback import Playing
from vera_ros.motion.response import Vector


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


class Commander:
    """One arm's plans, one at a time. Times are ROS time [s], given by the caller."""

    def __init__(
        self,
        planner: Planner,
        gate: Gate,
        gripper: Gripper | None,
        *,
        stop_lead_s: float,
    ) -> None:
        self._planner = planner
        self._gate = gate
        self._gripper = gripper
        self._stop_lead_s = stop_lead_s
        self._session_id = ""
        self._rotation_goal: Vector | None = None
        self._stopping: Playing | None = None
        self.playing: Playing | None = None

    def play_chunk(
        self,
        deltas: Vector,
        close: npt.NDArray[np.bool_],
        control_dt_s: float,
        measured: Measured,
        now_s: float,
        session_id: str,
        sequence: int,
    ) -> Playing:
        """Plan a chunk from where the arm rests and send it.

        Args:
            deltas: Shape (H, 6), [m, rad], base frame.
            close: gripper command per action. Shape (H,), or (0,) for none.
            control_dt_s: duration of one action.
            measured: the arm's present state.
            now_s: the present.
            session_id: the episode's; the response model's state carries over within one.
            sequence: the chunk's number.

        Raises:
            MotionRefusedError: nothing was sent.
        """
        self._refuse_while_moving(now_s)
        if session_id != self._session_id:
            self._session_id, self._rotation_goal = session_id, None
            if self._gripper is not None:
                self._gripper.forget()
        plan = self._planner.plan_chunk(deltas, control_dt_s, measured.q, self._rotation_goal)
        fingers = self._plan_gripper(close, plan, measured, now_s)
        if fingers is not None:
            self._gate.check_gripper(fingers)  # both move, or none
        playing = self._send(plan, measured, now_s, session_id, sequence)
        self._rotation_goal = plan.rotation_goal
        if fingers is not None and self._gripper is not None:
            self._gate.send_gripper(fingers)
            self._gripper.commanded(fingers, now_s)
        return playing

    def move_to(
        self, goal: Vector, speed_share: float, measured: Measured, now_s: float
    ) -> Playing:
        """Move to joint positions slowly. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: nothing was sent.
        """
        self._refuse_while_moving(now_s)
        plan = self._planner.plan_move(measured.q, goal, speed_share)
        playing = self._send(plan, measured, now_s, "", -1)
        self._rotation_goal = None  # the chunks before it led elsewhere
        return playing

    def stop(self, now_s: float) -> None:
        """Bring the playing plan to rest smoothly, along its path; the gripper ends as commanded.

        Raises:
            MotionRefusedError: no stop within the limits was found; the plan plays to its own end,
                which is at rest.
        """
        playing = self._let_go()
        if playing is None or playing.finished(now_s):
            return
        elapsed_s = now_s - playing.start_s
        plan = self._planner.plan_stop(playing.plan, elapsed_s, self._stop_lead_s)
        # It starts from the plan, which the arm follows within the tracking tolerance.
        self._gate.send_arm(plan.trajectory(), plan.spline.state(0.0)[0])
        self._stopping = Playing(plan, now_s)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Bring the arm to rest from where it is, when it does not follow its plan.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        self._let_go()
        dq = np.zeros(len(measured.q)) if measured.dq is None else measured.dq
        plan = self._planner.plan_brake(measured.q, dq)
        self._gate.send_arm(plan.trajectory(), measured.q)
        self._stopping = Playing(plan, now_s)

    def _let_go(self) -> Playing | None:
        """Forget the playing plan; until something replaces it, the arm still plays it."""
        playing, self.playing = self.playing, None
        self._stopping = playing
        self._rotation_goal = None
        return playing

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

    def _refuse_while_moving(self, now_s: float) -> None:
        moving = self.playing or self._stopping
        if moving is not None and not moving.finished(now_s):
            left_s = moving.start_s + moving.plan.duration_s - now_s
            raise MotionRefusedError(
                Cause.BUSY,
                f"another plan is being played, for {left_s:.2f} s more; wait for its end",
            )

    def _send(
        self, plan: Plan, measured: Measured, now_s: float, session_id: str, sequence: int
    ) -> Playing:
        self._gate.send_arm(plan.trajectory(), measured.q)
        self.playing = Playing(plan, now_s, session_id, sequence)
        return self.playing

    def _plan_gripper(
        self, close: npt.NDArray[np.bool_], plan: Plan, measured: Measured, now_s: float
    ) -> GripperTrajectory | None:
        gripper = self._gripper
        if gripper is None or not len(close):
            return None
        if measured.finger_m is not None:
            gripper.measured(measured.finger_m)
        step_starts_s = np.concatenate(([0.0], plan.step_times_s[:-1]))
        return gripper.plan(close.tolist(), step_starts_s.tolist(), now_s)
