# SPDX-License-Identifier: Apache-2.0
"""The plane of the picture as a robot sees it: frame, joints, camera. Lengths are metres."""

from vera_ros.sim.cameras import Camera

FRAME = "picture"  # its upper left corner; x to the right, y down, z into the picture
JOINTS = ("pusher_x", "pusher_y")
PIXEL_M = 0.001
VIEW = "image"
CAMERA = Camera(  # 1 m above the middle of the 0.512 m square
    topic=VIEW,
    frame=FRAME,
    position_m=(0.256, 0.256, -1.0),
    orientation_xyzw=(0.0, 0.0, 0.0, 1.0),
    fov_y_deg=28.72,
)
