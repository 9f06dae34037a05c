# SPDX-License-Identifier: Apache-2.0
"""Check of VERA as a process of this machine: its Python has VERA's server and PyTorch."""

import json
import os
import sys

from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import Output, run
from vera_ros.doctor.finding import Finding, failure, not_needed, ok
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.modes.local import launch_environment

NAME = "VERA"

# Finds the packages without importing them: PyTorch alone takes seconds.
_LOOK = """
import importlib.metadata, importlib.util, json
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
try:
    vera = importlib.util.find_spec("vera.server.start_vera_server") is not None
except ModuleNotFoundError:
    vera = False
print(json.dumps({"vera": vera, "torch": version("torch")}))
"""
_INSTALL = "https://github.com/sizhe-li/VERA says how to install it"


def check(context: Context) -> list[Finding]:
    """Check the Python that is to run VERA."""
    server = context.options.server
    if server != "subprocess":
        return [not_needed(NAME, f"--server {server} needs no VERA in a Python here")]
    settings = context.settings
    interpreter = settings.interpreter or sys.executable
    checkpoints = Checkpoints(settings, os.environ)
    environment = launch_environment(settings, checkpoints, os.environ)
    return [judge(interpreter, run((interpreter, "-c", _LOOK), context.deadline, environment))]


def judge(interpreter: str, output: Output) -> Finding:
    """Check that VERA's server and PyTorch are installed. `output`: of the `_LOOK` program."""
    choose = "set interpreter (VERA_INTERPRETER) to the Python that has VERA, and pythonpath"
    if output.code != 0:
        return failure(NAME, f"{interpreter}: {output.why}", choose)
    facts = json.loads(output.out)
    if not facts["vera"]:
        return failure(NAME, f"{interpreter} has no VERA", f"{choose}; {_INSTALL}")
    if not facts["torch"]:
        return failure(NAME, f"{interpreter} has VERA, but no PyTorch", _INSTALL)
    return ok(NAME, f"{interpreter}, PyTorch {facts['torch']}")
