# SPDX-License-Identifier: Apache-2.0
"""Faults of pictures, to prove that the policy uses them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError

Pictures = Mapping[str, NDArray[np.uint8]]

SABOTAGES = ("none", "blank", "frozen", "swap-views", "bgr")


class Sabotage:
    """Spoils pictures in one way: blank, frozen at the first, views or colours swapped."""

    def __init__(self, kind: str) -> None:
        if kind not in SABOTAGES:
            raise ConfigurationError(f"sabotage '{kind}' is unknown; valid is {SABOTAGES}")
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
