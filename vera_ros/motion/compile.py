# SPDX-License-Identifier: Apache-2.0
"""Compiles the inner loops ahead of time: `ros2 run vera_ros compile_motion`."""

import numpy as np

from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits, RateLimits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.loader import load_response
from vera_ros.resources import share_path

_JOINTS = [f"panda_joint{number}" for number in range(1, 8)]


def main() -> None:
    """Compile by planning a chunk for the packaged Panda; the cache serves every arm."""
    urdf = share_path("description", "urdf", "panda.urdf").read_text()
    arm = ArmModel(urdf, _JOINTS)
    everywhere = np.full(3, 10.0)
    limits = Limits(
        lower=arm.lower,
        upper=arm.upper,
        rates=RateLimits.load(share_path("config", "panda_limits.yaml"), arm.n),
        workspace_lower=-everywhere,
        workspace_upper=everywhere,
        duration_s=30.0,
        start_rad=0.05,
    )
    chunks = ChunkPlanner(
        arm,
        load_response(share_path("config", "osc_pose_panda.yaml")),
        limits,
        PathFinder(arm, limits, SingularityBounds(70.0, 140.0)),
    )
    chunks.warm_up(0.5 * (arm.lower + arm.upper))


if __name__ == "__main__":
    main()
