# SPDX-License-Identifier: Apache-2.0
"""Random disturbances of clocks, joint states and networks.

Each function runs one trial in simulated time, which begins with an unknown set-point. Times are
true ones [s].
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.arm_clock import AGREEMENT_S, RECENT_S
from vera_ros.motion.observation.joint_track import WINDOW_S
from verification.bench.setpoint.arm_side import ArmSide
from verification.bench.setpoint.outlier import Outlier, corrupted
from verification.bench.setpoint.trial import (
    MAX_ACCELERATION_SHARE,
    MAX_VELOCITY_SHARE,
    ClockOffset,
    Trial,
    draw_clock_offset,
    draw_deltas,
    draw_side,
)
from verification.rig import START_Q, Rig, Vector

_DELAY_S = 0.002  # ordinary delay of a trajectory
_REPORT_S = 0.1  # time within which a step must be reported
_DRIFT_RAD = 2e-3
# Smallest step that must be detected. No delay has been measured before the first trajectory.
_DETECTED_RAD = {"first": 6e-3, "chunk": 1e-3, "stop": 1e-3}
_EVENTS = 20  # outliers per run


def clocks(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run with one clock off by 0.05 to 1 s: constantly, after a step, or after a drift."""
    trial = Trial()
    off_s = rng.uniform(0.05, 1.0) * rng.choice([-1, 1])
    kind = str(rng.choice(["constant", "step", "drift"]))
    clock = str(rng.choice(["local", "controller"]))
    offset_s = draw_clock_offset(kind, off_s, rng)
    no_offset: ClockOffset = lambda _: 0.0  # noqa: E731
    side = draw_side(
        rig,
        rng,
        local_clock_offset_s=offset_s if clock == "local" else no_offset,
        controller_clock_offset_s=offset_s if clock == "controller" else no_offset,
    )
    deltas = draw_deltas(rng, 10, 0.04)
    refusals = [side.play(deltas)]
    side.run(rng.uniform(0.3, 1.0))
    refusals.append(side.play(-deltas))
    side.run(rng.uniform(0.05, 0.6))
    trial.count("refused", sum(refusal is not None for refusal in refusals))
    side.hold()
    side.run(side.lead.value_s)
    within_s = (
        0.05 + 2 * side.trace.braking_s(side.lead.value_s) + side.trace.period_s + _DELAY_S
    ) + AGREEMENT_S  # by so much the controller's clock may be estimated ahead
    if side.sensing.clock.in_doubt(side.now_s):
        within_s += RECENT_S  # until a step of the clock is certain, a stop might make a jump
    side.run(within_s)
    later_s = 0.0
    while side.trace.moves() and later_s < 1.0:
        side.run(side.trace.period_s)
        later_s += side.trace.period_s
    disturbance = f"{clock} clock, {kind}, {off_s:+.3f} s, {side.world.rate_hz:g} Hz"
    if _stepped_unseen(side):
        trial.count("sent before a joint state showed the step")
        return trial
    if later_s:
        trial.complaints.append(
            f"{disturbance}: it came to rest {later_s:.3f} s after the lead and the allowed "
            f"{within_s:.3f} s"
        )
    trial.check_limits(side, disturbance)
    return trial


def _stepped_unseen(side: ArmSide) -> bool:
    """Whether the controller's clock stepped before a trajectory arrived, and no joint state yet.

    No judgement is possible then: a clock is known by its stamps alone.
    """
    offset_s, unseen_s = side.world.controller_clock_offset_s, side.sensing.period_s + _DELAY_S
    return any(
        abs(offset_s(sent_s + _DELAY_S) - offset_s(sent_s - unseen_s)) > AGREEMENT_S
        for sent_s in side.controller.sent_s
    )


