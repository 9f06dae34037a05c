# SPDX-License-Identifier: Apache-2.0
"""Which of the commands to open and close count: those that last."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Command:
    """What the gripper is told at an action.

    Attributes:
        close: what counts; None: nothing has lasted long enough yet.
        asked: what the action itself asks for; None before the first action.
        run: how many actions in a row, this one included, have asked for that.
    """

    close: bool | None = None
    asked: bool | None = None
    run: int = 0


def debounce(close: Sequence[bool], before: Command, steps: int) -> tuple[Command, ...]:
    """What counts at each action of a chunk, when a change must last for `steps` actions.

    A change that lasts counts from its first action on, since the chunk tells how it goes on; one
    that the chunk begins with is as old as `before` makes it.

    Args:
        close: what each action asks for. Length H.
        before: the command of the action before these.
        steps: at least 1, which lets every change through.
    """
    commands: list[Command] = []
    counts = before.close
    for asked, group in groupby(close):
        length = len(list(group))
        earlier = before.run if not commands and asked == before.asked else 0
        if earlier + length >= steps:
            counts = asked
        commands += [Command(counts, asked, earlier + n + 1) for n in range(length)]
    return tuple(commands)
