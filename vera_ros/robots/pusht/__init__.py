# SPDX-License-Identifier: Apache-2.0
"""PushT: a disc pushes a T-shaped block onto its goal, in the plane of the picture. No ROS.

All lengths are pixels of the world, a square of 512 px: x to the right, y down, angles clockwise in
the picture.
"""

from vera_ros.robots.robot import Robot
from vera_ros.wire.hosted_policy import HostedPolicy


def make_policy(*, looks_ahead: bool = True) -> HostedPolicy:
    """Return the pushing policy (see PolicyMaker)."""
    from vera_ros.robots.pusht.push_policy import PushPolicy

    return PushPolicy(looks_ahead=looks_ahead)


ROBOT = Robot(
    config="",
    prompt="push the T-shaped block onto its goal",
    vera_prompt="push the T-shaped block onto its goal",
    make_policy=make_policy,
    cameras={},
)
