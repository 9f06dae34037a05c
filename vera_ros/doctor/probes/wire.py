# SPDX-License-Identifier: Apache-2.0
"""How a probe hears and tells."""

import json
import os
import sys
from typing import IO, Any


class Teller:
    """Tells facts, whatever else is printed: libraries' own output goes to standard error."""

    def __init__(self) -> None:
        self._facts: IO[str] = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def tell(self, name: str, value: Any) -> None:
        """Tell one fact; it is on its way at once."""
        print(json.dumps({name: value}), file=self._facts, flush=True)


def question() -> dict[str, Any]:
    """What the probe is asked."""
    asked: dict[str, Any] = json.load(sys.stdin)
    return asked
