# SPDX-License-Identifier: Apache-2.0
"""Builds the planner of chunks: how the arm responds to actions of its kind."""

from typing import Any

import numpy as np

from vera_ros.embodiments import ActionSpace, find_embodiment
from vera_ros.motion.collision.model import CollisionModel
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.joint_path import JointPaths, Paths
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.joint_targets import JointActions
from vera_ros.motion.response.loader import load_response
from vera_ros.nodes.ik.setup.action_columns import ActionColumns
from vera_ros.resources import given_file


def make_chunk_planner(
    p: dict[str, Any],
    arm: ArmModel,
    columns: ActionColumns,
    limits: Limits,
    obstacles: CollisionModel | None,
) -> ChunkPlanner:
    """Return the planner of an arm's chunks, its inner loops compiled.

    Raises:
        ConfigurationError: the parameters contradict each other, or a file cannot be used.
    """
    paths: Paths
    actions = None
    if columns.of_joints:
        absolute = columns.space is ActionSpace.JOINT_POSITION
        actions = JointActions(limits.lower, limits.upper, arm.turns, absolute)
        paths = JointPaths(arm, limits, obstacles)
    else:
        singularity = SingularityBounds(p["singularity_slow"], p["singularity_stop"])
        paths = PathFinder(arm, limits, singularity, obstacles)
    model = p["response_model"] or find_embodiment(p["embodiment"]).response_model
    response = load_response(given_file("response_model", model, "config"), actions)
    chunks = ChunkPlanner(arm, response, limits, paths, p["speed_scale"])
    chunks.warm_up(np.array(p["start_posture"]))
    return chunks
