# SPDX-License-Identifier: Apache-2.0
"""Filter of joint states: which are measurements of the arm, and whether they are up to date.

A sample is accepted if its stamp is in order and every joint can have got there: within its
velocity limit from the last accepted one, or from the arm's extrapolated motion. The reach does not
grow while samples are rejected. Rejected ones are kept as candidates, sequences that continue each
other: if eleven or more of one sequence are consistent for 0.12 s while nothing is accepted, the
arm is there (it was re-homed, or a scene was reset); if they are while others are accepted, there
is a second publisher.

No arm jumps: one that is suddenly elsewhere in most joints was re-homed, but one that is so in one
or two may have a broken encoder. Its joint states are accepted at once for a stop, but for a new
motion only after a second.
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
_LOST_S = 0.5  # silence in which a driver may have been restarted
_BROKEN = 2  # joints whose encoders may be broken; an arm that jumps in more was moved


class JointStateFilter:
    """Accepts or rejects the joint states of the arm's driver as they arrive.

    A measurement's age counts from its stamp or its arrival, whichever is earlier. A stamp ahead of
    the clock counts as the present: where ROS time comes from /clock, joint states may be a step
    ahead of it, and the clocks of two machines never agree exactly.

    Times are given by the caller: stamps on the controller's clock, arrivals in steady time.

    Args:
        joint_names: of the arm, n of them.
        velocity_limit: of the joints. Shape (n,), [rad/s].
        oldest_s: largest age of a measurement.
        gripper_joint: the finger's, whose states may come in separate messages; empty: none.

    Attributes:
        arm: the accepted samples.
        rejections: the rejected samples.
        reacquired: how often the arm was found again: after a silence, or where rejected samples
            had placed it.
        clock_sample: stamp and arrival of the last sample, accepted or not, if the arm can be
            where it says; None: it cannot. A clock that was set shows here first.
        strangers: joints beside the arm's, of the last message that had such and not the finger.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        velocity_limit: Vector,
        oldest_s: float,
        gripper_joint: str = "",
    ) -> None:
        self._oldest_s = oldest_s
        self._taken_s = -math.inf  # when the last sample was accepted, ROS time
        self._finger = FingerState(gripper_joint, oldest_s)
        self._reaches = SampleReach(velocity_limit)
        self._candidates = Candidates(self._reaches)
        self._publishers = Publishers(joint_names)
        self._events: list[str] = []
        self.arm = ArmTrack(tuple(joint_names))
        self.rejections = Rejections()
        self.reacquired = 0
        self.clock_sample: tuple[float, float] | None = None
        self.strangers: tuple[str, ...] = ()

    # Input.

    def count_publishers(self, sequence: int | None, received_s: float) -> None:
        """Check a message's publication sequence number for a second publisher.

        Args:
            sequence: the publisher's number of the message; None: the middleware has none.
            received_s: when it arrived.
        """
        if sequence is not None and self._publishers.update(sequence, received_s):
            self._suspect(received_s)

    def add(self, sample: Measured, now_s: float, *, simulated: bool = False) -> bool:
        """Process a sample; return whether it is accepted.

        One that is older than the newest is rejected, unless ROS time went back since, or the
        newest is itself outdated: then the driver's clock was set.

        Args:
            sample: what was received; its finger position is ignored.
            now_s: ROS time.
            simulated: ROS time comes from /clock, and may run at any speed.
        """
        last = self.arm.last
        can_be = last is None or self._reaches.allows(last, sample)
        self.clock_sample = (sample.stamp_s, sample.received_s) if can_be else None
        if last is None:
            self._accept(sample, now_s)
            return True
        if disorder := self._out_of_order(last, sample, now_s, simulated):
            self.rejections.refuse(disorder)
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
            # Candidate and measurement that alternate, each of them consistent: two publishers.
            alternate = candidate.alternations >= _ALTERNATIONS and candidate.agrees
            if alternate and self.arm.consistent:
                self._suspect(sample.received_s)
        elif candidate.agrees or (simulated and candidate.stands):
            self._reacquire(candidate, last, sample, now_s, simulated)
            return True
        return False

    def clock_was_set(self, by_s: float) -> None:
        """Shift the last sample by `by_s`, by which the stamps' clock was set forward."""
        self._candidates.clear()
        self._reaches.forget()
        self.arm.clock_was_set(by_s)
        if self.arm.last is not None:
            self._reaches.accept(self.arm.last)
            self.rejections.accepted()

    def add_finger(self, position_m: float, stamp_s: float, received_s: float) -> None:
        """Store the gripper's position. `position_m`: finite."""
        self._finger.update(position_m, stamp_s, received_s)

    # State.

    @property
    def newest(self) -> Measured | None:
        """The newest accepted sample; position differences replace contradicted velocities."""
        measured = self.arm.measured()
        return None if measured is None else replace(measured, finger_m=self._finger.position_m)

    def elsewhere(self, steady_s: float) -> str:
        """Return why the arm may not be where the newest sample says; empty: it is there."""
        counted_s = math.inf if self.arm.last is None else self.arm.last.received_s
        return self.rejections.doubt(counted_s, steady_s)

    def settled(self, steady_s: float) -> bool:
        """Whether samples have been accepted, and consistent, for the last 0.12 s."""
        if self.silent_s(steady_s) > WINDOW_S or steady_s - self.rejections.last_s < WINDOW_S:
            return False
        return self.arm.consistent

    def silent_s(self, steady_s: float) -> float:
        """Return the time since the newest accepted sample arrived [s]."""
        return math.inf if self.arm.last is None else steady_s - self.arm.last.received_s

    def age_s(self, steady_s: float, now_s: float) -> float:
        """Return the age of the newest accepted sample [s]. `now_s`: ROS time."""
        if self.arm.last is None:
            return math.inf
        return max(self.silent_s(steady_s), now_s - self.arm.last.stamp_s)

    def unknown(self, steady_s: float, now_s: float) -> Reason | None:
        """Return why the arm's position is unknown; None: it is known."""
        if self._publishers.suspected(steady_s):
            return self._publishers.reason
        words = self._silence(steady_s, now_s)
        return Reason(Cause.NO_JOINT_STATES, words) if words else None

    def fault(self, steady_s: float, now_s: float) -> Reason | None:
        """Return why joint states do not allow motion; None: they do."""
        unknown = self.unknown(steady_s, now_s)
        if unknown is not None:
            return unknown
        words = self.arm.contradiction() or self._finger.silence(steady_s, now_s, self.strangers)
        return Reason(Cause.NO_JOINT_STATES, words) if words else None

    def take_events(self) -> list[str]:
        """Return the events since the last call, for the log."""
        events, self._events = self._events, []
        return events

    def _suspect(self, steady_s: float) -> None:
        if self._publishers.suspect(steady_s):
            self._events.append(str(self._publishers.reason))

    # Judging a sample.

    def _out_of_order(self, last: Measured, sample: Measured, now_s: float, simulated: bool) -> str:
        """Return why a sample is too late to be accepted; empty: it is not."""
        older_s = last.stamp_s - sample.stamp_s
        silent_s = sample.received_s - last.received_s
        # The last one may have been queued while /clock went back, with a stamp in the future.
        in_future = simulated and now_s < last.stamp_s - AHEAD_S
        went_back = in_future or now_s < self._taken_s
        if older_s <= 0.0 or went_back or silent_s > self._oldest_s:
            return ""
        return f"joint states arrived out of order, {older_s:.3f} s older than those before them"

    def _accept(self, sample: Measured, now_s: float) -> None:
        self.arm.accept(sample)
        self._reaches.accept(sample)
        self.rejections.accepted()
        self._taken_s = now_s

    def _reacquire(
        self, candidate: Candidate, last: Measured, sample: Measured, now_s: float, simulated: bool
    ) -> None:
        """Accept a candidate as the measurement, since nothing else was accepted for a while."""
        joint = int(np.abs(sample.q - last.q).argmax())
        went = (
            f"'{self.arm.joint_names[joint]}' went from {last.q[joint]:.4f} to "
            f"{sample.q[joint]:.4f} {sample.unit(joint)}"
        )
        self._events.append(
            f"rejected joint states are accepted again, as they have agreed for a while: {went}; "
            "was the arm re-homed, the scene reset, or the clock of the driver's machine set?"
        )
        if not simulated and 0 < candidate.jumped <= _BROKEN:
            self.rejections.jumped(went, sample.received_s)
        self.reacquired += 1
        self._candidates.remove(candidate)
        self.arm.forget_motion()
        self._accept(sample, now_s)

    # Messages.

    def _silence(self, steady_s: float, now_s: float) -> str:
        if self.arm.last is None:
            if self.rejections.reason or not self.strangers:
                return self.rejections.reason or "no joint states have been received yet"
            return (
                f"no joint states of {list(self.arm.joint_names)} have been received yet; those "
                f"received are of {list(self.strangers)}"
            )
        if self.silent_s(steady_s) > self._oldest_s:
            return self.rejections.reason or (
                f"no joint states have come for more than {self._oldest_s} s; is their driver "
                "running?"
            )
        age_s = self.age_s(steady_s, now_s)
        if age_s > self._oldest_s:
            return (
                f"the joint states received are {age_s:.2f} s old by their stamps; valid is up to "
                f"{self._oldest_s} s; does their driver stamp them, and are the clocks of its "
                "machine and of this one synchronized?"
            )
        return ""
