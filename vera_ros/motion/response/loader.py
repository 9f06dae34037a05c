# SPDX-License-Identifier: Apache-2.0
"""Loads the response model that a configuration file describes."""

from pathlib import Path

from vera_ros.motion.response.direct import DirectResponse
from vera_ros.motion.response.joint_targets import JointActions, JointTargets
from vera_ros.motion.response.model import ResponseModel
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_pose import OscPoseResponse
from vera_ros.motion.yaml_values import choice, number, reading

_OF_POSES, _OF_JOINTS = ("osc_pose", "direct"), ("direct", "reference")


def load_response(path: Path, actions: JointActions | None = None) -> ResponseModel:
    """Return the response model that a YAML file describes.

    Args:
        path: of the file.
        actions: what the actions of joints mean; None: actions are pose deltas.

    Raises:
        ConfigurationError: the description is missing or invalid, or is for other actions; the
            message says why.
    """
    example = "config/osc_pose_panda.yaml or config/direct.yaml"
    if actions is not None:
        example = "config/direct.yaml or config/allegro_reference.yaml"
    with reading(path, "response model", example) as content:
        kind = choice(content, "kind", _OF_POSES if actions is None else _OF_JOINTS)
        if kind == "osc_pose":
            return OscPoseResponse(OscModel.of(content))
        largest_gap_m = number(content, "largest_gap_m", 0.0, 1.0)
        largest_gap_rad = number(content, "largest_gap_rad", 0.0, 3.2)
        if actions is None:
            about_base = "rotates_about" in content and (
                choice(content, "rotates_about", ("tcp", "base")) == "base"
            )
            return DirectResponse(largest_gap_m, largest_gap_rad, about_base=about_base)
        kept = number(content, "kept", 0.0, 1.0) if kind == "reference" else 1.0
        return JointTargets(actions, kept, largest_gap_m, largest_gap_rad)
