# SPDX-License-Identifier: Apache-2.0
"""Applies settings to a running server, and checks what it applied."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from vera_ros.errors import PolicyServerError
from vera_ros.wire.client import PolicyClient

Setting = int | float | list[str]


@dataclass(frozen=True)
class Tuned:
    """The outcome of applying settings.

    Attributes:
        requested: the requested settings, by their names on the wire.
        applied: the values that the server reports, by the same names.
        refused: why the server refused a setting, by its name.
    """

    requested: Mapping[str, Setting] = field(default_factory=dict)
    applied: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def complaints(self) -> Mapping[str, str]:
        """What differs from the requested settings, in words, by their names."""
        found = {name: self._complaint(name, value) for name, value in self.requested.items()}
        return {name: complaint for name, complaint in found.items() if complaint}

    def _complaint(self, name: str, value: Setting) -> str:
        shown = value if isinstance(value, list) else f"{value:g}"
        if name in self.refused:
            return f"{name} {shown} was refused: {self.refused[name]}"
        if name not in self.applied:
            return f"{name} {shown} is not among the settings that the server applied"
        if not _same(self.applied[name], value):
            return f"{name} is {self.applied[name]!r:.40} on the server, not {shown}"
        return ""


async def tune(client: PolicyClient, settings: Mapping[str, Setting]) -> Tuned:
    """Apply settings one by one: among several at once, a bad one would void all.

    Raises:
        WireError: the connection is lost; a refusal is not an error.
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


def _same(applied: Any, requested: Setting) -> bool:
    if isinstance(requested, list):
        return isinstance(applied, list | tuple) and list(applied) == requested
    if isinstance(applied, bool) or not isinstance(applied, Real):
        return False
    return math.isclose(float(applied), requested, rel_tol=1e-6, abs_tol=1e-9)
