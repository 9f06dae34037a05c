# SPDX-License-Identifier: Apache-2.0
"""The security_policy command: `ros2 run vera_ros security_policy FOLDER`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vera_ros.bringup.enclaves import ENABLE
from vera_ros.bringup.graph import nodes
from vera_ros.bringup.graph_options import ROBOTS, SERVERS, GraphOptions
from vera_ros.bringup.middleware import RANGE
from vera_ros.errors import VeraRosError

_DESCRIPTION = """\
Writes the policies of a graph for SROS2: a file for each node, for a person's command line
(operator), and for what only reads (observer).

Give it what you give the launch file: parameters, remappings and namespace make the names. See
docs/how_to/secure_the_graph.md."""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="security_policy",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="where the files go; made where it is missing")
    add("--robot", choices=ROBOTS, default="sim", help="as the launch argument (default sim)")
    add(
        "--server",
        choices=SERVERS,
        default="reference",
        help="as the launch argument (default reference)",
    )
    add("--config", default="", metavar="FILE", help="as the launch argument (default packaged)")
    add("--params-file", default="", metavar="FILE", help="as the launch argument (default none)")
    add("--namespace", default="", metavar="NS", help="of the graph (default none)")
    add("--lockstep", action="store_true", help="the graph runs in lockstep")
    add("--use-sim-time", action="store_true", help="all nodes follow /clock")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; return the exit code."""
    given = make_parser().parse_args(arguments)
    # The nodes that resolve the names must be discovered by nobody, and need no keys.
    os.environ[RANGE] = "OFF"
    os.environ[ENABLE] = "false"
    from vera_ros.security.grants import grants
    from vera_ros.security.policy import to_xml

    try:
        options = GraphOptions(
            robot=given.robot,
            server=given.server,
            lockstep=given.lockstep,
            config=given.config,
            params_file=given.params_file,
            use_sim_time=given.use_sim_time,
        )
        granted = grants(nodes(options, given.namespace), given.namespace)
        given.folder.mkdir(parents=True, exist_ok=True)
        for grant in granted:
            path = given.folder / f"{grant.name}.policy.xml"
            path.write_text(to_xml(grant))
            print(f"{path}: {grant.enclave}")
    except (VeraRosError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
