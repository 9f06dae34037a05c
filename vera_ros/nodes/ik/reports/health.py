# SPDX-License-Identifier: Apache-2.0
"""The health of ik_node, for /diagnostics."""

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus

from vera_ros.motion.causes import Reason
from vera_ros.nodes.common.health import Health, Status
from vera_ros.nodes.ik.arm_control import ArmControl


def arm_health(
    control: ArmControl,
    error: Reason | None,
    warning: Reason | None,
    settings: Mapping[str, object],
    chunks_for_other_arms: int,
) -> Health:
    """Return the status of the arm side, and of joint states, controllers and chunks.

    Args:
        control: of the arm.
        error: why the arm must not move, or moves although nothing plays; None: nothing.
        warning: why it cannot move now; None: nothing.
        settings: values of the node as a whole.
        chunks_for_other_arms: number of chunks that named another arm.
    """
    reports, reader, sensing = control.reports, control.sensing.reader, control.sensing
    chunks: dict[str, object] = {f"chunks_{name}": n for name, n in reports.counts.items()}
    chunks |= {
        "chunks_for_other_arms": chunks_for_other_arms,
        "planning_s": reports.planning_s,
        "time_stretch": reports.time_stretch,
    }
    parts = {
        "joint states": _status(
            reader.fault(),
            {
                "bad_joint_states": reader.invalid_count,
                "outliers": reader.outliers,
                "longest_silence_s": reader.longest_silence_s,
                "clock_offset_s": reader.offset_s(),
            },
        ),
        "robot": _status(sensing.robot_fault(), {}),
        "controllers": _status(
            sensing.no_controller(),
            {"lead_s": control.lead.value_s, "late_trajectories": control.lead.late},
        ),
        "chunks": _status(None, chunks),
    }
    base = control.arm.base_frame
    for part in parts.values():
        part.hardware = base
    values = {**settings, "last_trouble": control.supervisor.reason.message}
    health = Health(values=values, hardware=base, parts=parts)
    trouble = error or warning
    if trouble is not None:
        health.level = DiagnosticStatus.ERROR if error else DiagnosticStatus.WARN
        health.message, health.causes = trouble.message, [trouble.cause.name.lower()]
    return health


def _status(trouble: Reason | None, values: dict[str, object]) -> Status:
    if trouble is None:
        return Status(values=values)
    return Status(DiagnosticStatus.WARN, trouble.message, values)
