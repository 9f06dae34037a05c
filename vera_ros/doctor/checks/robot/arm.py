# SPDX-License-Identifier: Apache-2.0
"""Checks of the arm as ik_node sets it up: description, limits, and compiled motion code."""

from collections.abc import Mapping
from typing import Any

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import Probe, probe
from vera_ros.doctor.finding import Finding, failure, not_needed, ok, warning

_COMPILE = "ros2 run vera_ros compile_motion (or python3 -m vera_ros.motion.compile)"
_PUBLISH = (
    "start robot_state_publisher; if it publishes elsewhere, remap robot_description in the "
    "parameter file"
)

Facts = Mapping[str, Any]


def check_compiled(context: Context) -> list[Finding]:
    """Check that the motion code is compiled; otherwise the first start of ik_node is slow."""
    return [judge_compiled(probe("compiled", context.deadline, {}))]


def check(context: Context) -> list[Finding]:
    """Set up the arm's motion as ik_node does, and judge every step."""
    running = Probe("arm", context.deadline)  # imports its libraries meanwhile
    configuration = context.configuration
    urdf, origin = description(context, configuration)
    running.ask({"parameters": configuration.ik, "urdf": urdf})
    facts = dict(running.facts())
    findings = [judge_limits(facts["limits"], configuration.ik["limits"])]
    findings.append(judge_response(facts["response"]))
    if not urdf:
        return [judge_missing(origin), *findings]
    return [*judge_model(facts, origin, configuration.ik), *findings]


def judge_compiled(facts: Facts) -> Finding:
    """Check that Numba's cache has everything that the first start would compile."""
    kept, functions = facts["kept"], facts["functions"]
    if kept < functions:
        return warning(
            "compiled motion",
            f"{kept} of {functions} inner loops are compiled; the first start of ik_node will "
            "compile the rest, which takes some 15 s",
            _COMPILE,
        )
    return ok("compiled motion", f"all {functions} inner loops are compiled")


def judge_missing(topic: str) -> Finding:
    """Return the failure of a robot description that is not published on its topic."""
    return failure("robot description", f"nothing publishes a URDF on {topic}", _PUBLISH)


def judge_model(facts: Facts, origin: str, p: Facts) -> list[Finding]:
    """Check that the URDF has the arm's joints, its tip and inertias, and that it can be set up.

    Args:
        facts: of the probe: `model`, `inertias` and `set_up`, each with `error` where it failed.
        origin: where the URDF comes from.
        p: parameters of ik_node.
    """
    model, inertias, set_up = facts["model"], facts["inertias"], facts["set_up"]
    name = "robot description"
    if "error" in model:
        mend = "correct joint_names and tcp_frame in the parameter file, or the URDF"
        return [failure(name, f"{origin}: {model['error']}", mend)]
    findings = [
        ok(name, f"{origin}: {model['joints']} joints, {model['base']} to {model['tip']}"),
        _judge_inertias(inertias, p["effort_model"]),
    ]
    if "error" in set_up:
        findings.append(
            failure("arm set-up", set_up["error"], "correct the parameter file, or the URDF")
        )
    elif set_up["remarks"]:
        findings.append(
            warning("arm set-up", "; ".join(set_up["remarks"]), "see docs/how_to/own_arm.md")
        )
    else:
        checked = "with" if p["collision_check"] else "without"
        findings.append(ok("arm set-up", f"limits and workspace fit, {checked} collision check"))
    return findings


def _judge_inertias(inertias: Facts, effort_model: str) -> Finding:
    if effort_model != "rigid_body":
        return not_needed("inertias", f"effort_model is {effort_model}")
    if "error" in inertias:
        return failure(
            "inertias",
            inertias["error"],
            "use a URDF with inertias, or one that has them as collision_description; set "
            "effort_model: none in the parameter file only if the efforts do not contain gravity",
        )
    return ok("inertias", "every joint carries a mass: gravity is not taken for contact")


def judge_limits(facts: Facts, file: str) -> Finding:
    """Check that the limits file can be read."""
    if "error" in facts:
        return failure("limits", facts["error"], "name another file as limits, or correct it")
    return ok("limits", file)


def judge_response(facts: Facts) -> Finding:
    """Check that the response model can be read."""
    if "error" in facts:
        return failure(
            "response model", facts["error"], "name another file as response_model, or correct it"
        )
    return ok("response model", str(facts["file"]))


def description(context: Context, configuration: Configuration) -> tuple[str, str]:
    """Return the URDF (empty: none) and what provides it: simulation, parameter or topic."""
    urdf = configuration.ik["robot_description"]
    if urdf:
        simulated = context.options.robot == "sim"
        return urdf, "the simulated robot" if simulated else "the parameter robot_description"
    topic = dict(configuration.remappings).get("robot_description", "robot_description")
    return context.published_description, topic
