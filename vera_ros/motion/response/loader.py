# SPDX-License-Identifier: Apache-2.0
"""Loads the response model that a configuration file describes."""

from pathlib import Path

from vera_ros.motion.response.direct import DirectResponse
from vera_ros.motion.response.model import ResponseModel
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_pose import OscPoseResponse
from vera_ros.motion.yaml_values import choice, number, reading

_KINDS = ("osc_pose", "direct")


def load_response(path: Path) -> ResponseModel:
    """Return the response model that a YAML file describes.

    Raises:
        ConfigurationError: the description is missing or invalid; the message says why.
    """
    example = "config/osc_pose_panda.yaml or config/direct.yaml"
    with reading(path, "response model", example) as content:
        if choice(content, "kind", _KINDS) == "direct":
            return DirectResponse(
                number(content, "largest_gap_m", 0.0, 1.0),
                number(content, "largest_gap_rad", 0.0, 3.2),
            )
        return OscPoseResponse(OscModel.of(content))
