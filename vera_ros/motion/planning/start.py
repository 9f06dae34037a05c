# SPDX-License-Identifier: Apache-2.0
"""Starts of chunks: from rest, or from the motion of the previous chunk."""

from dataclasses import dataclass

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.plan import KNOT_S, Offset, Plan
from vera_ros.motion.response.model import State

_SHORTEST_S = 1e-6  # between closer knots, a spline's coefficients overflow


@dataclass(frozen=True)
class Start:
    """State and motion from which a chunk begins.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        dq: joint velocities. Shape (n,), [rad/s].
        ddq: joint accelerations. Shape (n,), [rad/s^2].
        state: state of the response model.
        offset: of this arm's TCP from the modelled one; None: measured at the start.
        rate: playback rate of the response at take-over, nominal seconds per second; None: the arm
            is at rest.
        lead: motion before the chunk, which ends in this state; None: there is none.
        fresh: no state is carried over from an earlier chunk: the arm's goal is where it is.
    """

    q: Vector
    dq: Vector
    ddq: Vector
    state: State
    offset: Offset | None = None
    rate: float | None = None
    lead: JointSpline | None = None
    fresh: bool = False

    @property
    def lead_s(self) -> float:
        """Time until the chunk begins [s]."""
        return 0.0 if self.lead is None else self.lead.duration_s


def hold(q: Vector, duration_s: float) -> JointSpline | None:
    """Return a motion that holds `q` (Shape (n,), [rad]); None if its duration is zero."""
    if duration_s < _SHORTEST_S:
        return None
    times, still = _knots(duration_s), np.zeros(len(q))
    return JointSpline(times, np.tile(q, (len(times), 1)), (still, still))


def remainder(running: Plan, from_s: float, until_s: float) -> JointSpline | None:
    """Return a part of a plan, held at rest after the plan's end; None if it has no duration."""
    if until_s - from_s < _SHORTEST_S:
        return None
    path, ends_s = running.spline, running.duration_s
    if until_s <= ends_s:
        return path.turning_off(from_s, None, until_s)
    rests_from_s = max(from_s, ends_s)
    return path.turning_off(
        from_s, hold(path.state(ends_s)[0], until_s - rests_from_s), rests_from_s
    )


def in_motion(running: Plan, time_s: float, lead_s: float) -> Start | None:
    """Return the start that takes over from a plan in motion, `lead_s` after its time `time_s`.

    None if the plan then does not play a chunk's response, or already leaves it to come to rest.
    """
    chunk = running.chunk
    if chunk is None:
        return None
    taken_over_s = time_s + lead_s - chunk.begins_s
    nominal_s = float(chunk.timing.nominal(taken_over_s))
    if taken_over_s < 0.0 or nominal_s > chunk.until_s:
        return None
    q, dq, ddq = running.spline.state(time_s + lead_s)
    return Start(
        q,
        dq,
        ddq,
        chunk.response.state_at(nominal_s),
        chunk.offset,
        chunk.timing.rate(taken_over_s),
        remainder(running, time_s, time_s + lead_s),
    )


def _knots(duration_s: float) -> Vector:
    return np.linspace(0.0, duration_s, int(np.ceil(duration_s / KNOT_S)) + 1)
