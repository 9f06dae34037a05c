# SPDX-License-Identifier: Apache-2.0
"""Scenes for properties: a block within the walls, a pusher beside it."""

import numpy as np
from hypothesis import strategies as st

from vera_ros.robots.pusht.geometry import PUSHER_RADIUS_PX, Array, distances

blocks = st.tuples(st.floats(140, 370), st.floats(140, 370), st.floats(-4, 4)).map(np.array)
pushers = st.tuples(st.floats(30, 480), st.floats(30, 480)).map(np.array)
scenes = st.tuples(pushers, blocks).filter(lambda scene: is_clear(*scene))


def is_clear(pusher: Array, block: Array, margin_px: float = 3.0) -> bool:
    """Whether the pusher is at least this far from the block."""
    return bool(distances(pusher[None], block)[0] > PUSHER_RADIUS_PX + margin_px)
