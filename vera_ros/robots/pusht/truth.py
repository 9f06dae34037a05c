# SPDX-License-Identifier: Apache-2.0
"""Ground truth of PushT as the simulator publishes it."""

import numpy as np
import pinocchio as pin

from vera_ros.robots.pusht.judge import CoverageJudge
from vera_ros.robots.pusht.world import PushTWorld
from vera_ros.sim.simulation import Pose, Truth


def truth_of(
    world: PushTWorld, judge: CoverageJudge, frame: str, picture: pin.SE3, pixel_m: float
) -> Truth:
    """Return where pusher and block are, and whether the goal is covered well enough.

    Args:
        world: the scene.
        judge: of it.
        frame: that the poses are in.
        picture: pose of the picture's upper left corner in it; x to the right, y down.
        pixel_m: size of a pixel.
    """

    def placed(centre: np.ndarray, angle: float) -> Pose:
        at = pin.SE3(pin.rpy.rpyToMatrix(0.0, 0.0, angle), np.append(centre * pixel_m, 0.0))
        pose = picture * at
        return Pose(pose.translation, pin.Quaternion(pose.rotation).coeffs())

    x, y, angle = world.block
    return Truth(
        success=judge.succeeded(),
        frame=frame,
        objects={
            "block": placed(np.array([x, y]), angle),
            "pusher": placed(world.pusher, 0.0),
        },
    )
