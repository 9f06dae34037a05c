# SPDX-License-Identifier: Apache-2.0
"""Time scaling of a nominal motion: slowed smoothly where a limit requires it, never cut short.

A nominal motion q(s) is played as q(s(t)); with r = ds/dt as a function of s, and ' = d/ds,

    dq/dt = q' r
    d2q/dt2 = q'' r^2 + q' r r'
    d3q/dt3 = q''' r^3 + 3 q'' r^2 r' + q' r (r'^2 + r r'').
"""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import minimum_filter1d

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.vec3 import Vector

_SPACING_S = 0.005  # of the nominal times that are checked
_WINDOW = 13  # number of them over which a change of rate is spread, at first
_WIDER = 1.3  # growth of the window when it was too short
_ATTEMPTS = 20
_SLOWEST = 1e-3
_SPARE = 0.99

Shares = Callable[[Vector, Vector], Vector]  # RateLimits.shares


class Timing:
    """Playback rate of a nominal motion, and the map between time and nominal time."""

    def __init__(self, nominal_s: Vector, rate: Vector) -> None:
        """Set the rates (above 0) at nominal times (increasing from 0). Shape (M,) each."""
        steps = np.diff(nominal_s) * 0.5 * (1.0 / rate[1:] + 1.0 / rate[:-1])
        self.nominal_s = nominal_s
        self.times_s = np.concatenate(([0.0], np.cumsum(steps)))
        self._clock = CubicHermiteSpline(self.times_s, nominal_s, rate)

    @classmethod
    def as_it_is(cls, duration_s: float) -> "Timing":
        """Return the timing that plays a motion unchanged."""
        return cls(np.array([0.0, duration_s]), np.ones(2))

    @property
    def unchanged(self) -> bool:
        """Whether the motion is played unchanged."""
        return bool((self.times_s == self.nominal_s).all())

    @property
    def duration_s(self) -> float:
        """Duration of the motion [s]."""
        return float(self.times_s[-1])

    def nominal(self, times_s: Vector | float) -> Vector:
        """Map times to nominal times."""
        return np.asarray(self._clock(np.clip(times_s, 0.0, self.duration_s)))

    def times(self, nominal_s: Vector | float) -> Vector:
        """Map nominal times to times."""
        return np.asarray(np.interp(nominal_s, self.nominal_s, self.times_s))

    def rate(self, time_s: float) -> float:
        """Return the playback rate at a time, nominal seconds per second."""
        return float(self._clock(min(max(time_s, 0.0), self.duration_s), 1))


def keep_rates(
    duration_s: float,
    rates: Callable[[Vector], tuple[Vector, Vector]],
    shares: Shares,
    *,
    share: float,
    highest: Callable[[Vector], Vector],
    start: float | None,
) -> Timing:
    """Return the fastest smooth timing found at which a nominal motion keeps the rate limits.

    Args:
        duration_s: of the nominal motion.
        rates: derivatives by nominal time of the joints (Shape (3, M, n)) and the TCP (Shape
            (3, M, 6)) at M nominal times.
        shares: see RateLimits.shares.
        share: of the limits that may be used.
        highest: upper bound of the playback rate at M nominal times, for other reasons. Shape (M,).
        start: playback rate at the start of a motion that takes over from another one; None: it
            begins at rest, at any rate.

    Raises:
        MotionRefusedError: no timing was found.
    """
    count = max(int(np.ceil(duration_s / _SPACING_S)), 2) + 1
    s = np.linspace(0.0, duration_s, count)
    joints, tcp = rates(s)
    orders = np.arange(1, 4)[:, None]

    def excess(rate: Vector) -> Vector:
        """Return by which factor each sample is too fast."""
        d1 = np.gradient(rate, s)
        d2 = np.gradient(d1, s)

        def timed(by_s: Vector) -> Vector:
            first, second, third = by_s
            r, a, b = rate[:, None], d1[:, None], d2[:, None]
            return np.stack(
                (
                    first * r,
                    second * r**2 + first * (r * a),
                    third * r**3 + 3 * second * (r**2 * a) + first * (r * (a**2 + r * b)),
                )
            )

        used = shares(timed(joints), timed(tcp)) / share
        return np.asarray((used ** (1.0 / orders)).max(axis=0))

    bound = np.maximum(highest(s), _SLOWEST)
    window = _WINDOW
    for _ in range(_ATTEMPTS):
        rate = _smooth(bound, window, s, start)
        over = excess(rate)
        if over.max() <= 1.0:
            return Timing(s, rate)
        bound = np.where(over > 1.0, np.minimum(bound, rate / over * _SPARE), bound)
        if start is None:
            bound = np.maximum(bound, _SLOWEST)
        window = min(int(window * _WIDER) | 1, 2 * count - 1)
    if start is None:  # a constant rate always keeps the limits
        rate = np.full(count, float(min(bound.min(), highest(s).min())))
        return Timing(s, rate / max(1.0, float(excess(rate).max())))
    raise MotionRefusedError(
        Cause.LIMIT_EXCEEDED,
        "the motion cannot be slowed as quickly as the limits require from the state that it takes "
        "over; nothing is published",
    )


def _smooth(bound: Vector, window: int, s: Vector, start: float | None) -> Vector:
    """Return a smooth rate below the bound, which begins with `start` if that is given."""
    lowest = minimum_filter1d(bound, window, mode="nearest")
    width = (window + 2) // 3
    kernel = np.ones(width) / width
    kernel = np.convolve(np.convolve(kernel, kernel), kernel)
    half = len(kernel) // 2
    rate = np.convolve(np.pad(lowest, (half, len(kernel) - 1 - half), mode="edge"), kernel, "valid")
    if start is None:
        return np.asarray(rate)
    over = min((window - 1) * (s[1] - s[0]), s[-1])
    x = np.minimum(s / over, 1.0)
    blend = x**3 * (10 - 15 * x + 6 * x**2)
    return np.asarray(start * (1 - blend) + rate * blend)
