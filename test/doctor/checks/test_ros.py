# SPDX-License-Identifier: Apache-2.0
import pytest

from vera_ros.doctor.checks.ros import (
    judge_distro,
    judge_domain,
    judge_interfaces,
    judge_python,
    judge_range,
    judge_rmw,
    source_interfaces,
)
from vera_ros.doctor.finding import Verdict

RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"


def test_python_is_new_enough_from_3_10_on() -> None:
    assert judge_python((3, 10, 0), "/usr/bin/python3").verdict is Verdict.OK
    assert judge_python((3, 9, 18), "/usr/bin/python3").verdict is Verdict.FAILURE


def test_a_distribution_that_nobody_tested_is_warned_of() -> None:
    assert judge_distro("jazzy", "7.1.5").verdict is Verdict.OK
    assert judge_distro("foxy", "1.9.0").verdict is Verdict.WARNING
    assert judge_distro("", "7.1.5").found == "from PyPI, no ROS installation, rclpy 7.1.5"


def test_another_middleware_is_warned_of() -> None:
    assert judge_rmw("rmw_fastrtps_cpp").verdict is Verdict.OK
    finding = judge_rmw("rmw_cyclonedds_cpp")
    assert finding.verdict is Verdict.WARNING
    assert finding.mend == "export RMW_IMPLEMENTATION=rmw_fastrtps_cpp"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Verdict.OK),
        ("0", Verdict.OK),
        ("101", Verdict.OK),
        ("102", Verdict.WARNING),
        ("232", Verdict.WARNING),
        ("233", Verdict.FAILURE),
        ("-1", Verdict.FAILURE),
        ("robot", Verdict.FAILURE),
    ],
)
def test_a_domain_is_one_that_dds_can_use(text: str, expected: Verdict) -> None:
    assert judge_domain({"ROS_DOMAIN_ID": text}).verdict is expected


@pytest.mark.parametrize(
    ("environ", "robot", "expected"),
    [
        ({}, "real", Verdict.OK),
        ({RANGE: "SUBNET"}, "real", Verdict.OK),
        ({RANGE: "LOCALHOST"}, "sim", Verdict.OK),
        ({RANGE: "LOCALHOST"}, "real", Verdict.WARNING),
        ({"ROS_LOCALHOST_ONLY": "1"}, "real", Verdict.WARNING),
        ({RANGE: "OFF"}, "sim", Verdict.FAILURE),
        ({RANGE: "localhost"}, "sim", Verdict.FAILURE),
    ],
)
def test_discovery_reaches_the_robot(
    environ: dict[str, str], robot: str, expected: Verdict
) -> None:
    assert judge_range(environ, robot).verdict is expected


def test_interfaces_are_built_from_the_sources_that_are_here() -> None:
    source = source_interfaces()
    assert "msg/ActionChunk.msg" in source
    assert "action/ExecuteTask.action" in source
    assert judge_interfaces(source, "", source).verdict is Verdict.OK
    assert judge_interfaces(source, "", {}).verdict is Verdict.OK  # no checkout to compare with


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_interfaces_of_other_sources_are_named(change: str) -> None:
    source = source_interfaces()
    built = dict(source)
    if change == "changed":
        built["msg/ActionChunk.msg"] += "float64 more\n"
    else:
        del built["msg/ActionChunk.msg"]
    finding = judge_interfaces(built, "", source)
    assert finding.verdict is Verdict.FAILURE
    assert "msg/ActionChunk.msg" in finding.found
    assert "colcon build" in finding.mend


def test_comments_make_no_other_interfaces() -> None:
    source = source_interfaces()
    built = {name: f"# of old\n\n{text}" for name, text in source.items()}
    assert judge_interfaces(built, "", source).verdict is Verdict.OK


def test_interfaces_that_are_not_built_are_a_failure() -> None:
    finding = judge_interfaces(None, "No module named 'vera_ros_interfaces'", {})
    assert finding.verdict is Verdict.FAILURE
    assert "vera_ros_interfaces" in finding.found
