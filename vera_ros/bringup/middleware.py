# SPDX-License-Identifier: Apache-2.0
"""Environment variables that keep a graph's traffic on this machine."""

from collections.abc import Mapping

from vera_ros.resources import share_path

RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"

# Of Fast DDS 2 and of Fast DDS 3.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
_FAST_DDS = ("", "rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp")


def on_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables to add to an environment, so that nothing leaves this machine.

    With Fast DDS they select the profile config/fastdds_loopback.xml, unless the environment names
    another one. ROS's own setting for that always uses shared memory, which a killed process may
    leave locked for all others.
    """
    path = str(share_path("config", "fastdds_loopback.xml"))
    other_profile = any(environment.get(name, path) != path for name in PROFILE_VARIABLES)
    if environment.get("RMW_IMPLEMENTATION", "") not in _FAST_DDS or other_profile:
        return {RANGE: "LOCALHOST"}
    return {**dict.fromkeys(PROFILE_VARIABLES, path), RANGE: "SYSTEM_DEFAULT"}