def outliers(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run with bursts of one to ten joint states that are outliers, at any time."""
    trial = Trial()
    hz = float(rng.choice([50, 100, 500, 1000]))
    outlier: list[Outlier] = []
    side = draw_side(rig, rng, joint_states_hz=hz, corrupt=lambda s, _: corrupted(outlier, s, rng))
    rejections = side.sensing.joint_states.rejections
    # An outlier that a joint can have reached since the last good sample cannot be detected.
    reach_rad = float(rig.limits.rates.joints[0].max()) * (1.0 / hz + 0.05) * 1.2 + 0.01
    for _ in range(_EVENTS):
        if side.supervisor.playing is None:
            side.play(draw_deltas(rng, 20, 0.03))
        side.run(rng.uniform(0.1, 0.4))
        before = rejections.outliers + rejections.refused
        outlier[:] = [Outlier.draw(rng)]
        side.run(0.25)
        size_rad = float(np.abs(outlier[0].offset).max())
        if outlier[0].steady and size_rad > reach_rad:
            trial.count("beyond reach")
            if rejections.outliers + rejections.refused == before:
                trial.complaints.append(f"{outlier[0]} was not rejected, at {hz:g} Hz")
        else:
            trial.count("within reach, or random")
    trial.check_limits(side, f"outliers at {hz:g} Hz, last {outlier[0]}")
    return trial


def clean(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run with nothing but ordinary imperfections: noise, offset, jitter of the delay."""
    trial = Trial()
    noise_rad, jitter_s = rng.choice([0.0, 1e-5, 2e-4]), rng.choice([0.0, 1e-3, 5e-3])

    def noisy(sample: Measured, _: float) -> Measured:
        return replace(sample, q=sample.q + rng.uniform(-noise_rad, noise_rad, len(sample.q)))

    side = draw_side(
        rig,
        rng,
        joint_states_hz=float(rng.choice([50, 100, 500, 1000])),
        corrupt=noisy,
        offset=rng.uniform(-0.01, 0.01, len(START_Q)),
        open_loop=True,
        delay_s=lambda _: _DELAY_S + float(rng.uniform(0.0, jitter_s)),
    )
    for _ in range(2):
        refusal = side.play(draw_deltas(rng, 10, 0.04))
        if refusal is not None:
            trial.complaints.append(f"refused: {refusal}")
        side.run(rng.uniform(0.5, 0.7))  # the first chunk has begun by then
    side.stop()
    side.run_until_rest(2.0)
    for _, alarm in side.log.calls("warned"):
        trial.complaints.append(f"a false alarm: {alarm}")
    rejections = side.sensing.joint_states.rejections
    if rejections.outliers:
        trial.complaints.append(f"a false alarm: {rejections.outlier}")
    trial.check_limits(side, f"clean, {side.world.rate_hz:g} Hz")
    return trial


def offsets(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run with an arm that rests up to 50 mrad off its set-point, for ten chunks without motion.

    The controller is in open loop: one that starts from the measured state would step there with
    its very first trajectory.
    """
    trial = Trial()
    offset = rng.uniform(0.0, 0.05) * rng.choice([-1, 1], len(START_Q))
    side = draw_side(rig, rng, offset=offset, open_loop=True)
    for number in range(10):
        side.play(np.zeros((10, 6)), session_id=str(number))
        side.run_until_rest(3.0)
    drift_rad = float(np.abs(side.trace.commands[-1] - START_Q).max())
    if drift_rad > _DRIFT_RAD:
        trial.complaints.append(f"a drift of {drift_rad:.4f} rad; valid is up to {_DRIFT_RAD} rad")
    side.play(draw_deltas(rng, 10, 0.04))
    side.run_until_rest(5.0)
    trial.check_limits(side, f"an offset of {np.abs(offset).max():.3f} rad")
    return trial


def velocities(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run with false velocities of an arm at rest, with stops and chunks without motion."""
    trial = Trial()
    dq = rng.uniform(-2.0, 2.0, len(START_Q)) * (rng.random(len(START_Q)) < 0.5)
    dq[rng.integers(len(START_Q))] = rng.uniform(0.1, 2.0)
    side = draw_side(rig, rng, corrupt=lambda sample, _: replace(sample, dq=dq), settle_s=0.05)
    for _ in range(3):
        side.stop()
        side.run(rng.uniform(0.02, 0.6))
        side.play(np.zeros((5, 6)))
        side.run(0.1)
    if side.controller.sent_s:
        trial.complaints.append(
            f"{len(side.controller.sent_s)} trajectories were sent to an arm at rest; valid is 0"
        )
    trial.check_limits(side, "a false velocity")
    return trial


def joins(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run a stop, hold, hand-over or return that arrives at any time within its lead."""
    trial = Trial()
    lead_s = float(rng.choice([0.0125, 0.05, 0.1]))
    what = str(rng.choice(["stop", "hold", "hand-over", "return"]))
    blocked_q: list[Vector] = []

    def block(sample: Measured, _: float) -> Measured:
        if not blocked_q:
            return sample
        return replace(sample, q=blocked_q[0], dq=np.zeros_like(sample.dq))

    side = draw_side(
        rig,
        rng,
        lead_s=lead_s,
        delay_s=lambda _: float(rng.uniform(0.0, lead_s - 1e-3)),
        corrupt=block,
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
        blocked_q.append(side.trace.commands[-1])  # an obstacle blocks the arm where it is
    if not side.run_until_rest(6.0):
        trial.complaints.append(f"{what}: the arm did not come to rest")
    trial.count(what)
    trial.check_limits(side, f"{what}, lead {lead_s:g} s, {side.world.rate_hz:g} Hz")
    return trial


def late(rig: Rig, rng: np.random.Generator) -> Trial:
    """Run with a trajectory that is up to 0.35 s late: the first, a chunk, or a stop."""
    trial = Trial()
    late_s, on = rng.uniform(0.0, 0.35), [False]
    side = draw_side(rig, rng, delay_s=lambda _: late_s if on[0] else _DELAY_S)
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
    steps_s = side.trace.steps_s(MAX_VELOCITY_SHARE, MAX_ACCELERATION_SHARE)
    trial.step_rad = side.trace.step_rad()
    if steps_s:
        trial.count("step")
        # A step beyond a joint's reach counts as an outlier until joint states confirm it.
        limit_s = _REPORT_S + (WINDOW_S if side.sensing.joint_states.rejections.outliers else 0.0)
        reported = any(
            steps_s[0] - 0.4 <= alarm_s <= steps_s[0] + limit_s
            for alarm_s, _ in side.log.calls("warned")
        )
        if not reported and trial.step_rad < _DETECTED_RAD[what]:
            trial.count("step too small to detect")
        elif not reported:
            trial.complaints.append(
                f"{what}, {late_s:.3f} s late: a step of {trial.step_rad:.4f} rad was not reported"
            )
    elif side.lead.late:
        trial.count("reported, no step")
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
