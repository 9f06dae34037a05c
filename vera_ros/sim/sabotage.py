# SPDX-License-Identifier: Apache-2.0
"""Faults of pictures, to prove that the policy uses them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError

Pictures = Mapping[str, NDArray[np.uint8]]

SABOTAGES = ("none", "blank", "frozen", "swap-views", "bgr")


def check_sabotage(kind: str, views: int) -> None:
    """Refuse a sabotage that does not exist, or changes nothing of so many views.

    Raises:
        ConfigurationError: the message has what is valid.
    """
    valid = [name for name in SABOTAGES if name != "swap-views" or views > 1]
    if kind not in valid:
        why = ", as there is one view only" if kind in SABOTAGES else ""
        raise ConfigurationError(f"sabotage is '{kind}'; valid is {' | '.join(valid)}{why}")


class Sabotage:
    """Spoils pictures in one way: blank, frozen at the first, views or colours swapped.

    Args:
        kind: one of SABOTAGES.
        views: their number.

    Raises:
        ConfigurationError: see `check_sabotage`.
    """

    def __init__(self, kind: str, views: int = 2) -> None:
        check_sabotage(kind, views)
        self._kind = kind
        self._episode = -1
        self._first: Pictures = {}

    def spoil(self, pictures: Pictures, episode: int) -> Pictures:
        """Return the pictures to publish instead. `episode`: number of the scene."""
        if self._kind == "blank":
            return {view: np.zeros_like(picture) for view, picture in pictures.items()}
        if self._kind == "bgr":
            return {view: picture[..., ::-1] for view, picture in pictures.items()}
        if self._kind == "swap-views":
            shown = [*pictures.values()]  # each view shows another's
            return dict(zip(pictures, shown[1:] + shown[:1], strict=True))
        if self._kind == "frozen":
            if episode != self._episode:
                self._episode, self._first = episode, pictures
            return self._first
        return pictures
