# SPDX-License-Identifier: Apache-2.0
"""Counts which of the motion's inner loops are in Numba's cache."""

import sys
from pathlib import Path
from typing import Any

from numba.core.registry import CPUDispatcher

import vera_ros.motion.compile  # noqa: F401  # imports all of them
from vera_ros.doctor.probes.wire import Tell, run


def probe(_: dict[str, Any], tell: Tell) -> None:
    """Report how many `functions` there are, and how many are `kept` in the cache."""
    functions = {
        f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}": function
        for name, module in list(sys.modules.items())
        if name.startswith("vera_ros.motion")
        for function in vars(module).values()
        if isinstance(function, CPUDispatcher)
    }
    kept = [
        name
        for name, function in functions.items()
        if function.stats.cache_path and any(Path(function.stats.cache_path).glob(f"{name}-*.nbi"))
    ]
    tell("functions", len(functions))
    tell("kept", len(kept))


if __name__ == "__main__":
    run(probe)
