# SPDX-License-Identifier: Apache-2.0
"""Errors of the response model against recorded traces, without the arm's limits."""

from dataclasses import dataclass

import numpy as np

from vera_ros.motion.causes import MotionRefusedError
from verification.bench.ik.targets import angles
from verification.bench.motion.traces import Traces
from verification.rig import CONTROL_DT_S, Rig, Vector

AFTER = (10, 20, 40)  # numbers of actions at which errors are reported


@dataclass(frozen=True)
class KindErrors:
    """Errors of the response model for the R runs of one kind.

    Attributes:
        kind: name of the kind.
        position_m: TCP position error after each action. Shape (R, H), [m].
        rotation_rad: TCP rotation error after each action. Shape (R, H), [rad].
        refused: number of runs that the model refused.
        example: recorded and modelled TCP positions of the run with the median error at its end.
            Shape (2, H, 3), [m].
    """

    kind: str
    position_m: Vector
    rotation_rad: Vector
    refused: int
    example: Vector

    def after(self, actions: int) -> dict[str, float]:
        """Return mean and largest errors after `actions` actions, or after the last one."""
        column = min(actions, self.position_m.shape[1]) - 1
        position, rotation = self.position_m[:, column], self.rotation_rad[:, column]
        return {
            "position_mean_mm": float(position.mean()) * 1e3,
            "position_max_mm": float(position.max()) * 1e3,
            "rotation_mean_mrad": float(rotation.mean()) * 1e3,
            "rotation_max_mrad": float(rotation.max()) * 1e3,
        }

    def numbers(self) -> dict[str, object]:
        """Return the results for the JSON file."""
        counts = [n for n in AFTER if n <= self.position_m.shape[1]]
        return {
            "kind": self.kind,
            "runs": len(self.position_m),
            "refused": self.refused,
            "after_actions": {str(count): self.after(count) for count in counts},
        }


def measure(rig: Rig, traces: Traces) -> list[KindErrors]:
    """Measure the response model's errors for every kind of trace."""
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
