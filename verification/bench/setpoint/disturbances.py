# SPDX-License-Identifier: Apache-2.0
"""What clocks, joint states and networks may do to an arm's side, drawn at random.

Each disturbance is one run in simulated time, which begins with a controller that commands nobody
knows what. Times are true ones [s].
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.joint_track import WINDOW_S
from verification.bench.setpoint.trial import (
    MOST_ACCELERATION,
    MOST_VELOCITY,
    Course,
    Trial,
    draw_course,
    draw_deltas,
    draw_side,
)
from verification.rig import START_Q, Rig, Vector

_DELIVERED_S = 0.002  # that any trajectory takes
_NAMED_S = 0.1  # within which a step is to be named
_DRIFT_RAD = 2e-3
_SEEN_RAD = {"first": 6e-3, "chunk": 1e-3, "stop": 1e-3}  # before, no delay was measured
_EVENTS = 20  # outliers of a run


def clocks(rig: Rig, rng: np.random.Generator) -> Trial:
    """A clock that is off by 0.05 to 1 s: always, from some moment on, or more and more."""
    trial = Trial()
    off_s = rng.uniform(0.05, 1.0) * rng.choice([-1, 1])
    course = str(rng.choice(["constant", "step", "drift"]))
    whose = str(rng.choice(["ours", "controller"]))
    ahead_s = draw_course(course, off_s, rng)
    true: Course = lambda _: 0.0  # noqa: E731
    side = draw_side(
        rig,
        rng,
        ours_ahead_s=ahead_s if whose == "ours" else true,
        controller_ahead_s=ahead_s if whose == "controller" else true,
    )
    deltas = draw_deltas(rng, 10, 0.04)
    refusals = [side.play(deltas)]
    side.run(rng.uniform(0.3, 1.0))
    refusals.append(side.play(-deltas))
    side.run(rng.uniform(0.05, 0.6))
    trial.count("refused", sum(refusal is not None for refusal in refusals))
    within_s = (
        side.lead.value_s + 0.05 + 2 * side.trace.braking_s() + side.trace.period_s + _DELIVERED_S
    )
    side.hold()
    side.run(within_s)
    later_s = 0.0
    while side.trace.moves() and later_s < 1.0:
        side.run(side.trace.period_s)
        later_s += side.trace.period_s
    doing = f"{whose} clock, {course}, {off_s:+.3f} s, {side.world.rate_hz:g} Hz"
    if later_s:
        trial.complaints.append(f"{doing}: rest came {later_s:.3f} s after its {within_s:.3f} s")
    trial.within(side, doing)
    return trial


def outliers(rig: Rig, rng: np.random.Generator) -> Trial:
    """Joint states that tell of an arm that is elsewhere, one to ten in a row, at any time."""
    trial = Trial()
    hz = float(rng.choice([50, 100, 500, 1000]))
    outlier: list[_Outlier] = []
    side = draw_side(rig, rng, joint_states_hz=hz, spoil=lambda s, _: _spoilt(outlier, s, rng))
    rejections = side.sensing.joint_states.rejections
    # What comes between two good samples may be as far off as a joint can have got since.
    reach_rad = float(rig.limits.rates.joints[0].max()) * (1.0 / hz + 0.05) * 1.2 + 0.01
    for _ in range(_EVENTS):
        if side.supervisor.playing is None:
            side.play(draw_deltas(rng, 20, 0.03))
        side.run(rng.uniform(0.1, 0.4))
        before = rejections.outliers + rejections.refused
        outlier[:] = [_Outlier.draw(rng)]
        side.run(0.25)
        size_rad = float(np.abs(outlier[0].off).max())
        if outlier[0].steady and size_rad > reach_rad:
            trial.count("beyond reach")
            if rejections.outliers + rejections.refused == before:
                trial.complaints.append(f"{outlier[0]} was not named, at {hz:g} Hz")
        else:
            trial.count("within reach, or random")
    trial.within(side, f"outliers at {hz:g} Hz, the last of them {outlier[0]}")
    return trial


def clean(rig: Rig, rng: np.random.Generator) -> Trial:
    """Nothing is wrong but what always is: noise, offset, delay that varies."""
    trial = Trial()
    noise_rad, jitter_s = rng.choice([0.0, 1e-5, 2e-4]), rng.choice([0.0, 1e-3, 5e-3])

    def noisy(sample: Measured, _: float) -> Measured:
        return replace(sample, q=sample.q + rng.uniform(-noise_rad, noise_rad, len(sample.q)))

    side = draw_side(
        rig,
        rng,
        joint_states_hz=float(rng.choice([50, 100, 500, 1000])),
        spoil=noisy,
        offset=rng.uniform(-0.01, 0.01, len(START_Q)),
        open_loop=True,
        delay_s=lambda _: _DELIVERED_S + float(rng.uniform(0.0, jitter_s)),
    )
    for _ in range(2):
        refusal = side.play(draw_deltas(rng, 10, 0.04))
        if refusal is not None:
            trial.complaints.append(f"refused: {refusal}")
        side.run(rng.uniform(0.5, 0.7))  # the first has begun by then
    side.stop()
    side.run_until_rest(2.0)
    for _, alarm in side.log.named("worried"):
        trial.complaints.append(f"a false alarm: {alarm}")
    rejections = side.sensing.joint_states.rejections
    if rejections.outliers:
        trial.complaints.append(f"a false alarm: {rejections.outlier}")
    trial.within(side, f"clean, {side.world.rate_hz:g} Hz")
    return trial


def offsets(rig: Rig, rng: np.random.Generator) -> Trial:
    """An arm that rests up to 50 mrad off its set-point, and is asked for nothing ten times.

    Its controller is in open loop: one that starts from the measured state steps to it with the
    first trajectory of all, whatever that is.
    """
    trial = Trial()
    offset = rng.uniform(0.0, 0.05) * rng.choice([-1, 1], len(START_Q))
    side = draw_side(rig, rng, offset=offset, open_loop=True)
    for number in range(10):
        side.play(np.zeros((10, 6)), session_id=str(number))
        side.run_until_rest(3.0)
    drift_rad = float(np.abs(side.trace.commands[-1] - START_Q).max())
    if drift_rad > _DRIFT_RAD:
        trial.complaints.append(f"the arm drifted by {drift_rad:.4f} rad")
    side.play(draw_deltas(rng, 10, 0.04))
    side.run_until_rest(5.0)
    trial.within(side, f"an offset of {np.abs(offset).max():.3f} rad")
    return trial


def velocities(rig: Rig, rng: np.random.Generator) -> Trial:
    """A driver that reports velocities of an arm that stands: it is asked to stop, and to move."""
    trial = Trial()
    dq = rng.uniform(-2.0, 2.0, len(START_Q)) * (rng.random(len(START_Q)) < 0.5)
    dq[rng.integers(len(START_Q))] = rng.uniform(0.1, 2.0)
    side = draw_side(rig, rng, spoil=lambda sample, _: replace(sample, dq=dq), settle_s=0.05)
    for _ in range(3):
        side.stop()
        side.run(rng.uniform(0.02, 0.6))
        side.play(np.zeros((5, 6)))
        side.run(0.1)
    if side.controller.sent:
        trial.complaints.append(
            f"{side.controller.sent} trajectories were sent to an arm that stands"
        )
    trial.within(side, "a false velocity")
    return trial


def joins(rig: Rig, rng: np.random.Generator) -> Trial:
    """Stops, holds, hand-overs and returns that come at any time within their lead."""
    trial = Trial()
    lead_s = float(rng.choice([0.0125, 0.05, 0.1]))
    what = str(rng.choice(["stop", "hold", "hand-over", "return"]))
    stands: list[Vector] = []

    def stand(sample: Measured, _: float) -> Measured:
        if not stands:
            return sample
        return replace(sample, q=stands[0], dq=np.zeros_like(sample.dq))

    side = draw_side(
        rig,
        rng,
        lead_s=lead_s,
        delay_s=lambda _: float(rng.uniform(0.0, lead_s - 1e-3)),
        spoil=stand,
    )
    deltas = draw_deltas(rng, 14, 0.04)
    side.play(deltas)
    side.run(rng.uniform(0.45, 0.9))
    if what == "stop":
        side.stop()
    elif what == "hold":
        side.hold()
    elif what == "hand-over":
        side.play(-deltas)
    else:
        stands.append(side.trace.commands[-1])  # something holds the arm where it is
    if not side.run_until_rest(6.0):
        trial.complaints.append(f"{what}: the arm did not come to rest")
    trial.count(what)
    trial.within(side, f"{what}, lead {lead_s:g} s, {side.world.rate_hz:g} Hz")
    return trial


def late(rig: Rig, rng: np.random.Generator) -> Trial:
    """A trajectory that comes up to 0.3 s after its lead: the first, a chunk, or a stop."""
    trial = Trial()
    late_s, on = rng.uniform(0.0, 0.35), [False]
    side = draw_side(rig, rng, delay_s=lambda _: late_s if on[0] else _DELIVERED_S)
    deltas = draw_deltas(rng, 14, 0.04)
    what = str(rng.choice(["first", "chunk", "stop"]))
    on[0] = what == "first"
    side.play(deltas)
    side.run(0.01)
    on[0] = False
    side.run(0.74)
    if what != "first":
        on[0] = True
        if what == "chunk":
            side.play(-deltas)
        else:
            side.stop()
        on[0] = False
    side.run(0.6)
    if not side.run_until_rest(4.0):
        trial.complaints.append(f"{what}, {late_s:.3f} s late: the arm did not come to rest")
    trial.velocity, trial.acceleration = side.trace.shares()
    steps_s = side.trace.steps_s(MOST_VELOCITY, MOST_ACCELERATION)
    trial.step_rad = side.trace.step_rad()
    if steps_s:
        trial.count("a step")
        # A step beyond a joint's reach is an outlier first, until joint states agree on it.
        named_s = _NAMED_S + (WINDOW_S if side.sensing.joint_states.rejections.outliers else 0.0)
        named = any(
            steps_s[0] - 0.4 <= alarm_s <= steps_s[0] + named_s
            for alarm_s, _ in side.log.named("worried")
        )
        if not named and trial.step_rad < _SEEN_RAD[what]:
            trial.count("a step too small to be seen")
        elif not named:
            trial.complaints.append(
                f"{what}, {late_s:.3f} s late: a step of {trial.step_rad:.4f} rad was not named"
            )
    elif side.lead.late:
        trial.count("named, no step")
    return trial


DISTURBANCES: dict[str, Callable[[Rig, np.random.Generator], Trial]] = {
    "clocks": clocks,
    "outliers": outliers,
    "clean": clean,
    "offsets": offsets,
    "velocities": velocities,
    "joins": joins,
    "late": late,
}


@dataclass
class _Outlier:
    off: Vector
    left: int
    stamp_s: float
    how: str
    stuck: Vector | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "_Outlier":
        joints = np.ones(7) if rng.random() < 0.2 else np.eye(7)[rng.integers(7)]
        size_rad = 10 ** rng.uniform(-3, np.log10(3)) * rng.choice([-1, 1])
        stamp_s = float(rng.choice([0.0, 0.0, -0.3, 0.3, 1000.0]))
        how = str(rng.choice(["constant", "constant", "random", "stuck"]))
        return cls(joints * size_rad, int(rng.integers(1, 11)), stamp_s, how)

    @property
    def steady(self) -> bool:
        """Whether every one of its samples is off by as much."""
        return self.how != "random"

    def __str__(self) -> str:
        return f"an outlier ({self.how}, {np.abs(self.off).max():.3f} rad, {self.stamp_s:+g} s)"


def _spoilt(outlier: list[_Outlier], sample: Measured, rng: np.random.Generator) -> Measured:
    """The next sample of a burst, or the arm's own."""
    if not outlier or outlier[0].left == 0:
        return sample
    now = outlier[0]
    now.left -= 1
    q = sample.q + now.off * (rng.uniform(-1, 1) if now.how == "random" else 1.0)
    if now.how == "stuck":
        now.stuck = q if now.stuck is None else now.stuck
        q = np.where(now.off != 0.0, now.stuck, sample.q)
    return replace(sample, q=q, stamp_s=sample.stamp_s + now.stamp_s)
