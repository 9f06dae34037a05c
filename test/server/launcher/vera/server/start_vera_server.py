# SPDX-License-Identifier: Apache-2.0
"""Stands for VERA's launcher: the same command line, and whatever VERA_LAUNCHER_BEHAVIOUR says.

By default it hosts the reference policy, with VERA's own server where VERA_UPSTREAM is a checkout
of VERA.
"""

import argparse
import importlib
import os
import signal
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--embodiment", required=True)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--vis-port", type=int, default=0)
    parser.add_argument("--algo-config")
    parser.add_argument("--dynamics-run-id")
    parser.add_argument("--text")
    parser.add_argument("--sample-steps", type=int)
    parser.add_argument("--no-teacache", action="store_true")
    parser.add_argument("--teacache-thresh", type=float, default=0.1)
    parser.add_argument("--debug-dump-dir")
    parser.add_argument("--no-debug-dump", action="store_true")
    arguments = parser.parse_args()
    print(f"loading {arguments.embodiment}", flush=True)
    print("Loading shards:  50%\rLoading shards: 100%", flush=True)
    behaviour = os.environ.get("VERA_LAUNCHER_BEHAVIOUR", "serve")
    if behaviour == "die":
        sys.exit("CUDA out of memory")
    if behaviour == "no gpu":
        sys.exit("RuntimeError: No CUDA GPUs are available")
    if behaviour == "hang":
        signal.pause()
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()
    if behaviour == "with-children":
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    if behaviour == "serve" and "VERA_UPSTREAM" in os.environ:
        importlib.import_module("upstream").serve(arguments.host, arguments.port)
        return
    # Late, so that it begins to load at once.
    from vera_ros.robots.mimicgen.arm import ARM
    from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
    from vera_ros.server.host import PolicyHost

    class Stranger(StackPolicy):
        """Says that it drives another robot."""

        def server_config(self) -> dict[str, object]:
            return {**super().server_config(), "embodiment": "droid"}

    policy = Stranger(ARM) if behaviour == "stranger" else StackPolicy(ARM)
    host = PolicyHost(policy, arguments.host, arguments.port)
    host.start()
    print("serving", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT, signal.SIGUSR1})
    sys.exit("asked to end")


if __name__ == "__main__":
    main()
