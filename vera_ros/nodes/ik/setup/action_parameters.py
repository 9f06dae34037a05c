# SPDX-License-Identifier: Apache-2.0
"""The parameters of ik_node on what actions mean, and how an arm responds to them."""

from vera_ros.embodiments import EMBODIMENTS, ActionSpace
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.nodes.common.parameters.picture import PICTURE

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
    *PICTURE,
    Parameter(
        "response_model",
        "",
        "how the policy's training environment responds to actions: a file in config/ or a path; "
        "empty: the embodiment's",
    ),
)
