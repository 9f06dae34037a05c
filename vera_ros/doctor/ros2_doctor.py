# SPDX-License-Identifier: Apache-2.0
"""The checks of the running graph as a part of `ros2 doctor`, which loads these classes by name.

`ros2 doctor` has no options for its parts: they come from the variable VERA_DOCTOR_OPTIONS, or from
what runs. Where nothing of vera_ros runs, there is nothing to check.
"""

import functools
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ros2cli.node.strategy import NodeStrategy
from ros2doctor.api import Report, Result
from ros2doctor.api.format import doctor_error, doctor_warn

from vera_ros.doctor.checks.table import GRAPH_CHECKS
from vera_ros.doctor.cli import parse_options
from vera_ros.doctor.finding import Finding, Verdict, failure, warning
from vera_ros.doctor.options import Options
from vera_ros.doctor.runner import run

VARIABLE = "VERA_DOCTOR_OPTIONS"

_CATEGORY = "vera_ros"
_OWN_NODES = ("policy_node", "ik_node")
_DEADLINE_S = 30.0  # `ros2 doctor` takes its time anyway; less may miss nodes on a busy machine


class GraphCheck:
    """The check of `ros2 doctor`; its failures and warnings are those of `scripts/doctor`."""

    def category(self) -> str:
        """Return the name that check and report share."""
        return _CATEGORY

    def check(self) -> Result:
        """Run the checks; print what is not well, with the mend."""
        result = Result()
        for name, finding in _findings():
            words = f"{name}: {finding.found}; {finding.mend}"
            if finding.verdict in (Verdict.FAILURE, Verdict.UNKNOWN):
                doctor_error(words)
                result.add_error()
            elif finding.verdict is Verdict.WARNING:
                doctor_warn(words)
                result.add_warning()
        return result


class GraphReport:
    """The report of `ros2 doctor --report`: all findings."""

    def category(self) -> str:
        """Return the name that check and report share."""
        return _CATEGORY

    def report(self) -> Report:
        """Return the findings."""
        report = Report("VERA_ROS")
        for name, finding in _findings() or (("nodes", _NOTHING),):
            report.add_to_report(name, f"{finding.verdict.value}, {finding.found}")
        return report


_NOTHING = Finding("nodes", Verdict.SKIPPED, "nothing of vera_ros runs here")


@functools.cache  # once for the check and the report
def _findings() -> tuple[tuple[str, Finding], ...]:
    return tuple(findings([] if os.environ.get(VARIABLE) else _nodes(), os.environ))


def _nodes() -> list[str]:
    """Return the full names of all nodes, as the daemon of `ros2` knows them."""
    with NodeStrategy(None) as node:
        return [f"{s.rstrip('/')}/{n}" for n, s in node.get_node_names_and_namespaces()]


def findings(nodes: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, Finding]]:
    """Yield the findings on each graph of vera_ros, each with a name that is clear without a page.

    Args:
        nodes: full names of all nodes that run.
        environment: environment variables.
    """
    given = environment.get(VARIABLE, "")
    if given:
        try:
            yield from _examine(parse_options(shlex.split(given)))
        except (SystemExit, ValueError):  # argparse has printed the reason
            mend = f"correct the variable {VARIABLE}; it takes the options of scripts/doctor"
            yield "vera_ros", failure("options", f"'{given}' is not valid", mend)
        return
    spaces = {n.rpartition("/")[0] for n in nodes if n.rpartition("/")[2] in _OWN_NODES}
    for space in sorted(spaces):
        if f"{space}/sim_node" in nodes:
            yield from _examine(Options(robot="sim", namespace=space, deadline_s=_DEADLINE_S))
        else:
            found = f"the topics of {space}/ik_node cannot be checked without its parameter file"
            option = f"--namespace {space} " * bool(space)
            mend = f"export {VARIABLE}='--robot real {option}--config FILE'"
            yield "vera_ros topics", warning("topics", found, mend)


def _examine(options: Options) -> Iterator[tuple[str, Finding]]:
    for found in run(GRAPH_CHECKS, options).values():
        for finding in found:
            yield f"vera_ros {finding.name}", finding
