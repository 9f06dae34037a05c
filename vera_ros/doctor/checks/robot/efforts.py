# SPDX-License-Identifier: Apache-2.0
"""Check of the measured efforts: whether they contain gravity, as effort_model says."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vera_ros.doctor.checks.robot.arm import description
from vera_ros.doctor.facts.context import NO_ROBOT_YET, Context
from vera_ros.doctor.facts.tools import Probe
from vera_ros.doctor.finding import Finding, not_checked, not_needed, ok, warning

NAME = "efforts"


def check(context: Context) -> list[Finding]:
    """Compare the efforts of the resting arm with gravity."""
    if not context.robot_is_up:
        return [not_needed(NAME, NO_ROBOT_YET)]
    running = Probe("efforts", context.deadline)  # imports its libraries meanwhile
    ik = context.configuration.ik
    newest = context.graph.joints.newest
    measured = np.array([newest.get(name, (np.nan,) * 3) for name in ik["joint_names"]]).T
    problem = judge_measured(measured, ik["rest_speed"])
    if problem:
        return [problem]
    urdf, _ = description(context, context.configuration)
    if not urdf:
        return [not_checked(NAME, "there is no robot description")]
    q, _, effort = measured.tolist()
    running.ask({"parameters": ik, "urdf": urdf, "measured": [q, effort]})
    return [judge(dict(running.facts()), ik["effort_model"])]


def judge_measured(measured: np.ndarray[Any, Any], rest_speed: float) -> Finding | None:
    """Return why the efforts cannot be compared; None: they can.

    Args:
        measured: positions, velocities and efforts of the joints. Shape (3, n).
        rest_speed: a joint slower than this is at rest [rad/s].
    """
    if not np.isfinite(measured).all():
        return not_checked(NAME, "positions, velocities or efforts are missing, see joint states")
    if np.abs(measured[1]).max() >= rest_speed:
        return not_checked(NAME, "the arm moves; run this again while it rests")
    if not measured[2].any():
        return warning(
            NAME,
            "all efforts are exactly 0, which is impossible for an arm that holds itself up: "
            "ik_node does not notice when it touches something",
            "have the driver export effort state interfaces",
        )
    return None


def judge(facts: Mapping[str, Any], effort_model: str) -> Finding:
    """Check that effort_model fits, by the facts of the probe."""
    if "error" in facts:
        return not_checked(NAME, "the arm cannot be set up, see robot description")
    misfit = facts["misfit"]
    if misfit is None:
        return not_checked(
            NAME,
            "whether they contain gravity cannot be told: it is small in this posture, or the URDF "
            "has no inertias",
        )
    if misfit:
        found, mend = misfit
        return warning(NAME, found, f"{mend} in the parameter file")
    has = "contain" if effort_model == "rigid_body" else "lack"
    return ok(NAME, f"they {has} gravity, as effort_model {effort_model} says")
