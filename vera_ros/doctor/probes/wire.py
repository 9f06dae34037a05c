# SPDX-License-Identifier: Apache-2.0
"""The probes' protocol: a request on standard input, facts in lines of JSON on standard output."""

import faulthandler
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

Tell = Callable[[str, Any], None]
Probe = Callable[[dict[str, Any], Tell], Callable[[], None] | None]

_LONGEST_END_S = 1.0


def run(probe: Probe) -> NoReturn:
    """Read the request, run the probe on it, and end the process.

    Args:
        probe: takes the request and a function that sends one fact at once; returns a function
            that cleans up, or None.
    """
    facts = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the facts

    def write(line: Any) -> None:
        print(json.dumps(line), file=facts, flush=True)

    clean_up = probe(json.load(sys.stdin), lambda name, value: write({name: value}))
    write(None)  # end of the facts
    if clean_up is not None:
        # As in the nodes: the shutdown of a DDS participant may hang.
        faulthandler.dump_traceback_later(_LONGEST_END_S, exit=True)
        clean_up()
    os._exit(0)
