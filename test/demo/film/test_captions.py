# SPDX-License-Identifier: Apache-2.0
"""What is written around the views stays readable, however narrow the film is."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.demo.film.captions import Caption, Layout, compose_picture

TEXTS = st.text("abcdefghij klmnop 0123456789", max_size=90)
BACKGROUND = 40  # a pixel without any brighter channel shows no text


@given(left=TEXTS, right=TEXTS, width=st.sampled_from([128, 192, 252]))
def test_texts_at_both_margins_never_meet(left: str, right: str, width: int) -> None:
    """The result of a narrow film was written over its numbers."""
    layout = Layout.of(["view"], (252, width))
    views = [np.zeros((252, width, 3), np.uint8)]

    def written(status: str, detail: str) -> npt.NDArray[np.intp]:
        picture = compose_picture(views, layout, Caption("", "", status, detail))
        return np.flatnonzero((picture[-40:] > BACKGROUND).any(axis=(0, 2)))

    alone, both = written(left, ""), written(left, right)
    until = alone.max(initial=-1)
    np.testing.assert_array_equal(both[both <= until], alone)
    assert both[both > until].min(initial=layout.size[1]) > until + 10
