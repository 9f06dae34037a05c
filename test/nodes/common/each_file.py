# SPDX-License-Identifier: Apache-2.0
"""Starts a node, or the doctor's probe, with each of many parameter files: `each_file.py FOLDER`.

The folder has a file `list` with number, node and path of each in a line. What is said of it is
written to `NUMBER.node` and `NUMBER.doctor`. Each start is a fork of this process, which has
imported the nodes before.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Nothing of ROS leaves this machine, nor meets another test.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"

from vera_ros.doctor.probes import parameters as parameters_probe
from vera_ros.nodes.common import node_process

_LONGEST_S = 60


def _run_node(node: str, path: str) -> None:
    """Run the real node process; if the node can be made, it tells its parameters and ends."""
    module = importlib.import_module(f"vera_ros.nodes.{node}")
    kind = getattr(module, "".join(part.capitalize() for part in node.split("_")))
    sys.argv = [node, "--ros-args", "--params-file", path]

    def make() -> Any:
        made = kind()
        print(json.dumps(made.parameters))
        sys.stdout.flush()
        os._exit(0)

    node_process.run_node(make)


def _run_probe(node: str, path: str) -> None:
    def tell(name: str, value: Any) -> None:
        if name in (node, "error"):
            print(value if name == "error" else json.dumps(value))

    parameters_probe.probe({"files": [path], "namespace": "/"}, tell)


def _fork(run: Callable[[str, str], None], node: str, path: str, said: Path) -> None:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    signal.alarm(_LONGEST_S)
    output = os.open(said, os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        run(node, path)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def main(folder: Path) -> None:
    for line in (folder / "list").read_text().splitlines():
        number, node, path = line.split(" ", 2)
        _fork(_run_node, node, path, folder / f"{number}.node")
        _fork(_run_probe, node, path, folder / f"{number}.doctor")


if __name__ == "__main__":
    for name in ("ik_node", "policy_node"):
        importlib.import_module(f"vera_ros.nodes.{name}")
    main(Path(sys.argv[1]))
