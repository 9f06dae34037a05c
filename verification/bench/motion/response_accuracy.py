# SPDX-License-Identifier: Apache-2.0
"""How far the response model is from recorded traces, before any limit of the arm."""

from dataclasses import dataclass

import numpy as np

from vera_ros.motion.causes import MotionRefusedError
from verification.bench.ik.targets import angles
from verification.bench.motion.traces import Traces
from verification.rig import CONTROL_DT_S, Rig, Vector

AFTER = (10, 20, 40)  # actions


@dataclass(frozen=True)
class KindErrors:
    """Errors of the runs of one kind.

    Attributes:
        kind: its name.
        position_m: TCP distance after each action. Shape (R, H), [m].
        rotation_rad: angle after each action. Shape (R, H), [rad].
        refused: runs that the model refused.
        example: TCP positions of the run nearest to the median error, recorded and modelled.
            Shape (2, H, 3), [m].
    """

    kind: str
    position_m: Vector
    rotation_rad: Vector
    refused: int
    example: Vector

    def after(self, actions: int) -> dict[str, float]:
        """Mean and largest errors after so many actions (or after the last)."""
        column = min(actions, self.position_m.shape[1]) - 1
        position, rotation = self.position_m[:, column], self.rotation_rad[:, column]
        return {
            "position_mean_mm": float(position.mean()) * 1e3,
            "position_max_mm": float(position.max()) * 1e3,
            "rotation_mean_mrad": float(rotation.mean()) * 1e3,
            "rotation_max_mrad": float(rotation.max()) * 1e3,
        }

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        counts = [n for n in AFTER if n <= self.position_m.shape[1]]
        return {
            "kind": self.kind,
            "runs": len(self.position_m),
            "refused": self.refused,
            "after_actions": {str(count): self.after(count) for count in counts},
        }


def measure(rig: Rig, traces: Traces) -> list[KindErrors]:
    """Play every trace's actions through the response model."""
    return [_measure_kind(rig, traces, kind) for kind in traces.kinds]


def _measure_kind(rig: Rig, traces: Traces, kind: str) -> KindErrors:
    steps = traces.actions.shape[1]
    position, rotation, examples, refused = [], [], [], 0
    for run in np.flatnonzero(traces.kind == kind).tolist():
        try:
            modelled, turned = rig.respond(traces.q0[run], traces.deltas(run), CONTROL_DT_S)
        except MotionRefusedError:
            refused += 1
            continue
        recorded = traces.tcp_position[run]
        position.append(np.linalg.norm(modelled - recorded, axis=1))
        rotation.append(angles(turned, traces.tcp_rotation[run]))
        examples.append(np.stack((recorded, modelled)))
    if not position:
        nothing = np.full((1, steps), np.nan)
        return KindErrors(kind, nothing, nothing, refused, np.full((2, steps, 3), np.nan))
    last = np.array(position)[:, -1]
    median = int(np.argsort(last)[len(last) // 2])
    return KindErrors(kind, np.array(position), np.array(rotation), refused, examples[median])
