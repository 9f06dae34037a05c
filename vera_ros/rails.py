# SPDX-License-Identifier: Apache-2.0
"""Rails: bounds of an embodiment's actions, whatever its policy commands."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rails:
    """Bounds of a chunk of pose deltas.

    Attributes:
        step_m: translation of one action [m].
        step_rad: rotation of one action [rad].
        chunk_m: summed translation of a chunk [m]; what exceeds it is not played.
    """

    step_m: float
    step_rad: float
    chunk_m: float

    def keep(self, deltas: Vector) -> tuple[Vector, bool]:
        """Return deltas (Shape (H, 6), [m, rad]) within the bounds, and whether any was cut."""
        kept = np.array(deltas, float)
        for part, most in ((kept[:, :3], self.step_m), (kept[:, 3:], self.step_rad)):
            norm = np.linalg.norm(part, axis=1, keepdims=True)
            part *= np.minimum(1.0, most / np.maximum(norm, most))
        norm = np.linalg.norm(kept[:, :3], axis=1)
        before = np.cumsum(norm) - norm
        left = np.clip(self.chunk_m - before, 0.0, norm)
        kept[:, :3] *= (left / np.where(norm > 0.0, norm, 1.0))[:, None]
        return kept, bool((np.abs(kept - deltas) > 1e-12).any())
