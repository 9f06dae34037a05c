# SPDX-License-Identifier: Apache-2.0
"""Limits say how much a motion must be slowed, and refuse to be nonsense."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.joint_spline import JointSpline
from vera_ros.motion.limits import Limits

from .chunks import START_Q, Vector, vectors


def swing(offset: Vector, duration_s: float) -> JointSpline:
    s = np.linspace(0.0, 1.0, 41)[:, None]
    q = START_Q + offset * s**3 * (10 - 15 * s + 6 * s**2)
    return JointSpline(s[:, 0] * duration_s, q, np.zeros(7), np.zeros(7))


@given(offset=vectors(-1.0, 1.0, 7), duration_s=st.floats(0.05, 20.0))
def test_stretched_motion_keeps_the_limits_and_is_not_slower_than_needed(
    limits: Limits, offset: Vector, duration_s: float
) -> None:
    spline = swing(offset, duration_s)
    factor = limits.stretch(spline)
    assert factor >= 1.0
    slowed = spline.stretched(factor)
    assert limits.keeps_rates(slowed)
    assert limits.stretch(slowed) == pytest.approx(1.0)
    if factor > 1.0:
        assert not limits.keeps_rates(spline.stretched(0.9 * factor))


def test_motion_within_the_limits_is_left_alone(limits: Limits) -> None:
    assert limits.stretch(swing(np.full(7, 0.1), 2.0)) == 1.0


@given(speed=st.floats(0.0, 10.0), turn=st.floats(0.0, 20.0))
def test_tcp_stretch(limits: Limits, speed: float, turn: float) -> None:
    twists = np.array([[0.0, speed, 0.0, 0.0, 0.0, turn], np.zeros(6)])
    factor = limits.stretch_tcp(twists)
    assert factor >= 1.0
    assert speed / factor <= limits.tcp_speed_m_s
    assert turn / factor <= limits.tcp_turn_rad_s


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("velocity", np.zeros(7)),
        ("velocity", np.ones(6)),
        ("acceleration", np.full(7, -1.0)),
        ("jerk", np.full(7, np.nan)),
        ("lower", np.full(7, np.inf)),
        ("lower", np.full(7, 10.0)),
        ("workspace_lower", np.array([2.0, 0.0, 0.0])),
        ("workspace_lower", np.full(3, np.nan)),
        ("workspace_upper", np.ones(2)),
        ("tcp_speed_m_s", 0.0),
        ("tcp_turn_rad_s", np.nan),
        ("duration_s", np.inf),
        ("start_rad", -0.1),
    ],
)
def test_nonsense_is_refused(limits: Limits, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        replace(limits, **{name: value})
