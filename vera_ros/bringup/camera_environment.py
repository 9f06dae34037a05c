# SPDX-License-Identifier: Apache-2.0
"""`ros2 run vera_ros camera_environment`: the environment in which to start a camera driver."""

import shlex
import sys

from vera_ros.bringup.middleware import PROFILE_VARIABLES
from vera_ros.resources import share_path


def main() -> int:
    """Print shell commands that let large pictures out of a camera driver's process (Fast DDS)."""
    path = share_path("config", "fastdds_large_data.xml")
    for name in PROFILE_VARIABLES:
        print(f"export {name}={shlex.quote(str(path))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
