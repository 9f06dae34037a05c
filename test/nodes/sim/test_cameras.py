# SPDX-License-Identifier: Apache-2.0
"""What camera_info says of a simulated camera."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros.nodes.sim.cameras import camera_info
from vera_ros.sim.cameras import Intrinsics

pixels = st.floats(1.0, 1000.0)


@given(pixels, pixels, pixels, pixels, st.integers(16, 640), st.integers(16, 960))
def test_the_matrices_project_as_the_camera_does(
    fx: float, fy: float, cx: float, cy: float, height: int, width: int
) -> None:
    info = camera_info(Intrinsics(fx, fy, cx, cy, height, width), 7, "optical")
    assert (info.width, info.height, info.header.frame_id) == (width, height, "optical")
    assert stamp_to_ns(info.header.stamp) == 7
    point = np.array([0.2, -0.1, 0.5, 1.0])
    expected = [fx * 0.4 + cx, fy * -0.2 + cy]
    for projected in (np.reshape(info.k, (3, 3)) @ point[:3], np.reshape(info.p, (3, 4)) @ point):
        np.testing.assert_allclose(projected[:2] / projected[2], expected, rtol=1e-9, atol=1e-9)
    assert not np.any(info.d)
