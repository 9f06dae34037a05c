# SPDX-License-Identifier: Apache-2.0
"""Views of the stacking scene: from cameras that stand beside it, or that the hand carries."""

from vera_ros.robots.pinhole import Pose, View
from vera_ros.robots.stacking.frames import GRIP_SITE
from vera_ros.sim.cameras import Camera


def view_of(camera: Camera, tcp: Pose, width: int, height: int) -> View:
    """Return the view of a camera with the TCP at `tcp` and a picture of this size [px]."""
    return View.of(camera, width, height, tcp if camera.frame == GRIP_SITE else None)
