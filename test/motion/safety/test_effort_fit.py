# SPDX-License-Identifier: Apache-2.0
"""Drivers report efforts with gravity or without it, and a resting arm tells which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.safety.contact import ContactWatch
from vera_ros.motion.safety.effort_fit import EffortFit

from ..chunks import START_Q, Vector, starts, vectors
from ..conftest import JOINTS

LIMITS = np.array([25.0, 25.0, 25.0, 25.0, 10.0, 10.0, 10.0])
STILL = np.zeros(7)


def fit_of(arm: ArmModel | None, *, rigid_body: bool) -> EffortFit:
    return EffortFit(arm, JOINTS, LIMITS, rigid_body=rigid_body, rest_speed=0.05)


def rest(fit: EffortFit, effort: Vector | None, q: Vector = START_Q, from_s: float = 0.0) -> None:
    """The arm stands for a while."""
    for k in range(60):
        fit.update(effort, q, STILL, from_s + 0.02 * k)


@given(q=starts(0.4), noise=vectors(-1.0, 1.0, 7), load=st.floats(0.8, 1.3))
@pytest.mark.parametrize("rigid_body", [True, False])
def test_efforts_that_contain_gravity_ask_for_rigid_body(
    arm: ArmModel, rigid_body: bool, q: Vector, noise: Vector, load: float
) -> None:
    fit = fit_of(arm, rigid_body=rigid_body)
    rest(fit, load * arm.efforts(q, STILL) + noise, q)
    assert fit.mismatch is not None
    assert bool(fit.mismatch) is not rigid_body
    if fit.mismatch:
        assert "contain gravity" in fit.mismatch
        assert fit.mismatch.endswith("set effort_model: rigid_body")


@given(q=starts(0.4), noise=vectors(-1.0, 1.0, 7))
@pytest.mark.parametrize("rigid_body", [True, False])
def test_efforts_without_gravity_ask_for_none(
    arm: ArmModel, rigid_body: bool, q: Vector, noise: Vector
) -> None:
    fit = fit_of(arm, rigid_body=rigid_body)
    rest(fit, noise + 0.01, q)
    assert fit.mismatch is not None
    assert bool(fit.mismatch) is rigid_body
    if fit.mismatch:
        assert "lack gravity" in fit.mismatch
        assert fit.mismatch.endswith("set effort_model: none")


@pytest.mark.parametrize("factor", [-1.0, 1000.0, 0.4], ids=["sign", "unit", "gears"])
@pytest.mark.parametrize("rigid_body", [True, False])
def test_efforts_of_another_unit_or_sign_fit_neither(
    arm: ArmModel, rigid_body: bool, factor: float
) -> None:
    fit = fit_of(arm, rigid_body=rigid_body)
    rest(fit, factor * arm.efforts(START_Q, STILL))
    assert fit.mismatch is not None
    assert "fit no effort_model" in fit.mismatch
    assert "sign" in fit.mismatch


def test_nothing_is_said_of_an_arm_that_moves_or_of_efforts_that_are_missing(arm: ArmModel) -> None:
    fit, wrong = fit_of(arm, rigid_body=True), np.full(7, 0.1)
    for k in range(100):
        assert fit.update(wrong, START_Q, np.full(7, 0.1), 0.02 * k) is None
    rest(fit, None, from_s=2.0)
    rest(fit, np.zeros(7), from_s=4.0)
    assert fit.update(wrong, START_Q, STILL, 6.0) is None
    assert fit.update(wrong, START_Q, STILL, 6.5) is None
    assert fit.update(wrong, START_Q, STILL, 0.1) is None  # a clock that was set back
    assert fit.update(wrong, START_Q, STILL, 7.6)


def test_an_upright_arm_tells_nothing(arm: ArmModel) -> None:
    upright = np.zeros(7)
    upright[1], upright[3] = -0.03, -0.07
    fit = fit_of(arm, rigid_body=False)
    assert np.abs(arm.efforts(upright, STILL)).max() < 5.0
    rest(fit, arm.efforts(upright, STILL) + 0.1, upright)
    assert fit.mismatch is None


def test_the_words_stay_while_the_verdict_does(arm: ArmModel) -> None:
    fit = fit_of(arm, rigid_body=True)
    rest(fit, np.full(7, 0.1))
    words = fit.mismatch
    rest(fit, np.full(7, 0.3), START_Q + 0.2, from_s=5.0)
    assert fit.mismatch == words
    rest(fit, arm.efforts(START_Q, STILL), from_s=10.0)
    assert fit.mismatch == ""


def test_without_inertias_what_no_limit_allows_is_named(arm: ArmModel) -> None:
    """The advice of the start-up error ended in 'pushes with 27.8 Nm' at the first chunk."""
    fit = fit_of(None, rigid_body=False)
    rest(fit, np.full(7, 5.0))
    assert fit.mismatch is None  # may be either
    rest(fit, arm.efforts(START_Q, STILL), from_s=5.0)
    assert fit.mismatch is not None
    for word in ("'panda_joint2'", "effort_limits allow 25", "rigid_body", "panda.urdf"):
        assert word in fit.mismatch


@pytest.mark.parametrize("pushes_s", [0.02, 0.5, 0.9])
def test_a_push_at_rest_is_not_gravity(pushes_s: float) -> None:
    """One sample above a limit marked the arm for good."""
    fit = fit_of(None, rigid_body=False)
    rest(fit, np.full(7, 0.5))
    for k in range(round(pushes_s / 0.02)):
        fit.update(np.full(7, 40.0), START_Q, STILL, 5.0 + 0.02 * k)
    rest(fit, np.full(7, 0.5), from_s=5.0 + pushes_s)
    assert not fit.mismatch


def test_a_long_push_is_forgotten_once_it_is_over() -> None:
    fit = fit_of(None, rigid_body=False)
    rest(fit, np.full(7, 40.0))
    assert fit.mismatch
    rest(fit, np.full(7, 0.5), from_s=5.0)
    assert fit.mismatch == ""


def test_a_contact_is_reported_with_what_does_not_fit(arm: ArmModel) -> None:
    fit = fit_of(arm, rigid_body=True)
    watch = ContactWatch(arm, LIMITS, 0.0, rigid_body=True, fit=fit)
    before = watch.update(np.full(7, 0.1), START_Q, STILL, 1.0)
    rest(fit, np.full(7, 0.1))
    after = watch.update(np.full(7, 0.1), START_Q, STILL, 2.0)
    assert after == f"{before}; {fit.mismatch}"
