# SPDX-License-Identifier: Apache-2.0
"""Dispatcher of motions: sends them through the gate, and remembers what plays.

Every motion but the first continues from the set-point, wherever the arm is: one that begins
elsewhere would make the controller's command jump.
"""

from dataclasses import replace

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.execution.channel import Channel
from vera_ros.motion.execution.chunk_scheduler import ChunkScheduler, refuse_unless_at_rest
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.execution.stop_dispatcher import Present, StopDispatcher
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.rails import Rails

_STILL_RAD = 1e-9


class Dispatcher:
    """Sends one arm's plans, one at a time. Times are the controller's [s], given by the caller.

    Args:
        chunks: plans chunks.
        planner: plans all other motions.
        gate: sends them.
        gripper: plans finger motion; None: there is no gripper.
        rails: bounds of the embodiment's actions; None: it has none.
        lead: time that what is sent is given to arrive before it begins.
        hand_over_lead_s: time until a chunk takes over from the one that plays.
        start_lead_s: time until a motion from rest begins, from the end of its checks.
        rest_speed: a joint slower than this is at rest [rad/s].
        start_rad: how far a resting arm may be from its set-point, per joint.

    Attributes:
        scheduler: plans chunks, in any thread.
        channel: channel to the controllers, and the state of what was sent.
        stops: brings the arm to rest.
    """

    def __init__(
        self,
        chunks: ChunkPlanner,
        planner: Planner,
        gate: Gate,
        gripper: Gripper | None,
        *,
        rails: Rails | None = None,
        lead: Lead,
        hand_over_lead_s: float,
        start_lead_s: float = 0.0,
        rest_speed: float,
        start_rad: float = 0.05,
    ) -> None:
        self._planner = planner
        self._start_lead_s = start_lead_s
        self._rest_speed = rest_speed
        self.scheduler = ChunkScheduler(
            chunks, rails, hand_over_lead_s, rest_speed, start_rad, lead
        )
        self.channel = Channel(gate, gripper, lead, start_rad)
        self.stops = StopDispatcher(planner, self.channel)

    @property
    def playing(self) -> Playing | None:
        """The plan that is played; None: none is."""
        return self.channel.playback.playing

    @property
    def stopping(self) -> Playing | None:
        """The stop that was sent last; None: there was none, or the arm was seen at rest since."""
        return self.channel.playback.stopping

    def prepare_move(
        self, goal: Vector, speed_share: float, measured: Measured, now_s: float
    ) -> ScheduledMotion:
        """Plan a slow move to joint positions, and send nothing. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: it cannot be played.
        """
        self.channel.playback.refuse_other_motion(now_s)
        refuse_unless_at_rest(measured, self._rest_speed)
        start_q, continues = self.scheduler.start_q(self.channel.playback, measured)
        plan = self._planner.plan_move(start_q, goal, speed_share)
        return ScheduledMotion(
            Playing(plan, now_s), measured.arm, from_rest=True, continues=continues
        )

    def revalidate(self, prepared: ScheduledMotion, measured: Measured) -> ScheduledMotion:
        """Return the motion with a newer measurement; for one from rest, the arm must still rest.

        Raises:
            MotionRefusedError: the arm moves.
        """
        if not prepared.from_rest:
            return prepared
        refuse_unless_at_rest(measured, self._rest_speed)
        return replace(prepared, measured=measured.arm)

    def check(self, prepared: ScheduledMotion) -> None:
        """Raise MotionRefusedError unless the gate would let both arm and fingers through."""
        playing, fingers = prepared.playing, prepared.fingers
        if fingers is not None and fingers.trajectory is not None:
            self.channel.gate.check_gripper(fingers.trajectory)
        self.channel.gate.check_arm(
            playing.plan.trajectory(),
            prepared.measured,
            playing.start_s,
            ahead_s=self._ahead_s(prepared),
            joins_s=prepared.joins_s,
        )

    def _ahead_s(self, prepared: ScheduledMotion) -> float:
        """Return how long the controller is given to reach the start by itself [s]."""
        # The set-point may have become unknown since the motion was planned.
        in_doubt = prepared.from_rest and not self.channel.gate.setpoint.known
        if prepared.continues and not in_doubt:
            return 0.0
        return self.channel.gate.gentle_s(prepared.playing.plan.spline.derivative(0, 0.0))

    @property
    def _rest_lead_s(self) -> float:
        """Time until a motion from rest begins [s]."""
        return max(self._start_lead_s, self.channel.lead.value_s)

    def send(self, prepared: ScheduledMotion, present: Present | None = None) -> ScheduledMotion:
        """Send a prepared motion; return it as it was sent.

        Args:
            prepared: the motion.
            present: returns ROS time; a motion from rest begins a lead after its checks, so that no
                part of it is late. None: it begins as prepared.

        Raises:
            MotionRefusedError: nothing was sent; what plays goes on to its end.
        """

        def begin() -> float:
            nonlocal prepared
            if prepared.from_rest and present is not None:
                begins_s = max(present(), prepared.playing.start_s) + self._rest_lead_s + ahead_s
                prepared = prepared.beginning_at(begins_s)
            elif ahead_s:
                prepared = prepared.beginning_at(prepared.playing.start_s + ahead_s)
            fingers = prepared.fingers
            if fingers is not None and fingers.trajectory is not None:
                self.channel.gate.check_gripper(fingers.trajectory)  # both move, or neither
            return prepared.playing.start_s

        ahead_s = self._ahead_s(prepared)
        trajectory = prepared.playing.plan.trajectory()
        if ahead_s and np.abs(trajectory.q - trajectory.start_q).max() < _STILL_RAD:
            ahead_s = 0.0  # no joint is to move: the arm stays where it is held, wherever that is
            begin()
            prepared = replace(prepared, playing=replace(prepared.playing, arm_moves=False))
        else:
            self.channel.gate.send_arm(
                trajectory,
                prepared.measured,
                prepared.playing.start_s,
                ahead_s=ahead_s,
                joins_s=prepared.joins_s,
                past_s=self.channel.past_s,
                begin=begin,
            )
        playing, fingers, chunk = prepared.playing, prepared.fingers, prepared.playing.plan.chunk
        playback = replace(
            self.channel.playback,
            playing=playing,
            stopping=None,
            before=None,
            rested_q=None,
            setpoint=self.channel.gate.setpoint,
            parts_s=playing.start_s + prepared.joins_s,
            replaced=self.playing or self.stopping,
            missed=None,
        )
        if chunk is not None:  # any other motion ends elsewhere
            before = chunk.response.state_at(chunk.until_s)
            playback = replace(playback, session_id=playing.session_id, before=before)
        if prepared.gripper is not None:
            playback = replace(playback, gripper=prepared.gripper)
        self.channel.playback = playback
        if fingers is not None:
            self.channel.playback = self.channel.gripper.send(
                self.channel.playback, fingers, playing.start_s
            )
        return prepared
