# SPDX-License-Identifier: Apache-2.0
"""Where in the network ROS looks for other nodes."""

import os

from vera_ros.bringup.middleware import RANGE


def only_here() -> str:
    """Return the note, for a message on a missing node, that only this machine is searched."""
    if os.environ.get(RANGE) != "LOCALHOST" or os.environ.get("ROS_STATIC_PEERS"):
        return ""
    return f" (on this machine alone, as {RANGE} says: to look on others, launch discovery:=subnet)"
