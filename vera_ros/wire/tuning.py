# SPDX-License-Identifier: Apache-2.0
"""Settings of a running server: what was asked for, and what it made of that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from vera_ros.errors import PolicyServerError
from vera_ros.wire.client import PolicyClient

Setting = int | float


@dataclass(frozen=True)
class Tuned:
    """What became of settings.

    Attributes:
        asked: the settings, under the names of the wire.
        applied: what the server says that it has now, of the same names.
        refused: why it did not take a setting, by its name.
    """

    asked: Mapping[str, Setting] = field(default_factory=dict)
    applied: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def complaints(self) -> Mapping[str, str]:
        """What is not as it was asked for, in words, by setting."""
        found = {name: self._complaint(name, value) for name, value in self.asked.items()}
        return {name: complaint for name, complaint in found.items() if complaint}

    def _complaint(self, name: str, value: Setting) -> str:
        if name in self.refused:
            return f"{name} {value:g} was refused: {self.refused[name]}"
        if name not in self.applied:
            return f"{name} {value:g} is not among what the server applied"
        if not _same(self.applied[name], value):
            return f"{name} is {self.applied[name]!r:.40} on the server, not {value:g}"
        return ""


async def tune(client: PolicyClient, settings: Mapping[str, Setting]) -> Tuned:
    """Have the server apply settings, one by one: of several at once, one bad one spoils all.

    Raises:
        WireError: the connection is lost; a polite refusal is no error.
    """
    applied: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for name, value in settings.items():
        try:
            answer = await client.configure({name: value})
        except PolicyServerError as error:
            if not client.connected:
                raise
            refused[name] = str(error)
        else:
            if name in answer:
                applied[name] = answer[name]
    return Tuned(dict(settings), applied, refused)


def _same(applied: Any, asked: Setting) -> bool:
    if isinstance(applied, bool) or not isinstance(applied, Real):
        return False
    return math.isclose(float(applied), asked, rel_tol=1e-6, abs_tol=1e-9)
