# SPDX-License-Identifier: Apache-2.0
"""Check of the Python libraries against the versions that setup.py declares."""

import ast
import importlib.metadata
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.distributions import MODULES, how_to_install
from vera_ros.doctor.facts.tools import Probe, ToolError, ToolTimeoutError
from vera_ros.doctor.finding import Finding, NotCheckedError, failure, ok, warning
from vera_ros.resources import share_path

# Named on the page even if all is well: the first to look at when versions do not fit.
_SHOWN = ("numpy", "pin", "numba")


def check(context: Context) -> list[Finding]:
    """Import every library that the set-up needs."""
    declared = declared_requirements()
    sim = context.options.robot == "sim"
    required = _by_name(declared[""] + (declared["sim"] if sim else []))
    optional = _by_name(declared["demo"] if sim else [])
    facts = import_all({**optional, **required}, Probe("libraries", context.deadline))
    distro = os.environ.get("ROS_DISTRO", "")
    return judge(required, optional, facts, distro)


def judge(
    required: Mapping[str, Requirement],
    optional: Mapping[str, Requirement],
    facts: Mapping[str, Mapping[str, str]],
    distro: str,
) -> list[Finding]:
    """Report each library that is missing, broken or of an invalid version; else one line for all.

    Args:
        required: what vera_ros needs, by the distribution's name.
        optional: what only scripts/demo needs; may repeat some of `required`.
        facts: of each, its `version`, or why it cannot be imported: `missing` or `error`.
        distro: name of the ROS distribution; empty: no ROS installation.
    """
    findings = []
    for name, requirement in {**optional, **required}.items():
        trouble = _trouble(requirement, facts[name])
        if not trouble:
            continue
        mend = how_to_install(name, distro, str(requirement.specifier))
        if name in required:
            findings.append(failure(name, trouble, mend))
        else:
            findings.append(warning(name, f"{trouble}; scripts/demo needs it", mend))
    if findings:
        return findings
    versions = ", ".join(f"{name} {facts[name]['version']}" for name in _SHOWN)
    return [ok("libraries", f"{len(facts)} in the declared ranges, among them {versions}")]


def declared_requirements() -> dict[str, list[str]]:
    """Return setup.py's requirements: those of every set-up under the empty name, then each extra.

    Raises:
        NotCheckedError: there is neither a checkout nor an installation.
    """
    setup = Path(share_path("package.xml")).parent / "setup.py"
    if setup.is_file():
        return _read_setup(setup.read_text())
    try:
        lines = importlib.metadata.requires("vera_ros") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise NotCheckedError("vera_ros is not installed: its requirements are unknown") from error
    return {extra: _of_extra(lines, extra) for extra in ("", "sim", "demo")}


def import_all(wanted: Mapping[str, Requirement], probe: Probe) -> dict[str, Any]:
    """Import each library in the probe `libraries`, before its request; return its facts."""
    probe.ask({"modules": {name: MODULES.get(name, name) for name in wanted}})
    facts: dict[str, Any] = {name: {"error": "was not tried"} for name in wanted}
    trying = ""
    try:
        for name, value in probe.facts():
            if name == "trying":
                trying = value
            else:
                facts[name] = value
    except ToolTimeoutError:
        raise
    except ToolError as error:
        facts[trying] = {"error": f"its import crashes ({error})"}
    return facts


def _of_extra(lines: Sequence[str], extra: str) -> list[str]:
    """Return the requirements that an extra adds; with an empty name, those of every set-up."""
    markers = {line: Requirement(line).marker for line in lines}
    if not extra:
        return [line for line, marker in markers.items() if marker is None]
    return [
        line for line, marker in markers.items() if marker and marker.evaluate({"extra": extra})
    ]


def _read_setup(text: str) -> dict[str, list[str]]:
    """Return the requirements of setup.py without running it."""
    given: dict[str, Any] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require"):
            given[node.arg] = ast.literal_eval(node.value)
    return {"": given["install_requires"], **given["extras_require"]}


def _trouble(requirement: Requirement, facts: Mapping[str, str]) -> str:
    """Return what is wrong with a library; empty: nothing."""
    if "missing" in facts:
        return "is not installed"
    if "error" in facts:
        return f"cannot be imported: {facts['error']}"
    version = facts["version"]
    if version and not requirement.specifier.contains(version, prereleases=True):
        return f"is {version}; valid is {requirement.specifier}"
    return ""


def _by_name(lines: Sequence[str]) -> dict[str, Requirement]:
    return {requirement.name: requirement for requirement in map(Requirement, lines)}
