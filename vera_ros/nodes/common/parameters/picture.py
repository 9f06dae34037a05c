# SPDX-License-Identifier: Apache-2.0
"""The parameters that say where the picture of planar actions lies for a robot."""

from vera_ros.nodes.common.parameters.declarations import Parameter

PICTURE = (
    Parameter(
        "pixel_m",
        0.001,
        "what a pixel is on the plane of planar actions",
        "m",
        1e-5,
        0.1,
    ),
    Parameter(
        "picture_x",
        [1.0, 0.0, 0.0],
        "direction in the base frame that is to the right in the picture, for planar actions",
        "",
        -1,
        1,
        (),
        3,
    ),
    Parameter(
        "picture_y",
        [0.0, 1.0, 0.0],
        "direction in the base frame that is down in the picture, for planar actions",
        "",
        -1,
        1,
        (),
        3,
    ),
)
