# SPDX-License-Identifier: Apache-2.0
"""A graph's traffic stays on this machine, whatever middleware there is."""

import pytest

from vera_ros.bringup.middleware import PROFILE_VARIABLES, on_loopback
from vera_ros.resources import share_path

RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"
PROFILE = str(share_path("config", "fastdds_loopback.xml"))


@pytest.mark.parametrize("rmw", [{}, {"RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"}])
def test_fast_dds_gets_the_profile_and_is_asked_once_more_the_same(rmw: dict[str, str]) -> None:
    given = on_loopback(rmw)
    assert given == {**dict.fromkeys(PROFILE_VARIABLES, PROFILE), RANGE: "SYSTEM_DEFAULT"}
    assert on_loopback({**rmw, **given}) == given


@pytest.mark.parametrize(
    "environment",
    [{"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, {PROFILE_VARIABLES[0]: "/mine.xml"}],
)
def test_others_stay_here_in_ros_own_way(environment: dict[str, str]) -> None:
    assert on_loopback(environment) == {RANGE: "LOCALHOST"}
