# SPDX-License-Identifier: Apache-2.0
"""Puts in order what arrives, and has trajectories and arm judged when all is there."""

from collections import deque
from dataclasses import asdict
from typing import Any

from vera_ros.motion.limits import GripperLimits
from verification.chaos.monitor.arm_watch import ArmWatch, Rest
from verification.chaos.monitor.blind_spans import BlindSpans
from verification.chaos.monitor.finger_umpire import FingerTrajectory, FingerUmpire
from verification.chaos.monitor.limit_watch import LimitWatch
from verification.chaos.monitor.recording import JointHistory, JointSample, Published
from verification.chaos.monitor.umpire import Judgement, Umpire
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker

_PATIENCE_S = 3.0  # for what was published to arrive, and for who publishes it to be found
_AHEAD_S = 0.05  # the history is so much further than what the watch has seen

Finding = dict[str, Any]
Seen = Published | FingerTrajectory | Judgement


class Monitor:
    """Takes in what was published, and finds what is wrong with it. Times are ROS time [s].

    Trajectories are judged when they come to their controller: until then they are on the way.

    Args:
        checker: of form and limits.
        bounds: what every trajectory must keep, and the arm itself.
        fingers: the same for the fingers.

    Attributes:
        blind: spans that are not judged.
    """

    def __init__(self, checker: Checker, bounds: TrajectoryBounds, fingers: GripperLimits) -> None:
        self._history = JointHistory()
        self._umpire = Umpire(checker, bounds, self._history)
        self._finger_umpire = FingerUmpire(fingers, self._history)
        self._watch = ArmWatch()
        self._limits = LimitWatch(bounds)
        self._joints: deque[JointSample] = deque()
        self._unseen: deque[JointSample] = deque()
        self._published: deque[Seen] = deque()
        self.blind = BlindSpans()
        self._newest_s = self._seen_s = float("-inf")
        self._told_rests = 0

    def see_joints(self, sample: JointSample) -> None:
        """True joints arrived; what is not newer than the last is of no use."""
        if sample.stamp_s > self._newest_s:
            self._newest_s = sample.stamp_s
            self._joints.append(sample)

    def see_trajectory(self, published: Seen) -> None:
        """A trajectory arrived; a judgement, where it could not even be read."""
        self._published.append(published)

    def judge(self, now_s: float) -> list[Finding]:
        """What was found since the last time, as plain values."""
        horizon_s = now_s - _PATIENCE_S
        findings: list[Finding] = []
        while self._joints and self._joints[0].stamp_s <= horizon_s:
            sample = self._joints.popleft()
            if not self.blind.scene_was_set(sample.stamp_s):
                self._history.add(sample)
            self._unseen.append(sample)
        due_s = horizon_s - _AHEAD_S
        while True:  # in the order of time: what is told before a scene is set is forgotten with it
            told_s = self._published[0].arrived_s if self._published else float("inf")
            seen_s = self._unseen[0].stamp_s if self._unseen else float("inf")
            if min(told_s, seen_s) > due_s or told_s == seen_s == float("inf"):
                break
            if told_s <= seen_s:
                findings.append(self._judge_trajectory(self._published.popleft()))
            else:
                self._look(self._unseen.popleft())
        return findings + self._new_about_the_arm()

    def finish(self) -> list[Finding]:
        """Judge all that is left, and sum up."""
        findings = self.judge(float("inf"))
        findings += [_rest_finding(rest) for rest in self._watch.rests[self._told_rests :]]
        summary = {
            "finding": "summary",
            "largest_off_rad": self._watch.largest_off_rad,
            "largest_shares": self._limits.largest,
        }
        return [*findings, summary]

    def _look(self, sample: JointSample) -> None:
        if sample.follows_a_gap(self._seen_s):  # controllers may have begun anew
            self._umpire.doubt()
        self._seen_s = sample.stamp_s
        if self.blind.cover(sample.stamp_s):
            self._watch.lose_sight()
            self._limits.lose_sight(sample)
            self._umpire.doubt()
            return
        self._watch.see(sample)
        self._limits.see(sample)

    def _judge_trajectory(self, published: Seen) -> Finding:
        if isinstance(published, Judgement):
            judgement = published
        elif isinstance(published, FingerTrajectory):
            judgement = self._finger_umpire.judge(published)
        else:
            judgement, playing = self._umpire.judge(published)
            if playing is not None:
                self._watch.told(playing)
                self._limits.told(playing)
        return {"finding": "trajectory", **asdict(judgement)}

    def _new_about_the_arm(self) -> list[Finding]:
        """Violations, and rests that have ended."""
        watch = self._watch
        new = [*watch.violations, *self._limits.violations]
        watch.violations.clear()
        self._limits.violations.clear()
        rests = watch.rests[self._told_rests : -1]
        self._told_rests += len(rests)
        return [
            *({"finding": "arm", "at_s": at_s, "violation": text} for at_s, text in new),
            *(_rest_finding(rest) for rest in rests),
        ]


def _rest_finding(rest: Rest) -> Finding:
    return {"finding": "rest", "from_s": rest.from_s, "until_s": rest.until_s}
