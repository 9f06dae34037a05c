# SPDX-License-Identifier: Apache-2.0
"""Judges every trajectory that is published: its form, its limits, and what it goes on from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from verification.chaos.monitor.arm_watch import LATE_S
from verification.chaos.monitor.recording import JointHistory, JointSample, Playing, Published
from verification.chaos.monitor.set_point import CONTROL_S, Before, Entry, Seen, SetPoint
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker

ARM, FINGERS = "arm", "fingers"

# How old the joint states may be that a motion begins from.
_RESTING_SAMPLE_S, _MOVING_SAMPLE_S = 0.6, 0.15
_CLOCKS_S = 0.02  # what it was planned from may be so much younger than its publication
_STILL_RAD_S = 0.02
# The machine may be so slow, between the last look at the clock and the publication.
_PUBLISHING_S = 0.01
_LEAD_S = 0.0125  # within which a trajectory must be good, where its first point lies ahead
_LONGEST_LEAD_S = 0.25
_DELAYED_S = 0.02  # under way for longer: its sender cannot know when it came


@dataclass(frozen=True)
class Judgement:
    """What was found.

    Attributes:
        number: of the trajectory.
        begins_s, published_s, arrived_s, duration_s: of the trajectory.
        source: what it goes on from: plan, rest, measured; empty: unknown.
        lead_s: so long after its publication a controller that gets it goes on without a step.
        late_s: by so much more it came later.
        taken: its controller takes it: it has not ended when it comes.
        violations: in words; none is good.
        evidence: of a violation: the points, and those that played before.
        of: what is to move: arm or fingers.
    """

    number: int
    begins_s: float = 0.0
    published_s: float = 0.0
    arrived_s: float = 0.0
    duration_s: float = 0.0
    source: str = ""
    lead_s: float = 0.0
    late_s: float = 0.0
    taken: bool = True
    violations: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    of: str = ARM


@dataclass(frozen=True)
class _Start:
    """What a trajectory goes on from, for how long it can, and what is wrong with that."""

    source: str
    before: Before | None = None
    lead_s: float = 0.0
    violations: tuple[str, ...] = ()


class Umpire:
    """Judges one arm's trajectories in the order in which their controller got them.

    The sender of a trajectory answers for all moments at which it may come, from its publication to
    the end of the time that it leaves; that it comes later is not his fault.

    Args:
        checker: of form and limits.
        bounds: what every trajectory must keep.
        history: the arm's true joints, up to what is judged.
    """

    def __init__(self, checker: Checker, bounds: TrajectoryBounds, history: JointHistory) -> None:
        self._checker = checker
        self._bounds = bounds
        self._history = history
        self._set_point = SetPoint()
        self._promised: Playing | None = None  # that its sender may take to play, and does not
        self._doubtful = False

    def doubt(self) -> None:
        """Something else may play than what was taken up last, or nothing does."""
        self._doubtful = True

    def judge(self, published: Published) -> tuple[Judgement, Playing | None]:
        """Judge a trajectory; return what a controller plays of it, None: it plays nothing."""
        times = (published.begins_s, published.published_s, published.arrived_s)
        if found := _form_violations(published):
            return Judgement(published.number, *times, violations=(found,)), None
        entry = Entry(published, self._bounds)
        start = self._best_start(published, entry)
        violations = [*start.violations, *self._off_the_arm(start, published, entry)]
        if len(published.times_s) > 1:
            rest = published.played_from_first_point()
            violations += self._checker.violations(rest, self._bounds)
        evidence = self._evidence(published) if violations else {}
        playing = self._take(published, entry, start)
        judgement = Judgement(
            published.number,
            *times,
            float(published.times_s[-1]),
            start.source,
            start.lead_s,
            _late_s(published, start.lead_s),
            playing is not None,
            tuple(violations),
            evidence,
        )
        return judgement, playing

    def _evidence(self, published: Published) -> dict[str, Any]:
        evidence = {"points": _as_lists(published)}
        if samples := self._seen(published):
            evidence["arm"] = _as_lists(samples[-1])
        if (before := self._set_point.newest) is not None:
            evidence["before"] = {
                "begins_s": before.begins_s,
                "from_s": before.from_s,
                **_as_lists(before.trajectory),
            }
        return evidence

    def _take(self, published: Published, entry: Entry, start: _Start) -> Playing | None:
        """What plays once the trajectory has come to its controller."""
        at_s, before = published.arrived_s, self._truth() or start.before
        if before is None:
            before = Seen(JointSample(at_s, published.q[0], published.dq[0]), moves=False)
        promised = entry.playing(published.published_s, before.at(published.published_s))
        taken = at_s <= published.ends_s
        kept = taken and at_s - published.published_s <= _DELAYED_S
        self._promised = None if kept else promised
        if not taken:
            return None
        unknown = start.before is None
        steps = unknown or max(entry.demand(at_s, before)) > 1.0
        playing = replace(entry.playing(at_s, before.at(at_s)), steps=steps)
        self._set_point.take(playing)
        self._doubtful = False
        return playing

    def _truth(self) -> SetPoint | None:
        known = self._set_point.newest is not None and not self._doubtful
        return self._set_point if known else None

    def _best_start(self, published: Published, entry: Entry) -> _Start:
        """What a trajectory most likely goes on from.

        Where the arm was not seen, what cannot be judged is not blamed.
        """
        samples, first = self._seen(published), None
        for source, before in self._starts(published.published_s, samples):
            start = self._try(source, before, published, entry)
            if not start.violations:
                return start
            first = first or start
        if first is None or (not samples and self._truth() is None):
            return _Start("")
        if self._doubtful and samples and self._may_be(published, entry, samples[-1]):
            return _Start("")  # it plays what was not heard here
        return first

    def _try(self, source: str, before: Before, published: Published, entry: Entry) -> _Start:
        """Whether a trajectory can go on from this, and for how long."""

        def fits(at_s: float) -> bool:
            return max(entry.demand(at_s, before, published.doubt_s)) <= 1.0

        at_s = published.published_s
        if not entry.is_due(at_s):
            moments_s = at_s + np.linspace(0.0, _LEAD_S, 3)
            worst_s = max(moments_s, key=lambda moment_s: max(entry.demand(moment_s, before)))
            if fits(worst_s):
                return _Start(source, before, _LONGEST_LEAD_S)
            return self._refused(source, before, published, entry, float(worst_s))
        earliest_s = at_s - _PUBLISHING_S
        latest_s = at_s
        while latest_s > earliest_s and not fits(latest_s):
            latest_s -= CONTROL_S
        if not fits(latest_s):
            return self._refused(source, before, published, entry, at_s)
        while latest_s - at_s < _LONGEST_LEAD_S and fits(latest_s + CONTROL_S):
            latest_s += CONTROL_S
        return _Start(source, before, latest_s - at_s)

    def _refused(
        self, source: str, before: Before, published: Published, entry: Entry, at_s: float
    ) -> _Start:
        velocity, acceleration = entry.demand(at_s, before, published.doubt_s)
        words = (
            f"no continuation of the {source}: taken up {at_s - published.published_s:.4f} s after "
            f"its publication, the set-point would need {velocity:.2f} times the velocity and "
            f"{acceleration:.2f} times the acceleration that it may have"
        )
        return _Start(source, before, violations=(words,))

    def _seen(self, published: Published) -> list[JointSample]:
        """The true joints up to a trajectory's publication, oldest first."""
        at_s = published.published_s
        return self._history.between(at_s - _RESTING_SAMPLE_S, at_s + _CLOCKS_S)

    def _starts(self, at_s: float, samples: list[JointSample]) -> list[tuple[str, Before]]:
        """What a trajectory may go on from, the likeliest first."""
        plans: list[tuple[str, Before]] = []
        if self._set_point.newest is not None:
            plans.append(("plan", self._set_point))
        if self._promised is not None:
            plans.append(("plan", self._promised))
        if self._truth() is not None:
            if samples and (before := self._may_still_play(samples[-1], at_s)) is not None:
                plans.append(("plan", before))
            return plans
        rests: list[tuple[str, Before]] = [
            ("rest", Seen(sample, moves=False))
            for sample in samples[::-1]
            if sample.speed_rad_s <= _STILL_RAD_S
        ]
        measured: list[tuple[str, Before]] = [
            ("measured", Seen(sample, moves=True))
            for sample in samples[::-1]
            if at_s - sample.stamp_s <= _MOVING_SAMPLE_S
        ]
        if samples and self._stands_elsewhere(samples[-1], at_s):
            return [*rests, *plans, *measured]
        return [*plans, *rests, *measured]

    def _may_still_play(self, arm: JointSample, at_s: float) -> SetPoint | None:
        """What played before the newest, where the arm shows that it still does."""
        newest, before = self._set_point.newest, self._set_point.without_newest()
        if newest is None or before is None or at_s - newest.from_s > LATE_S:
            return None
        off_new, off_before = (
            np.abs(plays.at(arm.stamp_s).q - arm.q).max() for plays in (newest, before)
        )
        return before if off_before < off_new else None

    def _stands_elsewhere(self, arm: JointSample, at_s: float) -> bool:
        """Whether the arm stands where what was taken up last has not led it.

        Its controller has begun anew there.
        """
        if self._set_point.newest is None or arm.speed_rad_s > _STILL_RAD_S:
            return False
        off_rad = np.abs(self._set_point.at(at_s).q - arm.q).max()
        return bool(off_rad > self._bounds.start_rad)

    def _may_be(self, published: Published, entry: Entry, arm: JointSample) -> bool:
        """Whether the arm moves, or stands where the trajectory goes on."""
        if arm.speed_rad_s > _STILL_RAD_S:
            return True
        at_s, stands = published.published_s, Seen(arm, moves=False)
        there = entry.playing(at_s, stands.at(at_s)).at(at_s)
        return float(np.abs(there.q - arm.q).max()) <= self._bounds.start_rad

    def _off_the_arm(self, start: _Start, published: Published, entry: Entry) -> Iterator[str]:
        """What goes on from rest, or leads to a first point, must be where the arm is.

        How far the arm may be from a plan that moves is not for a trajectory to answer for.
        """
        samples = self._seen(published)
        if start.before is None or not samples:
            return
        motion = start.before.at(published.published_s)
        q = motion.q if entry.is_due(published.published_s) else published.q[0]
        off_rad = float(np.abs(q - samples[-1].q).max())
        if not motion.dq.any() and off_rad > self._bounds.start_rad:
            yield f"it begins {off_rad:.4f} rad from the arm"


def _late_s(published: Published, lead_s: float) -> float:
    """By how much a trajectory came after its lead; one that is good for so long has none."""
    if lead_s >= _LONGEST_LEAD_S:
        return 0.0
    return max(0.0, published.arrived_s - published.published_s - lead_s)


def _as_lists(motion: Any) -> dict[str, Any]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(motion).items()
        if name != "curve"
    }


def _form_violations(published: Published) -> str:
    times = published.times_s
    if not len(times):
        return "it has no points"
    if not all(np.isfinite(v).all() for v in (times, published.q, published.dq, published.ddq)):
        return "it is not finite"
    if times[0] < 0.0 or (np.diff(times) <= 0.0).any():
        return "its times do not strictly increase from zero or above"
    return ""
