# SPDX-License-Identifier: Apache-2.0
"""Algebra of three-vectors and small matrices for compiled loops, which allocate nothing."""

import numpy as np
import numpy.typing as npt

from vera_ros.motion.kinematics.jit import compiled

Vector = npt.NDArray[np.float64]
Triple = tuple[float, float, float]


@compiled
def triple(a: Vector) -> Triple:
    """Return an array of three numbers as a tuple."""
    return a[0], a[1], a[2]


@compiled
def store(a: Triple, target: Vector) -> None:
    """Write a tuple into an array of three numbers."""
    for i in range(3):
        target[i] = a[i]


@compiled
def copy(source: Vector, target: Vector) -> None:
    """Copy a vector into another one."""
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def copy_matrix(source: Vector, target: Vector) -> None:
    """Copy a matrix into another one."""
    for r in range(source.shape[0]):
        for c in range(source.shape[1]):
            target[r, c] = source[r, c]


@compiled
def plus(a: Triple, b: Triple) -> Triple:
    """Return the sum a + b."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@compiled
def minus(a: Triple, b: Triple) -> Triple:
    """Return the difference a - b."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@compiled
def times(factor: float, a: Triple) -> Triple:
    """Return a scaled by a factor."""
    return factor * a[0], factor * a[1], factor * a[2]


@compiled
def dot(a: Triple, b: Triple) -> float:
    """Return the inner product a . b."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def cross(a: Triple, b: Triple) -> Triple:
    """Return the cross product a x b."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
def norm(a: Triple) -> float:
    """Return the Euclidean norm of a."""
    return float(np.sqrt(dot(a, a)))


@compiled
def rotate(R: Vector, a: Triple) -> Triple:
    """Return the product R a. `R`: Shape (3, 3)."""
    return (
        R[0, 0] * a[0] + R[0, 1] * a[1] + R[0, 2] * a[2],
        R[1, 0] * a[0] + R[1, 1] * a[1] + R[1, 2] * a[2],
        R[2, 0] * a[0] + R[2, 1] * a[1] + R[2, 2] * a[2],
    )


@compiled
def multiply(A: Vector, B: Vector, C: Vector) -> None:
    """Compute C = A B, 3 by 3; C must not be A or B."""
    for r in range(3):
        for c in range(3):
            C[r, c] = A[r, 0] * B[0, c] + A[r, 1] * B[1, c] + A[r, 2] * B[2, c]


@compiled
def rotate_about(R: Vector, axis: Vector, angle: float) -> None:
    """Rotate R in place: R exp(angle [axis]), by Rodrigues' formula. `axis`: unit length."""
    x, y, z = axis[0], axis[1], axis[2]
    s, c = np.sin(angle), np.cos(angle)
    v = 1.0 - c
    e00, e01, e02 = c + x * x * v, x * y * v - z * s, x * z * v + y * s
    e10, e11, e12 = x * y * v + z * s, c + y * y * v, y * z * v - x * s
    e20, e21, e22 = x * z * v - y * s, y * z * v + x * s, c + z * z * v
    for r in range(3):
        a, b, d = R[r, 0], R[r, 1], R[r, 2]
        R[r, 0] = a * e00 + b * e10 + d * e20
        R[r, 1] = a * e01 + b * e11 + d * e21
        R[r, 2] = a * e02 + b * e12 + d * e22


@compiled
def cholesky(A: Vector) -> bool:
    """Factor A in place, A = L L^T (lower triangle); False: A is not positive definite."""
    n = len(A)
    for j in range(n):
        s = A[j, j]
        for k in range(j):
            s -= A[j, k] * A[j, k]
        if not s > 0.0:
            return False
        diagonal = np.sqrt(s)
        A[j, j] = diagonal
        for i in range(j + 1, n):
            s = A[i, j]
            for k in range(j):
                s -= A[i, k] * A[j, k]
            A[i, j] = s / diagonal
    return True


@compiled
def cholesky_solve(L: Vector, b: Vector) -> None:
    """Solve A x = b in place, from `cholesky`'s factor."""
    n = len(b)
    for i in range(n):
        s = b[i]
        for k in range(i):
            s -= L[i, k] * b[k]
        b[i] = s / L[i, i]
    for i in range(n - 1, -1, -1):
        s = b[i]
        for k in range(i + 1, n):
            s -= L[k, i] * b[k]
        b[i] = s / L[i, i]
