# SPDX-License-Identifier: Apache-2.0
"""Rails: how far the actions of an embodiment may lead, whatever its policy asks for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rails:
    """Bounds of a chunk of pose deltas.

    Attributes:
        step_m: translation of one action.
        step_rad: rotation of one action.
        chunk_m: summed translation of a chunk; what goes beyond it is not played.
    """

    step_m: float
    step_rad: float
    chunk_m: float

    def keep(self, deltas: Vector) -> tuple[Vector, bool]:
        """Shorten deltas (Shape (H, 6), [m, rad]) that go too far, and say whether any did."""
        kept = np.array(deltas, float)
        for part, most in ((kept[:, :3], self.step_m), (kept[:, 3:], self.step_rad)):
            length = np.linalg.norm(part, axis=1, keepdims=True)
            part *= np.minimum(1.0, most / np.maximum(length, most))
        length = np.linalg.norm(kept[:, :3], axis=1)
        before = np.cumsum(length) - length
        left = np.clip(self.chunk_m - before, 0.0, length)
        kept[:, :3] *= (left / np.where(length > 0.0, length, 1.0))[:, None]
        return kept, bool((np.abs(kept - deltas) > 1e-12).any())
