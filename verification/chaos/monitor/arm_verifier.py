# SPDX-License-Identifier: Apache-2.0
"""Judge every published arm trajectory: form, limits, and continuity with the motion before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from verification.chaos.monitor.arm_watch import LATE_S
from verification.chaos.monitor.recording import JointHistory, JointSample, Playing, Published
from verification.chaos.monitor.set_point import (
    CONTROL_S,
    MeasuredArm,
    Origin,
    SetPoint,
    Splice,
)
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker

ARM, FINGERS = "arm", "fingers"

# Largest age of joint states from which a motion may start.
_RESTING_SAMPLE_S, _MOVING_SAMPLE_S = 0.6, 0.15
_CLOCKS_S = 0.02  # by their stamps, these joint states may be so much newer than the publication
_STILL_RAD_S = 0.02
_PUBLISHING_S = 0.01  # longest delay between the sender's last clock reading and the publication
_STEP_S = 0.02  # by which time it plays on its own points
_LEAD_S = 0.0125  # a trajectory whose first point lies ahead must fit throughout this lead
_LONGEST_LEAD_S = 0.25
_DELAYED_S = 0.02  # after a longer delivery, the sender cannot know the time of arrival


@dataclass(frozen=True)
class Judgement:
    """The result for one trajectory.

    Attributes:
        number: of the trajectory.
        begins_s, published_s, arrived_s, duration_s: of the trajectory [s].
        source: the motion that it continues: plan, rest, measured; empty: unknown.
        lead_s: longest delay after publication with which it causes no step of the set-point [s].
        late_s: delay of its arrival beyond that lead [s].
        step_rad: largest step of a joint's set-point on arrival [rad].
        taken: whether its controller plays it: it has not ended on arrival.
        violations: messages; a valid trajectory has none.
        evidence: of violations: the points, the measured arm, and the trajectory before.
        of: arm or fingers.
    """

    number: int
    begins_s: float = 0.0
    published_s: float = 0.0
    arrived_s: float = 0.0
    duration_s: float = 0.0
    source: str = ""
    lead_s: float = 0.0
    late_s: float = 0.0
    step_rad: float = 0.0
    taken: bool = True
    violations: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    of: str = ARM


@dataclass(frozen=True)
class _Start:
    """A motion that a trajectory may continue, with the lead and the violations that result."""

    source: str
    origin: Origin | None = None
    lead_s: float = 0.0
    violations: tuple[str, ...] = ()


class ArmVerifier:
    """Judges one arm's trajectories in the order of arrival at their controller.

    A trajectory must be valid for any arrival from its publication to the end of its lead. A later
    arrival is not attributed to the sender.

    Args:
        checker: of form and limits.
        bounds: the limits of every trajectory.
        history: the arm's true joint states up to the trajectory that is judged.
    """

    def __init__(self, checker: Checker, bounds: TrajectoryBounds, history: JointHistory) -> None:
        self._checker = checker
        self._bounds = bounds
        self._history = history
        self._set_point = SetPoint()
        self._expected: Playing | None = None  # by the sender, of a late or refused trajectory
        self._uncertain = False

    def mark_uncertain(self) -> None:
        """Declare that the controller may play another trajectory than the latest, or none."""
        self._uncertain = True

    def judge(self, published: Published) -> tuple[Judgement, Playing | None]:
        """Judge a trajectory; return the judgement and what its controller plays, if anything."""
        times = (published.begins_s, published.published_s, published.arrived_s)
        if found := _form_violations(published):
            return Judgement(published.number, *times, violations=(found,)), None
        splice = Splice(published, self._bounds)
        start = self._best_start(published, splice)
        violations = [*start.violations, *self._start_errors(start, published, splice)]
        if len(published.times_s) > 1:
            rest = published.played_from_first_point()
            violations += self._checker.violations(rest, self._bounds)
        evidence = self._evidence(published) if violations else {}
        playing, step_rad = self._take_up(published, splice, start)
        judgement = Judgement(
            published.number,
            *times,
            float(published.times_s[-1]),
            start.source,
            start.lead_s,
            _late_s(published, start.lead_s),
            step_rad,
            playing is not None,
            tuple(violations),
            evidence,
        )
        return judgement, playing

    def _evidence(self, published: Published) -> dict[str, Any]:
        evidence = {"points": _as_lists(published)}
        if samples := self._recent_samples(published):
            evidence["arm"] = _as_lists(samples[-1])
        if (before := self._set_point.newest) is not None:
            evidence["before"] = {
                "begins_s": before.begins_s,
                "from_s": before.from_s,
                **_as_lists(before.trajectory),
            }
        return evidence

    def _take_up(
        self, published: Published, splice: Splice, start: _Start
    ) -> tuple[Playing | None, float]:
        """Return what plays once it has arrived, and the set-point's step then [rad]."""
        at_s, origin = published.arrived_s, self._known_set_point() or start.origin
        if origin is None:
            origin = MeasuredArm(JointSample(at_s, published.q[0], published.dq[0]), moves=False)
        expected = splice.playing(published.published_s, origin.at(published.published_s))
        taken = at_s <= published.ends_s
        on_time = taken and at_s - published.published_s <= _DELAYED_S
        self._expected = None if on_time else expected
        if not taken:
            return None, 0.0
        unknown = start.origin is None
        steps = unknown or max(splice.demand(at_s, origin)) > 1.0
        playing = replace(splice.playing(at_s, origin.at(at_s)), steps=steps)
        then_s = at_s + _STEP_S
        step_rad = float(np.abs(playing.at(then_s).q - origin.at(then_s).q).max())
        self._set_point.take_up(playing)
        self._uncertain = False
        return playing, step_rad

    def _known_set_point(self) -> SetPoint | None:
        known = self._set_point.newest is not None and not self._uncertain
        return self._set_point if known else None

    def _best_start(self, published: Published, splice: Splice) -> _Start:
        """Return the first candidate that fits, else the likeliest one with its violations.

        Without measurements of the arm, an unknown start is no violation.
        """
        samples, first = self._recent_samples(published), None
        for source, origin in self._candidates(published.published_s, samples):
            start = self._try(source, origin, published, splice)
            if not start.violations:
                return start
            first = first or start
        if first is None or (not samples and self._known_set_point() is None):
            return _Start("")
        if self._uncertain and samples and self._may_continue(published, splice, samples[-1]):
            return _Start("")  # of a trajectory that the monitor did not receive
        return first

    def _try(self, source: str, origin: Origin, published: Published, splice: Splice) -> _Start:
        """Return the lead with which a trajectory continues this motion, or the violation."""

        def fits(at_s: float) -> bool:
            return max(splice.demand(at_s, origin, published.uncertainty_s)) <= 1.0

        at_s = published.published_s
        if not splice.is_due(at_s):
            moments_s = at_s + np.linspace(0.0, _LEAD_S, 3)
            worst_s = max(moments_s, key=lambda moment_s: max(splice.demand(moment_s, origin)))
            if fits(worst_s):
                return _Start(source, origin, _LONGEST_LEAD_S)
            return self._refuse(source, origin, published, splice, float(worst_s))
        earliest_s = at_s - _PUBLISHING_S
        latest_s = at_s
        while latest_s > earliest_s and not fits(latest_s):
            latest_s -= CONTROL_S
        if not fits(latest_s):
            return self._refuse(source, origin, published, splice, at_s)
        while latest_s - at_s < _LONGEST_LEAD_S and fits(latest_s + CONTROL_S):
            latest_s += CONTROL_S
        return _Start(source, origin, latest_s - at_s)

    def _refuse(
        self, source: str, origin: Origin, published: Published, splice: Splice, at_s: float
    ) -> _Start:
        velocity, acceleration = splice.demand(at_s, origin, published.uncertainty_s)
        message = (
            f"no continuation of the {source}: if taken up {at_s - published.published_s:.4f} s "
            f"after its publication, the set-point needs {velocity:.2f} times the valid velocity "
            f"and {acceleration:.2f} times the valid acceleration"
        )
        return _Start(source, origin, violations=(message,))

    def _recent_samples(self, published: Published) -> list[JointSample]:
        """Return the true joint states up to a trajectory's publication, oldest first."""
        at_s = published.published_s
        return self._history.between(at_s - _RESTING_SAMPLE_S, at_s + _CLOCKS_S)

    def _candidates(self, at_s: float, samples: list[JointSample]) -> list[tuple[str, Origin]]:
        """Return the motions that a trajectory may continue, the likeliest first."""
        plans: list[tuple[str, Origin]] = []
        if self._set_point.newest is not None:
            plans.append(("plan", self._set_point))
        if self._expected is not None:
            plans.append(("plan", self._expected))
        if self._known_set_point() is not None:
            if samples and (before := self._may_still_play(samples[-1], at_s)) is not None:
                plans.append(("plan", before))
            return plans
        rests: list[tuple[str, Origin]] = [
            ("rest", MeasuredArm(sample, moves=False))
            for sample in samples[::-1]
            if sample.speed_rad_s <= _STILL_RAD_S
        ]
        measured: list[tuple[str, Origin]] = [
            ("measured", MeasuredArm(sample, moves=True))
            for sample in samples[::-1]
            if at_s - sample.stamp_s <= _MOVING_SAMPLE_S
        ]
        if samples and self._rests_elsewhere(samples[-1], at_s):
            return [*rests, *plans, *measured]
        return [*plans, *rests, *measured]

    def _may_still_play(self, arm: JointSample, at_s: float) -> SetPoint | None:
        """Return the set-point without the newest trajectory, if the arm is closer to that."""
        newest, before = self._set_point.newest, self._set_point.without_newest()
        if newest is None or before is None or at_s - newest.from_s > LATE_S:
            return None
        off_new, off_before = (
            np.abs(plays.at(arm.stamp_s).q - arm.q).max() for plays in (newest, before)
        )
        return before if off_before < off_new else None

    def _rests_elsewhere(self, arm: JointSample, at_s: float) -> bool:
        """Whether the arm rests away from the set-point: its controller was restarted there."""
        if self._set_point.newest is None or arm.speed_rad_s > _STILL_RAD_S:
            return False
        off_rad = np.abs(self._set_point.at(at_s).q - arm.q).max()
        return bool(off_rad > self._bounds.start_rad)

    def _may_continue(self, published: Published, splice: Splice, arm: JointSample) -> bool:
        """Whether the arm moves, or rests where the trajectory starts."""
        if arm.speed_rad_s > _STILL_RAD_S:
            return True
        at_s, resting = published.published_s, MeasuredArm(arm, moves=False)
        start = splice.playing(at_s, resting.at(at_s)).at(at_s)
        return float(np.abs(start.q - arm.q).max()) <= self._bounds.start_rad

    def _start_errors(self, start: _Start, published: Published, splice: Splice) -> Iterator[str]:
        """Yield a message if a trajectory starts away from the arm while the set-point rests."""
        samples = self._recent_samples(published)
        if start.origin is None or not samples:
            return
        motion = start.origin.at(published.published_s)
        q = motion.q if splice.is_due(published.published_s) else published.q[0]
        off_rad, valid_rad = float(np.abs(q - samples[-1].q).max()), self._bounds.start_rad
        # While the set-point moves, the tracking error is not attributed to the trajectory.
        if not motion.dq.any() and off_rad > valid_rad:
            yield f"it begins {off_rad:.4f} rad from the arm; valid is up to {valid_rad:g} rad"


def _late_s(published: Published, lead_s: float) -> float:
    """Return the delay of arrival beyond the lead [s]; 0 if the lead is not limited."""
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
        return "its times, positions, velocities or accelerations are not finite"
    if times[0] < 0.0 or (np.diff(times) <= 0.0).any():
        return "its times do not strictly increase from zero or above"
    return ""
