# SPDX-License-Identifier: Apache-2.0
"""Splits the output of a process into lines, as a terminal would show them."""

import codecs
import re
from collections import deque
from collections.abc import Iterable

from vera_ros.printable import printable

_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
_TAIL_LINES = 15
_LONGEST_LINE = 2000  # characters


class Output:
    """Splits output that arrives in pieces into lines, and keeps the last ones.

    A carriage return restarts the line, as progress bars use it: only the final text becomes a
    line.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._begun = ""
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)

    def feed(self, piece: bytes) -> list[str]:
        """Return the lines that this piece completes; empty ones are left out."""
        text = self._begun + self._decoder.decode(piece)
        *complete, begun = text.split("\n")
        # Text that a return has overwritten is dropped, so that a long progress needs no memory.
        shown = begun.rstrip("\r")
        self._begun = shown.rpartition("\r")[2][:_LONGEST_LINE] + begun[len(shown) :][:1]
        return self._keep(complete)

    def end(self) -> list[str]:
        """Return the last line if it was begun and never completed, else nothing."""
        begun, self._begun = self._begun, ""
        return self._keep([begun])

    @property
    def last(self) -> str:
        """The line that a terminal would show last; empty: none."""
        begun = _shown(self._begun)
        return begun or (self._lines[-1] if self._lines else "")

    @property
    def tail(self) -> str:
        """The last lines, indented, for an error message."""
        lines = [*self._lines, *filter(None, [_shown(self._begun)])]
        return "\n".join(f"    {line}" for line in lines or ["(it wrote nothing)"])

    def _keep(self, lines: Iterable[str]) -> list[str]:
        kept = [line for line in map(_shown, lines) if line]
        self._lines.extend(kept)
        return kept


def _shown(line: str) -> str:
    shown = line.rstrip("\r").rpartition("\r")[2].rstrip()
    return printable(_COLOUR.sub("", shown).expandtabs(), _LONGEST_LINE)
