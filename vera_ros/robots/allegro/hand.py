# SPDX-License-Identifier: Apache-2.0
"""The hand, its cameras and its balls: names and sizes.

All poses are in the frame palm_link: z along the fingers, x out of the palm, y towards the index
finger.
"""

from vera_ros.sim.cameras import Camera

FRAME = "palm_link"
URDF = "allegro_hand.urdf"
# Index, middle, ring, thumb, each from its base: the order of the actions' columns.
JOINTS = tuple(f"joint_{i}.0" for i in range(16))
FINGER = slice(0, 4)  # the index finger's of these
LAST_LINK, TIP = "link_3.0", "link_3.0_tip"  # of the index finger; the link carries the tip
TIP_RADIUS_M = 0.012
COLOURS = ("red", "blue")
BALL_RADIUS_M = 0.012
_FOV_Y_DEG = 40.0

CAMERAS = {  # in front of the palm, at the index finger's side, at the other one
    "camera_0": Camera(
        topic="camera_0",
        frame=FRAME,
        position_m=(0.3305, 0.045, 0.2902),
        orientation_xyzw=(0.650366, 0.650366, -0.277531, -0.277531),
        fov_y_deg=_FOV_Y_DEG,
    ),
    "camera_1": Camera(
        topic="camera_1",
        frame=FRAME,
        position_m=(0.204, 0.3443, 0.1638),
        orientation_xyzw=(0.152856, 0.797929, -0.572635, -0.109697),
        fov_y_deg=_FOV_Y_DEG,
    ),
    "camera_2": Camera(
        topic="camera_2",
        frame=FRAME,
        position_m=(0.204, -0.2543, 0.1638),
        orientation_xyzw=(0.797929, 0.152856, -0.109697, -0.572635),
        fov_y_deg=_FOV_Y_DEG,
    ),
}
