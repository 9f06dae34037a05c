# SPDX-License-Identifier: Apache-2.0
"""How a probe hears what it is asked, and tells what it finds."""

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
    """Hear the question, have it answered, and end the process.

    Args:
        probe: gets the question, and a function that tells one fact, which is on its way at once;
            returns what is to be cleaned up, if anything.
    """
    facts = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no fact

    def write(line: Any) -> None:
        print(json.dumps(line), file=facts, flush=True)

    clean_up = probe(json.load(sys.stdin), lambda name, value: write({name: value}))
    write(None)  # all is told
    if clean_up is not None:
        # As for the nodes: what is left of a DDS participant can spin for ever.
        faulthandler.dump_traceback_later(_LONGEST_END_S, exit=True)
        clean_up()
    os._exit(0)
