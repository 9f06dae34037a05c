# SPDX-License-Identifier: Apache-2.0
"""Recorded responses of the training environment to action sequences."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ConfigurationError
from verification.rig import ACTION_SCALE, Vector

DEFAULT_TRACES = Path(__file__).resolve().parents[3] / "test" / "data" / "osc_pose_traces.npz"


@dataclass(frozen=True)
class Traces:
    """Recorded runs: N runs of H actions.

    Attributes:
        kind: kind of each run's action sequence. Shape (N,).
        q0: joint positions at rest, before the first action. Shape (N, 7), [rad].
        actions: OSC_POSE actions in [-1, 1], gripper last. Shape (N, H, 7).
        tcp_position: TCP after each action, base frame. Shape (N, H, 3), [m].
        tcp_rotation: TCP after each action, base frame. Shape (N, H, 3, 3).
    """

    kind: npt.NDArray[np.str_]
    q0: Vector
    actions: Vector
    tcp_position: Vector
    tcp_rotation: Vector

    @classmethod
    def load(cls, path: Path) -> "Traces":
        """Read a .npz file of traces.

        Raises:
            ConfigurationError: the file is missing or invalid; the message says why.
        """
        try:
            with np.load(path) as file:
                traces = cls(
                    *(file[name] for name in ("kind", "q0", "actions", "tcp_pos", "tcp_rot"))
                )
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ConfigurationError(
                f"{path} holds no traces ({error}); valid is a .npz with the arrays that "
                "test/data/README.md describes"
            ) from error
        traces._check(path)
        return traces

    @property
    def kinds(self) -> list[str]:
        """All kinds, in the order of the file."""
        return list(dict.fromkeys(self.kind.tolist()))

    def deltas(self, run: int) -> Vector:
        """Return a run's commanded deltas. Shape (H, 6), [m, rad]."""
        return np.asarray(np.clip(self.actions[run, :, :6], -1.0, 1.0) * ACTION_SCALE)

    def _check(self, path: Path) -> None:
        runs, steps = self.actions.shape[:2] if self.actions.ndim == 3 else (0, 0)
        for name, shape in (
            ("kind", (runs,)),
            ("q0", (runs, 7)),
            ("actions", (runs, steps, 7)),
            ("tcp_position", (runs, steps, 3)),
            ("tcp_rotation", (runs, steps, 3, 3)),
        ):
            values = getattr(self, name)
            if values.shape != shape or 0 in shape:
                raise ConfigurationError(
                    f"{path}: '{name}' has shape {values.shape}; valid is {shape}, runs and "
                    "actions as in 'actions'"
                )
            if name != "kind" and not np.isfinite(values).all():
                raise ConfigurationError(f"{path}: '{name}' holds values that are not finite")
