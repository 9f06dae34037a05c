# SPDX-License-Identifier: Apache-2.0
"""The form of what a node says in /diagnostics."""

from diagnostic_msgs.msg import DiagnosticStatus

from vera_ros.nodes.common.health import Health, Status, messages


def test_a_node_and_each_of_its_parts_have_a_status() -> None:
    camera = Status(DiagnosticStatus.WARN, "dark", {"rate_hz": 19.999999999}, "/front/image_raw")
    health = Health(causes=["view_dark front", "tired"], parts={"view front": camera})
    whole, part = messages("/left/policy_node", health)
    assert (whole.name, part.name) == ("/left/policy_node", "/left/policy_node: view front")
    assert (whole.hardware_id, part.hardware_id) == ("vera_ros", "/front/image_raw")
    assert (part.level, part.message) == (DiagnosticStatus.WARN, "dark")
    assert {pair.key: pair.value for pair in whole.values} == {"causes": "view_dark front, tired"}
    assert {pair.key: pair.value for pair in part.values} == {"rate_hz": "20"}


def test_what_is_not_known_is_left_out() -> None:
    values: dict[str, object] = {"age_s": None, "count": 0, "held": False, "url": ""}
    (whole,) = messages("/node", Health(values=values))
    assert {pair.key: pair.value for pair in whole.values} == {
        "causes": "none",
        "count": "0",
        "held": "False",
        "url": "",
    }
