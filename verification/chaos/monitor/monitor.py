# SPDX-License-Identifier: Apache-2.0
"""Order trajectories and joint states in time, and have them judged once all have arrived."""

from collections import deque
from dataclasses import asdict
from typing import Any

from vera_ros.motion.limits import GripperLimits
from verification.chaos.monitor.arm_verifier import ArmVerifier, Judgement
from verification.chaos.monitor.arm_watch import OFF_RAD, ArmWatch, Rest
from verification.chaos.monitor.blind_spans import BlindSpans
from verification.chaos.monitor.finger_verifier import FingerTrajectory, FingerVerifier
from verification.chaos.monitor.limit_watch import LimitWatch
from verification.chaos.monitor.recording import JointHistory, JointSample, Published
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker

_PATIENCE_S = 3.0  # for messages to arrive and publishers to be discovered
_AHEAD_S = 0.05  # by which the history must extend beyond the time that is judged

Finding = dict[str, Any]
Received = Published | FingerTrajectory | Judgement


class Monitor:
    """Collects published trajectories and true joint states, and judges them.

    Trajectories are judged as of their arrival at the controller. Times are ROS time [s].

    Args:
        checker: of form and limits.
        bounds: the limits of trajectories and arm.
        fingers: the limits of the fingers.
        off_rad: see ArmWatch.

    Attributes:
        blind: time spans that are not judged.
    """

    def __init__(
        self,
        checker: Checker,
        bounds: TrajectoryBounds,
        fingers: GripperLimits,
        off_rad: float = OFF_RAD,
    ) -> None:
        self._history = JointHistory()
        self._arm_verifier = ArmVerifier(checker, bounds, self._history)
        self._finger_verifier = FingerVerifier(fingers, self._history)
        self._watch = ArmWatch(off_rad)
        self._limits = LimitWatch(bounds)
        self._joints: deque[JointSample] = deque()
        self._unjudged: deque[JointSample] = deque()
        self._published: deque[Received] = deque()
        self.blind = BlindSpans()
        self._newest_s = self._judged_s = float("-inf")
        self._reported_rests = 0

    def add_joints(self, sample: JointSample) -> None:
        """Add a sample of the true joints; one that is not newer than the last is ignored."""
        if sample.stamp_s > self._newest_s:
            self._newest_s = sample.stamp_s
            self._joints.append(sample)

    def add_trajectory(self, published: Received) -> None:
        """Add a trajectory, or the judgement of one that could not be read."""
        self._published.append(published)

    def judge(self, now_s: float) -> list[Finding]:
        """Judge what has arrived by now; return the new findings as plain values."""
        horizon_s = now_s - _PATIENCE_S
        findings: list[Finding] = []
        while self._joints and self._joints[0].stamp_s <= horizon_s:
            sample = self._joints.popleft()
            if not self.blind.scene_was_set(sample.stamp_s):
                self._history.add(sample)
            self._unjudged.append(sample)
        due_s = horizon_s - _AHEAD_S
        while True:  # in the order of time, since a scene reset invalidates earlier trajectories
            arrived_s = self._published[0].arrived_s if self._published else float("inf")
            sampled_s = self._unjudged[0].stamp_s if self._unjudged else float("inf")
            if min(arrived_s, sampled_s) > due_s or arrived_s == sampled_s == float("inf"):
                break
            if arrived_s <= sampled_s:
                findings.append(self._judge_trajectory(self._published.popleft()))
            else:
                self._judge_sample(self._unjudged.popleft())
        return findings + self._new_arm_findings()

    def finish(self) -> list[Finding]:
        """Judge all that is left; return the findings and a summary."""
        findings = self.judge(float("inf"))
        findings += [_rest_finding(rest) for rest in self._watch.rests[self._reported_rests :]]
        summary = {
            "finding": "summary",
            "largest_off_rad": self._watch.largest_off_rad,
            "largest_shares": self._limits.largest,
        }
        return [*findings, summary]

    def _judge_sample(self, sample: JointSample) -> None:
        if sample.follows_a_gap(self._judged_s):  # controllers may have been restarted
            self._arm_verifier.mark_uncertain()
        self._judged_s = sample.stamp_s
        if self.blind.cover(sample.stamp_s):
            self._watch.suspend()
            self._limits.skip(sample)
            self._arm_verifier.mark_uncertain()
            return
        self._watch.update(sample)
        self._limits.update(sample)

    def _judge_trajectory(self, published: Received) -> Finding:
        if isinstance(published, Judgement):
            judgement = published
        elif isinstance(published, FingerTrajectory):
            judgement = self._finger_verifier.judge(published)
        else:
            judgement, playing = self._arm_verifier.judge(published)
            if playing is not None:
                self._watch.add_trajectory(playing)
                self._limits.add_trajectory(playing)
        return {"finding": "trajectory", **asdict(judgement)}

    def _new_arm_findings(self) -> list[Finding]:
        """Return new violations of the arm, and its rests that have ended."""
        watch = self._watch
        new = [*watch.violations, *self._limits.violations]
        watch.violations.clear()
        self._limits.violations.clear()
        rests = watch.rests[self._reported_rests : -1]
        self._reported_rests += len(rests)
        return [
            *({"finding": "arm", "at_s": at_s, "violation": text} for at_s, text in new),
            *(_rest_finding(rest) for rest in rests),
        ]


def _rest_finding(rest: Rest) -> Finding:
    return {"finding": "rest", "from_s": rest.from_s, "until_s": rest.until_s}
