# SPDX-License-Identifier: Apache-2.0
"""Debouncing of gripper commands: only a change that lasts takes effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Command:
    """Gripper command at one action.

    Attributes:
        close: debounced command, true: close; None: none has lasted long enough yet.
        asked: command of the action itself; None: before the first action.
        run: number of actions in a row, this one included, with that command.
    """

    close: bool | None = None
    asked: bool | None = None
    run: int = 0


def debounce(close: Sequence[bool], before: Command, steps: int) -> tuple[Command, ...]:
    """Return the debounced command at each action: a change must last for `steps` actions.

    A change that lasts takes effect from its first action on, since the rest of the chunk is known;
    for one that the chunk begins with, the actions that `before` counts are included.

    Args:
        close: command of each action. Length H.
        before: command at the action before these.
        steps: at least 1, which lets every change through.
    """
    commands: list[Command] = []
    effective = before.close
    for asked, group in groupby(close):
        length = len(list(group))
        earlier = before.run if not commands and asked == before.asked else 0
        if earlier + length >= steps:
            effective = asked
        commands += [Command(effective, asked, earlier + n + 1) for n in range(length)]
    return tuple(commands)
