# SPDX-License-Identifier: Apache-2.0
"""What a node says of itself in /diagnostics: its own status, and one of each of its parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

_NO_HARDWARE = "vera_ros"


@dataclass
class Status:
    """The status of a node or of a part of it.

    Attributes:
        level: OK, WARN or ERROR of DiagnosticStatus.
        message: what is wrong, in words.
        values: counters, rates and settings, by name: each a number without unit, which can be
            plotted, or a text; None is left out.
        hardware: the device that the status is about, such as a camera's topic; empty: none.
    """

    level: bytes = DiagnosticStatus.OK
    message: str = "ok"
    values: dict[str, object] = field(default_factory=dict)
    hardware: str = ""


@dataclass
class Health(Status):
    """The status of a node, with the statuses of its parts.

    Attributes:
        causes: what is wrong, as words that programs can compare; published as a value.
        parts: statuses of parts, by name.
    """

    causes: Sequence[str] = ()
    parts: Mapping[str, Status] = field(default_factory=dict)


def messages(node: str, health: Health) -> list[DiagnosticStatus]:
    """Return the statuses as messages: `/node`, then `/node: part` for each part.

    Args:
        node: full name of the node.
        health: its status.
    """
    causes: dict[str, object] = {"causes": ", ".join(health.causes) or "none"}
    return [
        _message(node, health, causes),
        *(_message(f"{node}: {name}", part, {}) for name, part in health.parts.items()),
    ]


def _message(name: str, status: Status, first: dict[str, object]) -> DiagnosticStatus:
    values = {key: value for key, value in (first | status.values).items() if value is not None}
    return DiagnosticStatus(
        name=name,
        hardware_id=status.hardware or _NO_HARDWARE,
        level=status.level,
        message=status.message,
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
