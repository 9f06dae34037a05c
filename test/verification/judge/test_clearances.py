# SPDX-License-Identifier: Apache-2.0
"""The judge of distances agrees with the planner's model, and sees what comes too near."""

import numpy as np
import pytest
from scipy.interpolate import BPoly

from verification.judge.clearances import Clearances
from verification.rig import (
    ARM_JOINTS,
    SELF_DISTANCE_M,
    START_Q,
    TABLE_DISTANCE_M,
    TABLE_Z_M,
    URDF,
    Vector,
    make_rig,
)

INTO_ITSELF = np.array([0.0, 0.2, 0.0, -3.05, 0.0, 0.3, 0.0])
INTO_THE_TABLE = START_Q + (0.8 - START_Q[1]) * np.eye(7)[1]


@pytest.fixture(scope="module")
def clearances() -> Clearances:
    return Clearances(URDF.read_text(), ARM_JOINTS, TABLE_Z_M)


def violations(clearances: Clearances, *postures: Vector) -> list[str]:
    curve = BPoly.from_derivatives(np.arange(float(len(postures))), np.array(postures)[:, None])
    return clearances.violations(curve, SELF_DISTANCE_M, TABLE_DISTANCE_M)


def test_distances_are_those_of_the_planner(clearances: Clearances) -> None:
    model, rng = make_rig().obstacles, np.random.default_rng(0)
    assert model is not None
    for _ in range(50):
        q = START_Q + 0.3 * rng.standard_normal(7)
        nearest = model.clearance(q)
        if nearest.distance_m > 0:  # how deep shapes overlap depends on how they are put together
            other = clearances.distances(q)[clearances.links.index(nearest.links)]
            assert other == pytest.approx(nearest.distance_m, abs=1e-5)


def test_a_free_motion_is_good(clearances: Clearances) -> None:
    assert violations(clearances, START_Q, START_Q + 0.1) == []


@pytest.mark.parametrize(("q", "word"), [(INTO_ITSELF, "link"), (INTO_THE_TABLE, "table")])
def test_what_comes_too_near_is_blamed(clearances: Clearances, q: Vector, word: str) -> None:
    (text,) = violations(clearances, START_Q, q, START_Q)
    assert word in text


def test_what_starts_too_near_may_leave(clearances: Clearances) -> None:
    assert violations(clearances, INTO_THE_TABLE, START_Q) == []
