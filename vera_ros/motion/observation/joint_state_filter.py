# SPDX-License-Identifier: Apache-2.0
"""Which joint states are measurements of the arm, and whether they still say where it is.

A sample counts when its stamp is in order and every joint can have got there: within its velocity
limit from the last one that counted, or from where the arm's motion has led since. The reach does
not grow while samples are rejected. Those that were are kept in candidates, each of which goes on
by itself: if one of them, eleven or more in a row, agrees with itself for 0.12 s while nothing
counted, the arm is there (it was re-homed, a scene was reset); if it does so while others count,
there is a second publisher.

No arm jumps: one that is suddenly elsewhere in most joints was re-homed, but one that is so in one
or two may have a broken encoder. Its joint states are believed for a stop at once, and for a new
motion after a second.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.arm_track import ArmTrack
from vera_ros.motion.observation.candidate import Candidate, Candidates
from vera_ros.motion.observation.finger_state import FingerState
from vera_ros.motion.observation.joint_track import WINDOW_S
from vera_ros.motion.observation.publishers import Publishers
from vera_ros.motion.observation.rejections import Rejections
from vera_ros.motion.observation.sample_reach import (
    AHEAD_S,
    SampleReach,
    beyond_reach,
    too_far_ahead,
)

_ALTERNATIONS = 3
_LOST_S = 0.5  # of silence, in which a driver may have been started anew
_BROKEN = 2  # joints of which the encoders may be: one that is elsewhere in more was moved


class JointStateFilter:
    """What comes from the arm's driver, as it comes.

    A measurement is as old as its stamp says, or as its arrival, if that is longer ago. A stamp
    ahead of the clock is as good as the present: where the time comes by /clock, joint states may
    be a step ahead of it, and the clocks of two machines are never quite the same.

    Times are the caller's: stamps on the controller's clock, arrivals on the steady one.

    Args:
        joint_names: of the arm, n of them.
        velocity_limit: of the joints. Shape (n,), [rad/s].
        oldest_s: what is older says nothing of the present.
        gripper_joint: the finger, which may come in messages of its own; empty: none.

    Attributes:
        arm: the samples that count.
        rejections: the samples that do not.
        reacquired: how often the arm was found again: after a silence, or where rejected samples
            had told.
        heard: stamp and arrival of the last sample, whether or not it counted, if the arm can be
            where it says; None: it cannot. A clock that was set shows here first.
        strangers: the joints of the last message that told nothing of the arm.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        velocity_limit: Vector,
        oldest_s: float,
        gripper_joint: str = "",
    ) -> None:
        self._oldest_s = oldest_s
        self._taken_s = -math.inf  # when the last was taken, ROS time
        self._finger = FingerState(gripper_joint, oldest_s)
        self._reaches = SampleReach(velocity_limit)
        self._candidates = Candidates(self._reaches)
        self._publishers = Publishers(joint_names)
        self._events: list[str] = []
        self.arm = ArmTrack(tuple(joint_names))
        self.rejections = Rejections()
        self.reacquired = 0
        self.heard: tuple[float, float] | None = None
        self.strangers: tuple[str, ...] = ()

    # What comes.

    def count_publishers(self, sequence: int | None, received_s: float) -> None:
        """Take in the publication sequence number of a message with the arm's joints.

        Args:
            sequence: the publisher's number of the message; None: the middleware does not tell.
            received_s: when it arrived.
        """
        if sequence is not None and self._publishers.update(sequence, received_s):
            self._suspect(received_s)

    def add(self, sample: Measured, now_s: float, *, simulated: bool = False) -> bool:
        """Take a sample, and return whether it counts.

        One that is older than the newest does not, unless the clock was turned back since, or the
        newest came too long ago to mean anything: the driver's clock was set, then.

        Args:
            sample: what has come; its finger is not looked at.
            now_s: the ROS clock's time.
            simulated: time comes by /clock, and may pass as fast as it likes.
        """
        last = self.arm.last
        can_be = last is None or self._reaches.allows(last, sample)
        self.heard = (sample.stamp_s, sample.received_s) if can_be else None
        if last is None:
            self._accept(sample, now_s)
            return True
        if overtaken := self._overtaken(last, sample, now_s, simulated):
            self.rejections.refuse(overtaken)
            return False
        reach = self.rejections.reach
        if reach is None:
            reach = self._reaches.between(last, sample, simulated=simulated)
        candidate, off = self._candidates.nearest(sample, simulated=simulated)
        ahead = "" if simulated else too_far_ahead(last, sample, self._oldest_s)
        if not ahead and self.arm.leads_to(sample, reach, off):
            self.reacquired += sample.received_s - last.received_s > _LOST_S
            self._accept(sample, now_s)
            return True
        beyond = beyond_reach(self.arm.joint_names, last, sample, reach)
        self.rejections.reject(ahead or beyond, reach, sample.received_s)
        if candidate is None:
            candidate = Candidate(int((np.abs(sample.q - last.q) > reach).sum()))
            self._candidates.add(candidate)
        candidate.add(sample, last)
        if sample.received_s - last.received_s < WINDOW_S:
            # Where candidate and measurement take turns, and each agrees with itself, they are two.
            turns = candidate.alternations >= _ALTERNATIONS and candidate.agrees
            if turns and self.arm.consistent:
                self._suspect(sample.received_s)
        elif candidate.agrees or (simulated and candidate.stands):
            self._take_up(candidate, last, sample, now_s, simulated)
            return True
        return False

    def clock_was_set(self, by_s: float) -> None:
        """The stamps' clock was set forward by so much, and the arm was not."""
        self._candidates.clear()
        self._reaches.forget()
        self.arm.clock_was_set(by_s)
        if self.arm.last is not None:
            self._reaches.accept(self.arm.last)
            self.rejections.accepted()

    def add_finger(self, position_m: float, stamp_s: float, received_s: float) -> None:
        """Take the gripper's position. `position_m`: finite."""
        self._finger.update(position_m, stamp_s, received_s)

    # What is known.

    @property
    def newest(self) -> Measured | None:
        """The newest that counts; where velocities are contradicted, they are the positions'."""
        measured = self.arm.measured()
        return None if measured is None else replace(measured, finger_m=self._finger.position_m)

    def elsewhere(self, steady_s: float) -> str:
        """Why the arm may be elsewhere than the newest that counts says; empty: it is there."""
        counted_s = math.inf if self.arm.last is None else self.arm.last.received_s
        return self.rejections.doubt(counted_s, steady_s)

    def settled(self, steady_s: float) -> bool:
        """Whether samples have counted, and agreed with themselves, for the last 0.12 s."""
        if self.silent_s(steady_s) > WINDOW_S or steady_s - self.rejections.last_s < WINDOW_S:
            return False
        return self.arm.consistent

    def silent_s(self, steady_s: float) -> float:
        """How long ago the newest came [s]."""
        return math.inf if self.arm.last is None else steady_s - self.arm.last.received_s

    def age_s(self, steady_s: float, now_s: float) -> float:
        """How old the newest is [s]. `now_s`: the ROS clock's time."""
        if self.arm.last is None:
            return math.inf
        return max(self.silent_s(steady_s), now_s - self.arm.last.stamp_s)

    def unknown(self, steady_s: float, now_s: float) -> Reason | None:
        """Why it is not known where the arm is now; None: it is."""
        if self._publishers.suspected(steady_s):
            return self._publishers.reason
        words = self._silence(steady_s, now_s)
        return Reason(Cause.NO_JOINT_STATES, words) if words else None

    def fault(self, steady_s: float, now_s: float) -> Reason | None:
        """Why nothing may be moved by what is known of the arm now; None: it may."""
        unknown = self.unknown(steady_s, now_s)
        if unknown is not None:
            return unknown
        words = self.arm.contradiction() or self._finger.silence(steady_s, now_s)
        return Reason(Cause.NO_JOINT_STATES, words) if words else None

    def take_events(self) -> list[str]:
        """What has happened since this was last asked, for the log."""
        events, self._events = self._events, []
        return events

    def _suspect(self, steady_s: float) -> None:
        if self._publishers.suspect(steady_s):
            self._events.append(str(self._publishers.reason))

    # How a sample is judged.

    def _overtaken(self, last: Measured, sample: Measured, now_s: float, simulated: bool) -> str:
        """Why a sample comes too late to count; empty: it does not."""
        older_s = last.stamp_s - sample.stamp_s
        silent_s = sample.received_s - last.received_s
        # The last one may have been waiting while /clock went back, and be of a time yet to come.
        to_come = simulated and now_s < last.stamp_s - AHEAD_S
        went_back = to_come or now_s < self._taken_s
        if older_s <= 0.0 or went_back or silent_s > self._oldest_s:
            return ""
        return f"joint states come {older_s:.3f} s older than those before them"

    def _accept(self, sample: Measured, now_s: float) -> None:
        self.arm.accept(sample)
        self._reaches.accept(sample)
        self.rejections.accepted()
        self._taken_s = now_s

    def _take_up(
        self, candidate: Candidate, last: Measured, sample: Measured, now_s: float, simulated: bool
    ) -> None:
        """Nothing has counted for a while but for a candidate: that is the measurement."""
        joint = int(np.abs(sample.q - last.q).argmax())
        went = (
            f"'{self.arm.joint_names[joint]}' went from {last.q[joint]:.4f} to "
            f"{sample.q[joint]:.4f} rad"
        )
        self._events.append(
            f"joint states that were rejected count again, since they agree for a while: {went}; "
            "was the arm re-homed, the scene reset, or the clock of the driver's machine set?"
        )
        if not simulated and 0 < candidate.jumped <= _BROKEN:
            self.rejections.jumped(went, sample.received_s)
        self.reacquired += 1
        self._candidates.remove(candidate)
        self.arm.forget_motion()
        self._accept(sample, now_s)

    # The words for it.

    def _silence(self, steady_s: float, now_s: float) -> str:
        if self.arm.last is None:
            if self.rejections.reason or not self.strangers:
                return self.rejections.reason or "no joint states were received yet"
            return (
                f"no joint states of {list(self.arm.joint_names)} were received yet; those that "
                f"come are of {list(self.strangers)}"
            )
        if self.silent_s(steady_s) > self._oldest_s:
            return self.rejections.reason or (
                f"no joint states have come for more than {self._oldest_s} s; is their driver "
                "running?"
            )
        age_s = self.age_s(steady_s, now_s)
        if age_s > self._oldest_s:
            return (
                f"the joint states that come are {age_s:.2f} s old by their stamps; valid is up to "
                f"{self._oldest_s} s; does their driver stamp them, and are the clocks of its "
                "machine and of this one the same?"
            )
        return ""
