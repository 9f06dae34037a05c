# SPDX-License-Identifier: Apache-2.0
"""An arm that pushes against something is noticed, and one that only holds itself is not."""

import numpy as np
import pytest
from hypothesis import assume, given

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.safety.contact import ContactWatch

from ..chunks import START_Q, Vector, starts, vectors
from ..urdfs import CHAIN, robot

LIMITS = np.array([60, 60, 60, 60, 15, 15, 15.0])


def watch(arm: ArmModel, least_s: float = 0.0) -> ContactWatch:
    return ContactWatch(arm, LIMITS, least_s, rigid_body=True)


@given(q=starts(0.5), dq=vectors(-0.5, 0.5, 7))
def test_an_arm_that_holds_itself_touches_nothing(arm: ArmModel, q: Vector, dq: Vector) -> None:
    looking = watch(arm)
    assert looking.update(arm.efforts(q, dq), q, dq, 1.0) == ""
    assert looking.update(None, q, dq, 1.1) == ""


@given(q=starts(0.5), share=vectors(-1.0, 1.0, 7))
def test_only_what_is_above_a_limit_is_a_contact(arm: ArmModel, q: Vector, share: Vector) -> None:
    assume((np.abs(np.abs(share) - 0.5) > 1e-6).all())  # right at a limit, rounding decides
    push = 2.0 * share * LIMITS
    said = watch(arm).update(arm.efforts(q, np.zeros(7)) + push, q, np.zeros(7), 1.0)
    assert bool(said) == bool((np.abs(push) > LIMITS).any())
    if said:
        named = [j for j, name in enumerate(arm.joint_names) if f"'{name}'" in said]
        used = np.abs(push) / LIMITS
        np.testing.assert_allclose(used[named], used.max(), rtol=1e-9)


def test_a_short_push_is_none(arm: ArmModel) -> None:
    looking, still = watch(arm, 0.1), np.zeros(7)
    free = arm.efforts(START_Q, still)
    pushed = free + np.array([0, 100, 0, 0, 0, 0, 0.0])
    assert not looking.update(pushed, START_Q, still, 1.00)
    assert not looking.update(pushed, START_Q, still, 1.09)
    assert not looking.update(free, START_Q, still, 1.10)
    assert not looking.update(pushed, START_Q, still, 1.12)
    assert "joint2" in looking.update(pushed, START_Q, still, 1.23)


def test_a_clock_that_went_back_is_no_long_push(arm: ArmModel) -> None:
    looking, still = watch(arm, 0.1), np.zeros(7)
    pushed = arm.efforts(START_Q, still) + 100.0
    assert not looking.update(pushed, START_Q, still, 5.0)
    assert not looking.update(pushed, START_Q, still, 1.0)
    assert looking.update(pushed, START_Q, still, 1.2)


def test_raw_efforts_need_no_inertias() -> None:
    arm = ArmModel(robot(["base", "one", "two"], CHAIN), ["a", "b"])
    looking = ContactWatch(arm, np.array([5.0, 5.0]), 0.0)
    assert "'b'" in looking.update(np.array([1.0, -6.0]), np.zeros(2), np.zeros(2), 1.0)
    with pytest.raises(ConfigurationError, match=r"no inertias.*'a', 'b'.*effort_model"):
        ContactWatch(arm, np.array([5.0, 5.0]), 0.0, rigid_body=True)


@pytest.mark.parametrize("limits", [np.ones(6), np.zeros(7), -np.ones(7), np.full(7, np.nan)])
def test_limits_that_do_not_fit(arm: ArmModel, limits: Vector) -> None:
    with pytest.raises(ConfigurationError, match=r"effort limits.*7 numbers"):
        ContactWatch(arm, limits, 0.1)


def test_a_driver_that_reports_no_effort_is_not_said_to_push(arm: ArmModel) -> None:
    said = ContactWatch(arm, np.full(7, 10.0), 0.0, rigid_body=True).update(
        np.zeros(7), START_Q, np.zeros(7), 1.0
    )
    holds = arm.efforts(START_Q, np.zeros(7))
    worst = int(np.argmax(np.abs(holds)))
    assert f"measured 0.0 Nm, expected {holds[worst]:.1f} Nm; valid is up to 10 Nm apart" in said
