# SPDX-License-Identifier: Apache-2.0
"""Rails: bounds of an embodiment's actions, whatever its policy commands."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rails:
    """Bounds of a chunk of pose deltas, as the policy's own controller applies them.

    Attributes:
        step_m: translation of one action along each axis [m].
        step_rad: rotation of one action about each axis [rad].
        chunk_m: length of a chunk's path; one that is longer is scaled as a whole [m].
    """

    step_m: float
    step_rad: float
    chunk_m: float

    def keep(self, deltas: Vector) -> tuple[Vector, bool]:
        """Return deltas (Shape (H, 6), [m, rad]) within the bounds, and whether any was changed."""
        kept = np.array(deltas, float)
        path_m = float(np.linalg.norm(kept[:, :3], axis=1).sum())
        if path_m > self.chunk_m:
            kept[:, :3] *= self.chunk_m / path_m
        most = np.repeat([self.step_m, self.step_rad], 3)
        kept = np.clip(kept, -most, most)
        return kept, bool((np.abs(kept - deltas) > 1e-12).any())
