# SPDX-License-Identifier: Apache-2.0
"""Which of the motion's inner loops Numba has compiled and kept."""

import sys
from pathlib import Path

from numba.core.registry import CPUDispatcher

import vera_ros.motion.compile  # noqa: F401  # brings all of them
from vera_ros.doctor.probes.wire import Teller, question


def main() -> None:
    """Entry point."""
    teller = Teller()
    question()
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
        if any(Path(function.stats.cache_path).glob(f"{name}-*.nbi"))
    ]
    teller.tell("functions", len(functions))
    teller.tell("kept", len(kept))


if __name__ == "__main__":
    main()
