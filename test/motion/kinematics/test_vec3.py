# SPDX-License-Identifier: Apache-2.0
"""The small algebra agrees with NumPy's."""

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.motion.kinematics import vec3 as small

from ..chunks import Vector, vectors

SQUARES = hnp.arrays(float, (3, 3), elements=st.floats(-2.0, 2.0))
SIZES = st.integers(1, 8)
SEEDS = st.integers(0, 2**32 - 1)


@given(a=vectors(-5.0, 5.0, 3), b=vectors(-5.0, 5.0, 3), factor=st.floats(-3.0, 3.0))
def test_vectors(a: Vector, b: Vector, factor: float) -> None:
    one, other = small.triple(a), small.triple(b)
    np.testing.assert_array_equal(one, a)
    np.testing.assert_array_equal(small.plus(one, other), a + b)
    np.testing.assert_array_equal(small.minus(one, other), a - b)
    np.testing.assert_array_equal(small.times(factor, one), factor * a)
    np.testing.assert_allclose(small.dot(one, other), a @ b, atol=1e-12)
    np.testing.assert_allclose(small.cross(one, other), np.cross(a, b), atol=1e-12)


@given(A=SQUARES, B=SQUARES, a=vectors(-5.0, 5.0, 3))
def test_products(A: Vector, B: Vector, a: Vector) -> None:
    C = np.empty((3, 3))
    small.multiply(A, B, C)
    np.testing.assert_allclose(C, A @ B, atol=1e-12)
    np.testing.assert_allclose(small.rotate(A, small.triple(a)), A @ a, atol=1e-12)


@given(A=SQUARES, direction=vectors(-1.0, 1.0, 3), angle=st.floats(-7.0, 7.0))
def test_turn_is_the_exponential_on_the_right(A: Vector, direction: Vector, angle: float) -> None:
    length = float(np.linalg.norm(direction))
    axis = direction / length if length > 1e-3 else np.array([0.0, 0.0, 1.0])
    R = A.copy()
    small.rotate_about(R, axis, angle)
    np.testing.assert_allclose(R, A @ pin.exp3(angle * axis), atol=1e-12)


@given(n=SIZES, seed=SEEDS)
def test_cholesky_factors_and_solves(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    half = random.normal(size=(n, n))
    A = half @ half.T + 0.1 * np.eye(n)
    b = random.normal(size=n)
    L, x = A.copy(), b.copy()
    assert small.cholesky(L)
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(A), atol=1e-10)
    small.cholesky_solve(L, x)
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-8, atol=1e-10)


@given(n=SIZES, seed=SEEDS)
def test_only_the_lower_triangle_is_read(n: int, seed: int) -> None:
    half = np.random.default_rng(seed).normal(size=(n, n))
    A = half @ half.T + 0.1 * np.eye(n)
    lower = np.where(np.tri(n, dtype=bool), A, np.nan)
    assert small.cholesky(lower)
    np.testing.assert_allclose(np.tril(lower), np.linalg.cholesky(A), atol=1e-10)


@given(n=SIZES, seed=SEEDS, lowest=st.sampled_from([-1.0, -1e-6]))
def test_what_is_not_positive_is_not_factored(n: int, seed: int, lowest: float) -> None:
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(n, n)))
    values = random.uniform(0.5, 2.0, n)
    values[random.integers(n)] = lowest
    assert not small.cholesky(axes @ np.diag(values) @ axes.T)


@pytest.mark.parametrize("value", [np.nan, -np.inf, 0.0])
@pytest.mark.parametrize("place", range(3))
def test_zero_and_what_is_not_a_number_are_not_factored(value: float, place: int) -> None:
    A = np.eye(3)
    A[place, place] = value
    assert not small.cholesky(A)
