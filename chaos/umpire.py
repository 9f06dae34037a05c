# SPDX-License-Identifier: Apache-2.0
"""Judges every trajectory that is published: its form, its limits, and what it goes on from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.bounds import Bounds
from bench.checker import Checker
from chaos.hand_over import Motion, hand_over_violations
from chaos.recording import JointHistory, JointSample, Published, Trajectory

ARM, FINGERS = "arm", "fingers"

# How old the joint states may be that a motion begins from.
_RESTING_SAMPLE_S, _MOVING_SAMPLE_S = 0.6, 0.15
_CLOCKS_S = 0.02  # what it was planned from may be so much younger than its time 0
_STILL_RAD_S = 0.02
_CONTROL_S = 0.01  # period in which a controller takes up another trajectory


@dataclass(frozen=True)
class Judgement:
    """What was found.

    Attributes:
        number: of the trajectory.
        begins_s, published_s, duration_s: of the trajectory.
        source: what it goes on from: plan, rest, measured; empty: unknown.
        step_s: how long the acceleration limit would need for the step in velocity that the
            controller's set-point makes where the trajectory comes after its time 0.
        violations: in words; none is good.
        evidence: of a violation: the points, and those that played before.
        of: what is to move: arm or fingers.
    """

    number: int
    begins_s: float = 0.0
    published_s: float = 0.0
    duration_s: float = 0.0
    source: str = ""
    step_s: float = 0.0
    violations: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    of: str = ARM


class Umpire:
    """Judges one arm's trajectories in the order in which they were published.

    Args:
        checker: of form and limits.
        bounds: what every trajectory must keep.
        history: the arm's true joints, up to what is judged.
    """

    def __init__(self, checker: Checker, bounds: Bounds, history: JointHistory) -> None:
        self._checker = checker
        self._bounds = bounds
        self._history = history
        self._last: tuple[Trajectory, float] | None = None
        self._doubtful = False

    def doubt(self) -> None:
        """Something else may play than what was published last, or nothing does."""
        self._doubtful = True

    def judge(self, published: Published) -> tuple[Judgement, Trajectory | None]:
        """Judge a trajectory; return what a controller plays of it, None: it plays nothing."""
        if found := _form_violations(published):
            return Judgement(published.number, violations=(found,)), None
        start, violations = self._best_start(published)
        playing = published.played_from(start)
        if len(published.times_s) > 1:
            rest = published.played_from_first_point()
            violations += self._checker.violations(rest, self._bounds)
        step_s = self._entry_step_s(published, playing, start)
        if step_s > _CONTROL_S:
            violations.append(
                f"it was published {published.published_s - published.begins_s:.3f} s after its "
                f"time 0, so that the velocity makes a step that takes {step_s:.3f} s at the "
                f"acceleration limit; valid is up to {_CONTROL_S} s"
            )
        evidence = self._evidence(published) if violations else {}
        self._last, self._doubtful = (playing, published.begins_s), False
        judgement = Judgement(
            published.number,
            published.begins_s,
            published.published_s,
            float(published.times_s[-1]),
            start.source,
            step_s,
            tuple(violations),
            evidence,
        )
        return judgement, playing

    def _evidence(self, published: Published) -> dict[str, Any]:
        evidence = {"points": _as_lists(published)}
        if samples := self._seen(published):
            evidence["arm"] = _as_lists(samples[-1])
        if self._last is not None:
            evidence["before"] = {"begins_s": self._last[1], **_as_lists(self._last[0])}
        return evidence

    def _best_start(self, published: Published) -> tuple[Motion, list[str]]:
        """What a trajectory most likely goes on from, and what is wrong with that.

        Where nobody here has seen the arm, what cannot be judged is not blamed.
        """
        still = np.zeros_like(published.q[0])
        best, fewest = Motion(published.q[0], still, still, ""), None
        samples = self._seen(published)
        for start in self._starts(published.begins_s, samples):
            found = hand_over_violations(start, published, self._bounds)
            if samples:
                found += self._off_the_arm(start, published, samples[-1])
            if not found:
                return start, []
            if samples and (fewest is None or len(found) < len(fewest)):
                best, fewest = start, found
        if self._doubtful and samples and samples[-1].speed_rad_s > _STILL_RAD_S:
            return Motion(published.q[0], still, still, ""), []  # it plays what nobody here heard
        return best, fewest or []

    def _seen(self, published: Published) -> list[JointSample]:
        """The true joints up to a trajectory's beginning, oldest first."""
        begins_s = published.begins_s
        return self._history.between(begins_s - _RESTING_SAMPLE_S, begins_s + _CLOCKS_S)

    def _starts(self, begins_s: float, samples: list[JointSample]) -> Iterator[Motion]:
        """What a trajectory may go on from, the likeliest first."""
        plays = False
        if self._last is not None:
            last, since_s = self._last
            plays = begins_s - since_s < last.times_s[-1] and not self._doubtful
            yield last.at(begins_s - since_s)
        for sample in samples[::-1] if not plays else ():
            still = np.zeros_like(sample.q)
            yield Motion(sample.q, still, still, "rest")
        for sample in samples[::-1]:
            passed_s = begins_s - sample.stamp_s
            if passed_s <= _MOVING_SAMPLE_S:  # and it has gone on since
                q = sample.q + sample.dq * max(0.0, passed_s)
                yield Motion(q, sample.dq, np.zeros_like(q), "measured")

    def _off_the_arm(self, start: Motion, published: Published, arm: JointSample) -> list[str]:
        """A start must be where the arm is, and move as it does, as far as it follows a plan."""
        if start.source == "plan" and start.dq.any():
            return []  # how far the arm may be from a plan is not for a trajectory to answer for
        found = []
        off_rad = float(np.abs(start.q - arm.q).max())
        if off_rad > self._bounds.start_rad:
            found.append(f"it begins {off_rad:.4f} rad from the arm")
        step_s = float((np.abs(start.dq - arm.dq) / self._bounds.acceleration).max())
        passed_s = _CLOCKS_S if start.source == "measured" else 0.0  # since it was measured
        if step_s > _CONTROL_S + published.times_s[0] + passed_s:
            found.append(
                f"it begins with a step in velocity from the arm's, which takes {step_s:.3f} s at "
                "the acceleration limit"
            )
        return found

    def _entry_step_s(self, published: Published, playing: Trajectory, start: Motion) -> float:
        """The step of the set-point where a controller enters a trajectory after its time 0.

        0 where nobody here knows what the arm plays until then.
        """
        late_s = published.published_s - published.begins_s
        if late_s <= published.times_s[0] or not start.source:
            return 0.0
        before = start
        if start.source == "plan" and self._last is not None:
            before = self._last[0].at(published.published_s - self._last[1])
        step = np.abs(playing.at(late_s).dq - before.dq)
        return float((step / self._bounds.acceleration).max())


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
    values = (times, published.q, published.dq, published.ddq)
    if not all(np.isfinite(value).all() for value in values):
        return "it is not finite"
    if (np.diff(times, prepend=0.0) <= 0.0).any():
        return "its times do not strictly increase from above zero"
    return ""
