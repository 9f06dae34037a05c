# SPDX-License-Identifier: Apache-2.0
"""Makes text from other programs safe to show in a log, a terminal or a message."""

import reprlib
from typing import Any

LONGEST = 300  # characters of foreign text in one message
_EXCERPT = 100  # of a value that someone gave: a path or a list is shown whole, no description
_FEW = 16  # items of a list or map that are shown


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Return a text in one line without control characters, and cut where it is too long.

    Line breaks, escape sequences and marks that change the direction of writing become escapes
    like `\n` and `\x1b`: a foreign text can neither begin a log line nor command a terminal.
    """
    shown = text[:longest]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return shown if len(text) <= longest else f"{shown}… ({len(text)} characters)"


def excerpt(text: str) -> str:
    """Return a value that someone gave in one line, cut where it is long, such as a URDF."""
    return printable(text, _EXCERPT)


def printable_lines(text: str, most: int, longest: int = LONGEST) -> str:
    """Return the last lines of a text, at most `most`, each of them printable."""
    kept = text[-most * longest :].splitlines()[-most:]
    return "\n".join(printable(line, longest) for line in kept)


def shorten(value: Any) -> str:
    """Return a value as Python writes it, shortened before it is written: cheap for any size."""
    return printable(_REPR.repr(value), 2 * LONGEST)


class _Repr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 80
        self.maxlist = self.maxtuple = self.maxdict = _FEW
        self.maxlevel = 3

    def repr_bytes(self, value: bytes, level: int) -> str:
        return repr(value) if len(value) <= _FEW else f"{value[:_FEW]!r}… ({len(value)} bytes)"


_REPR = _Repr()
