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
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.candidate import Candidate
from vera_ros.motion.observation.finger_state import FingerState
from vera_ros.motion.observation.joint_track import (
    SLACK_RAD,
    WINDOW_S,
    Agreement,
    JointTrack,
    way,
)
from vera_ros.motion.observation.publishers import Publishers
from vera_ros.motion.observation.sample_reach import AHEAD_S, SampleReach, too_far_ahead

_MEMORY_S = 0.3  # a motion tells where the arm may be for so long
_NOISE_RAD = 1e-3
_CANDIDATES = 4
_ALTERNATIONS = 3
_RECENT, _RECENT_S = 6, 4e-3
_LOST_S = 0.5  # of silence, in which a driver may have been started anew
_BROKEN = 2  # joints of which the encoders may be: one that is elsewhere in more was moved
_JUMP_S = 1.0  # for which joint states that jumped must agree until a motion may begin


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
        refused: how many were of no use.
        outliers: how many told of what a joint, or the clock, cannot have reached.
        outlier: the last one of those, in words.
        reacquired: how often the arm was found again: after a silence, or where rejected samples
            had told.
        recent: the last ones that counted, some milliseconds apart.
        heard: stamp and arrival of the last sample, whether or not it counted, if the arm can be
            where it says; None: it cannot. A clock that was
            set shows here first.
        strangers: the joints of the last message that told nothing of the arm.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        velocity_limit: Vector,
        oldest_s: float,
        gripper_joint: str = "",
    ) -> None:
        self._joint_names = tuple(joint_names)
        self._oldest_s = oldest_s
        self._last: Measured | None = None
        self._finger = FingerState(gripper_joint, oldest_s)
        self._taken_s = -math.inf  # when the last was taken, ROS time
        self._guide: Measured | None = None  # the last whose motion goes on from those before
        self._track = JointTrack()
        self._judged: tuple[Measured, Agreement | None] | None = None
        self._reach: Vector | None = None  # of the first that was rejected since the last
        self._rejected_s = -math.inf
        self._candidates: list[Candidate] = []
        self._reaches = SampleReach(velocity_limit)
        self._publishers = Publishers(joint_names)
        self._jumped_s, self._jump = -math.inf, ""
        self._refusal = ""
        self._events: list[str] = []
        self.refused = 0
        self.outliers = 0
        self.outlier = ""
        self.reacquired = 0
        self.recent: deque[Measured] = deque(maxlen=_RECENT)
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
        last = self._last
        self.heard = (sample.stamp_s, sample.received_s) if self._can_be(sample) else None
        if last is None:
            self._accept(sample, now_s)
            return True
        if overtaken := self._overtaken(last, sample, now_s, simulated):
            self.refuse(overtaken)
            return False
        reach = self._reach
        if reach is None:
            reach = self._reaches.between(last, sample, simulated=simulated)
        candidate, off = self._nearest_candidate(sample, simulated)
        ahead = "" if simulated else too_far_ahead(last, sample, self._oldest_s)
        if not ahead and self._follows(last, sample, reach, off):
            self.reacquired += sample.received_s - last.received_s > _LOST_S
            self._accept(sample, now_s)
            return True
        self._reject(ahead or self._beyond(last, sample, reach), reach, sample.received_s)
        if candidate is None:
            candidate = Candidate(int((np.abs(sample.q - last.q) > reach).sum()))
            self._candidates = [*self._candidates[1 - _CANDIDATES :], candidate]
        candidate.add(sample, last)
        if sample.received_s - last.received_s < WINDOW_S:
            self._check_for_another_arm(candidate, sample.received_s)
        elif candidate.agrees or (simulated and candidate.stands):
            jumped = not simulated and 0 < candidate.jumped <= _BROKEN
            self._take_up(candidate, last, sample, now_s, jumped=jumped)
            return True
        return False

    def _can_be(self, sample: Measured) -> bool:
        """Whether the arm can be where a sample says, whatever its stamp is."""
        last = self._last
        if last is None:
            return True
        reach = self._reaches.within(sample.received_s - last.received_s)
        return bool((np.abs(sample.q - last.q) <= reach).all())

    def clock_was_set(self, by_s: float) -> None:
        """The stamps' clock was set forward by so much, and the arm was not."""
        if self._last is not None:
            self._last = replace(self._last, stamp_s=self._last.stamp_s + by_s)
        self._track, self._guide, self._reach = JointTrack(), None, None
        self._candidates = []
        self._reaches.forget()
        self.recent.clear()
        if self._last is not None:
            self._accept(self._last, self._taken_s)

    def add_finger(self, position_m: float, stamp_s: float, received_s: float) -> None:
        """Take the gripper's position. `position_m`: finite."""
        self._finger.update(position_m, stamp_s, received_s)

    def refuse(self, why: str) -> None:
        """Note that something came that is of no use."""
        self.refused += 1
        self._refusal = why

    # What is known.

    @property
    def newest(self) -> Measured | None:
        """The newest that counts; where velocities are contradicted, they are the positions'."""
        last = self._last
        if last is None:
            return None
        finger_m = self._finger.position_m
        agreement = self._agreement()
        if agreement is None or not agreement.contradicted:
            return replace(last, finger_m=finger_m)
        dq, joints = last.dq.copy(), list(agreement.contradicted)
        dq[joints] = agreement.moved[joints] / agreement.span_s
        return replace(last, dq=dq, finger_m=finger_m)

    @property
    def contradicted(self) -> tuple[int, ...]:
        """Joints whose reported velocities their positions contradict."""
        agreement = self._agreement()
        return () if agreement is None else agreement.contradicted

    def elsewhere(self, steady_s: float) -> str:
        """Why the arm may be elsewhere than the newest that counts says; empty: it is there.

        The last sample was rejected: it is wrong, or the arm was re-homed, a scene reset. Or it was
        believed only a moment ago.
        """
        last = self._last
        if last is not None and self._rejected_s > last.received_s:
            return self._refusal
        return self._jump if steady_s - self._jumped_s < _JUMP_S else ""

    def settled(self, steady_s: float) -> bool:
        """Whether samples have counted, and agreed with themselves, for the last 0.12 s."""
        if self.silent_s(steady_s) > WINDOW_S or steady_s - self._rejected_s < WINDOW_S:
            return False
        agreement = self._agreement()
        return agreement is not None and agreement.consistent

    def silent_s(self, steady_s: float) -> float:
        """How long ago the newest came [s]."""
        return math.inf if self._last is None else steady_s - self._last.received_s

    def age_s(self, steady_s: float, now_s: float) -> float:
        """How old the newest is [s]. `now_s`: the ROS clock's time."""
        if self._last is None:
            return math.inf
        return max(self.silent_s(steady_s), now_s - self._last.stamp_s)

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
        words = self._contradiction() or self._finger.silence(steady_s, now_s)
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

    def _follows(self, last: Measured, sample: Measured, reach: Vector, off: float) -> bool:
        """Whether a sample is the arm's; `off`: how far it is from a candidate."""
        from_last = np.abs(sample.q - last.q)
        ways = [from_last]
        if off < math.inf or not (from_last <= reach).all():
            guide = self._guide
            if guide is not None and sample.stamp_s - guide.stamp_s <= _MEMORY_S:
                ways.append(np.abs(sample.q - guide.q - way(guide, sample)))
        return any((far <= reach).all() and far.max() <= off for far in ways)

    def _nearest_candidate(
        self, sample: Measured, simulated: bool
    ) -> tuple[Candidate | None, float]:
        """The candidate that a sample goes on from, and how far it is from there [rad]."""
        found: Candidate | None = None
        off = math.inf
        if not self._candidates:
            return found, off
        oldest_s = sample.received_s - _MEMORY_S
        self._candidates = [c for c in self._candidates if c.last.received_s >= oldest_s]
        for candidate in self._candidates:
            before = candidate.last
            reach = self._reaches.between(before, sample, simulated=simulated)
            if (np.abs(sample.q - before.q) > reach).any():
                continue
            far = float(np.abs(sample.q - before.q - way(before, sample)).max())
            if far < off:
                found, off = candidate, far
        return found, off

    def _accept(self, sample: Measured, now_s: float) -> None:
        guide = self._guide
        if guide is None or not 0.0 <= sample.stamp_s - guide.stamp_s <= _MEMORY_S:
            self._guide = sample
        else:
            gone = way(guide, sample)
            allowed = np.minimum(_NOISE_RAD + 0.25 * np.abs(gone), SLACK_RAD)
            if (np.abs(sample.q - guide.q - gone) <= allowed).all():
                self._guide = sample
        self._track.add(sample)
        if not self.recent or abs(sample.stamp_s - self.recent[-1].stamp_s) >= _RECENT_S:
            self.recent.append(sample)
        self._last, self._taken_s, self._refusal, self._reach = sample, now_s, "", None
        self._reaches.accept(sample)

    def _beyond(self, last: Measured, sample: Measured, reach: Vector) -> str:
        """Why a sample is no measurement."""
        beyond = np.abs(sample.q - last.q) - reach
        joint = int(np.argmax(beyond))
        if beyond[joint] <= 0.0:
            return "joint states go on from others that were no measurements"
        return (
            f"joint states say that '{self._joint_names[joint]}' is at {sample.q[joint]:.4f} rad; "
            f"it was at {last.q[joint]:.4f} rad, and can have moved by {reach[joint]:.4f} rad since"
        )

    def _reject(self, why: str, reach: Vector, steady_s: float) -> None:
        self.outliers += 1
        self.outlier = self._refusal = why
        self._reach, self._rejected_s = reach, steady_s

    def _take_up(
        self,
        candidate: Candidate,
        last: Measured,
        sample: Measured,
        now_s: float,
        *,
        jumped: bool,
    ) -> None:
        """Nothing has counted for a while but for a candidate: that is the measurement."""
        joint = int(np.abs(sample.q - last.q).argmax())
        went = (
            f"'{self._joint_names[joint]}' went from {last.q[joint]:.4f} to "
            f"{sample.q[joint]:.4f} rad"
        )
        self._events.append(
            f"joint states that were rejected count again, since they agree for a while: {went}; "
            "was the arm re-homed, the scene reset, or the clock of the driver's machine set?"
        )
        if jumped:
            self._jumped_s = sample.received_s
            self._jump = f"joint states jumped: {went}; they must agree for {_JUMP_S:g} s"
        self.reacquired += 1
        self._candidates.remove(candidate)
        self._track, self._guide = JointTrack(), None
        self._accept(sample, now_s)

    def _check_for_another_arm(self, candidate: Candidate, steady_s: float) -> None:
        """Where candidate and measurement take turns, and each agrees with itself, they are two."""
        if candidate.alternations < _ALTERNATIONS or not candidate.agrees:
            return
        agreement = self._agreement()
        if agreement is not None and agreement.consistent:
            self._suspect(steady_s)

    def _agreement(self) -> Agreement | None:
        last = self._last
        if last is None:
            return None
        if self._judged is None or self._judged[0] is not last:
            self._judged = last, self._track.agreement()
        return self._judged[1]

    # The words for it.

    def _silence(self, steady_s: float, now_s: float) -> str:
        if self._last is None:
            if self._refusal or not self.strangers:
                return self._refusal or "no joint states were received yet"
            return (
                f"no joint states of {list(self._joint_names)} were received yet; those that come "
                f"are of {list(self.strangers)}"
            )
        if self.silent_s(steady_s) > self._oldest_s:
            return self._refusal or (
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

    def _contradiction(self) -> str:
        agreement = self._agreement()
        if agreement is None or not agreement.contradicted:
            return ""
        joint, span_s = agreement.contradicted[0], agreement.span_s
        moved = agreement.moved[joint]
        return (
            f"the driver's joint states report {agreement.told[joint] / span_s:.2f} rad/s for "
            f"'{self._joint_names[joint]}', whose position has "
            + ("not moved" if abs(moved) < 1e-3 else f"moved by {moved:.3f} rad")
            + f" for {span_s:.2f} s; have the driver report what it measures, in rad/s"
        )
