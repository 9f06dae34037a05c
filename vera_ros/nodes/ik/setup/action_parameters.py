# SPDX-License-Identifier: Apache-2.0
"""The parameters of ik_node on what actions mean, and how an arm responds to them."""

from vera_ros.embodiments import EMBODIMENTS, ActionSpace
from vera_ros.nodes.common.parameters.declarations import Parameter

ACTIONS = (
    Parameter(
        "embodiment",
        "mimicgen",
        "embodiment whose chunks are accepted",
        choices=tuple(name for name, kind in EMBODIMENTS.items() if kind.drivable),
    ),
    Parameter(
        "action_space",
        "",
        "what the actions of chunks mean; empty: what they mean for the embodiment",
        choices=("", *(space.name.lower() for space in ActionSpace)),
    ),
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
    Parameter(
        "response_model",
        "",
        "how the policy's training environment responds to actions: a file in config/ or a path; "
        "empty: the embodiment's",
    ),
)
