# SPDX-License-Identifier: Apache-2.0
"""Names, namespaces and topics are taken if ROS takes them: rclpy's own checks are asked."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.exceptions import NameValidationException
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name
from rclpy.validate_topic_name import validate_topic_name

from vera_ros.errors import ConfigurationError
from vera_ros.ros_rules import (
    check_domain,
    check_full_name,
    check_name,
    check_namespace,
    check_topic,
)

NAMES = st.text("aZ0_-/~ .ä", max_size=8)


def refusal(check: Callable[[str, str], object], name: str) -> str:
    """The message of a check; empty: the name is valid."""
    try:
        check("'it'", name)
    except ConfigurationError as error:
        return str(error)
    return ""


def is_valid(validate: Callable[[str], object], name: str) -> bool:
    try:
        validate(name)
    except NameValidationException:
        return False
    return True


@given(name=NAMES)
def test_node_names(name: str) -> None:
    said = refusal(check_name, name)
    assert (said == "") is is_valid(validate_node_name, name)
    assert said == "" or said.startswith(f"'it' is '{name}'; valid are letters, digits and _")


@given(name=NAMES)
def test_namespaces(name: str) -> None:
    full = name if name.startswith("/") else f"/{name}"
    assert (refusal(check_namespace, name) == "") is is_valid(validate_namespace, full)


@given(name=NAMES.filter(lambda name: not name.startswith("~")))
def test_topics(name: str) -> None:
    assert (refusal(check_topic, name) == "") is is_valid(validate_topic_name, name)


@pytest.mark.parametrize("name", ["~/image", "image", "/cell/left_arm/image_raw", "_image"])
def test_usual_topics(name: str) -> None:
    assert refusal(check_topic, name) == ""


@pytest.mark.parametrize("text", ["", "0", "42", "101", "232"])
def test_domains(text: str) -> None:
    check_domain({"ROS_DOMAIN_ID": text})
    check_domain({})


@pytest.mark.parametrize("text", ["233", "-1", " 5", "5 ", "0x10", "1.0", "lab", "²", "9" * 30])
def test_what_is_no_domain(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"ROS_DOMAIN_ID.*valid is 0 to 232"):
        check_domain({"ROS_DOMAIN_ID": text})


@pytest.mark.parametrize("name", ["", "/teleop", "/left/move_group"])
def test_a_full_name_is_taken(name: str) -> None:
    assert not refusal(check_full_name, name)


@pytest.mark.parametrize("name", ["teleop", "/", "/left/", "//a", "/a b", "/9", "/**/ik_node"])
def test_what_can_be_no_full_name_is_refused(name: str) -> None:
    assert name in refusal(check_full_name, name)
