# SPDX-License-Identifier: Apache-2.0
"""What no node reads is refused, and what one reads is not: rclpy itself is asked."""

from pathlib import Path

import pytest
import rclpy
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.declared import NAMES
from vera_ros.parameter_files import (
    NODES,
    check_blocks,
    matches,
    name_sources,
    own_to_rclpy,
    read_blocks,
)

NAMESPACES = ("/", "/left", "/cell/left")
IK = "/**/ik_node:\n  ros__parameters: {speed_scale: 0.5}\n"
CAMERA = "/camera/driver:\n  ros__parameters: {port: 80, rate_hz: 30.0}\n"

every_parameter = st.sampled_from([(node, name) for node in NODES for name in sorted(NAMES[node])])


def check(folder: Path, text: str, namespace: str = "left") -> tuple[str, ...]:
    path = folder / "robot.yaml"
    path.write_text(text)
    return check_blocks(read_blocks(path), namespace, NAMES)


def refusal(folder: Path, text: str, namespace: str = "left") -> str:
    with pytest.raises(ConfigurationError) as refused:
        check(folder, text, namespace)
    said = str(refused.value)
    assert str(folder / "robot.yaml") in said
    assert "\n" not in said
    return said


def test_every_node_is_known() -> None:
    assert set(NAMES) == set(NODES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/**/ik_node: {ros__parameters: {speed_scal: 0.5}}", ("'speed_scal'", "speed_scale")),
        ("/**/ik_node:\n  ros__parameters:\n    workspace_loer: [0]", ("3", "workspace_lower")),
        ("/left/ik_node: {ros__parameters: {arm: {tcp_frame: x}}}", ("arm.tcp_frame", "tcp_frame")),
        ("/**/sim_node: {ros__parameters: {sede: 1}}", ("'sede'", "sim_node", "seed")),
        ("/**: {ros__parameters: {speed_scal: 0.5}}", ("any node", "speed_scale")),
        ("/left/*: {ros__parameters: {tcp_fram: x}}", ("any node", "tcp_frame")),
        ("/**/ik_node: {ros__parameters: {use_sim_tim: true}}", ("use_sim_time",)),
        ("/**/ik_node: {ros__parameters: {xyzzy: 1}}", ("'xyzzy'", "parameters.md")),
        (
            "/**/ik_node: {ros__parameters: {view_topics: [a]}}",
            ("of ik_node but of policy_node", "'/**/policy_node'"),
        ),
        (
            "/**/ik_node: {ros__parameters: {remappings: ['a:=b']}}",
            ("'remappings'", "block '/**/ik_node'", "block '/**'"),
        ),
        ("/left/**: {ros__parameters: {remappings: ['a:=b']}}", ("'/left/**'", "block '/**'")),
        ("/**: {ros__parameters: {remappings: 'a:=b'}}", ("is not a list",)),
        ("/**: {ros__parameters: {remappings: {a: b}}}", ("is not a list", "[name:=topic, ...]")),
    ],
)
def test_a_parameter_that_no_node_declares_is_refused(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    said = refusal(tmp_path, text)
    assert f"line {text.count(chr(10)) + 1}" in said
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("key", "namespace", "nearest"),
    [
        ("/right/ik_node", "left", "/left/ik_node"),
        ("ik_node", "left", "/left/ik_node"),
        ("/ik_node", "cell/left", "/cell/left/ik_node"),
        ("/left/ik_node", "cell/left", "/cell/left/ik_node"),
        ("/*/ik_node", "", "/**/ik_node"),
        ("/*/ik_node", "/cell/left", "/**/ik_node"),
        ("/right/**", "left", "/left/**"),
        ("/left/*", "", "/**"),
        ("/**/ik_nod", "left", "/**/ik_node"),
        ("/**/IkNode", "left", "/**/ik_node"),
        ("/**/ik", "left", "/left/ik_node"),
        ("/**/my_ik_node", "left", "/left/ik_node"),
        ("/ik_node/left", "left", "/left/ik_node"),
        ("/**/ik_node/policy_node", "left", "/**/ik_node"),
    ],
)
def test_a_block_that_no_node_reads_is_refused(
    tmp_path: Path, key: str, namespace: str, nearest: str
) -> None:
    said = refusal(
        tmp_path, f"# first\n{key}: {{ros__parameters: {{speed_scale: 0.5}}}}", namespace
    )
    assert f"line 2: the block '{key}'" in said
    assert f"namespace '/{namespace.strip('/')}'" in said
    assert nearest in said.partition("nearest are ")[2].partition(":")[0].split(", ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/**/ik_node:\n  speed_scale: 0.5", ("line 2", "'speed_scale' is outside")),
        ("/**/ik_node: {ros__parameters: {}, speed_scale: 1.0}", ("is outside of",)),
        ("/**/ik_node:\n  ros__parameter: {speed_scale: 0.5}", ("line 2", "write ros__parameters")),
        ("/**/ik_node:\n  ros_parameters: {speed_scale: 0.5}", ("write ros__parameters",)),
        ("/**/ik_node:\n  parameters: {speed_scale: 0.5}", ("write ros__parameters",)),
        ("ros__parameters: {speed_scale: 0.5}", ("is not below a node's name",)),
        ("/**/ik_node:\n  ros__parameters:\n", ("line 2", "no 'name: value' below it")),
        ("/**/ik_node:\n", ("has nothing below it",)),
        ("/**/ik-node: {ros__parameters: {speed_scale: 0.5}}", ("line 1", "'ik-node'", "digits")),
        ("/my-arm/**: {ros__parameters: {speed_scale: 0.5}}", ("line 1", "'my-arm'", "digits")),
        ("- /**/ik_node", ("holds a list",)),
        ("/**/ik_node", ("holds text",)),
        ("# nothing", ("holds nothing",)),
        ("{a: [", ("cannot be read",)),
        ("a: &a {b: *a}", ("cannot be read",)),
        (f"{IK}{IK}", ("'/**/ik_node'", "line 1", "line 3")),
        (
            "/**/ik_node:\n  ros__parameters:\n    speed_scale: 0.5\n    speed_scale: 1.0",
            ("'speed_scale'", "line 3", "line 4"),
        ),
        (
            "ik_node: {ros__parameters: {speed_scale: 0.5}}\n"
            "/ik_node: {ros__parameters: {speed_scale: 1.0}}",
            ("'speed_scale'", "line 1", "line 2"),
        ),
        (
            "left: {ik_node: {ros__parameters: {speed_scale: 0.5}}}\n"
            "/left/ik_node: {ros__parameters: {speed_scale: 1.0}}",
            ("'speed_scale'", "line 1", "line 2"),
        ),
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    said = refusal(tmp_path, text)
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    "text",
    [
        IK,
        "left: {ik_node: {ros__parameters: {speed_scale: 0.5}}}",
        "/*/ik_node: {ros__parameters: {speed_scale: 0.5, autostart: false, use_sim_time: true}}",
        "/left/**: {ros__parameters: {speed_scale: 0.5, view_topics: [a, b]}}",
        "/**: {ros__parameters: {remappings: ['a:=b'], seed: 1}}",
        "/**/ik_node: {ros__parameters: {qos_overrides: {/tf: {publisher: {depth: 1}}}}}",
        "/**/server_node: {ros__parameters: {}}\n/**/sim_node: {ros__parameters: {seed: 1}}",
    ],
)
def test_what_a_node_reads_is_in_order(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, text) == ()


def test_of_two_arms_in_one_file_the_other_is_warned_of(tmp_path: Path) -> None:
    text = IK + IK.replace("/**", "/left") + IK.replace("/**", "/right")
    for namespace, other in (("left", "right"), ("/right", "left")):
        (warning,) = check(tmp_path, text, namespace)
        assert f"the block '/{other}/ik_node' is for another namespace" in warning
    assert "'/left/ik_node'" in refusal(tmp_path, text, "middle")


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_block_of_another_package_is_warned_of(tmp_path: Path, namespace: str) -> None:
    (warning,) = check(tmp_path, IK + CAMERA, namespace)
    assert "line 3: the block '/camera/driver' is for no node of vera_ros" in warning


@pytest.mark.parametrize("key", ["/**/ik_controller", "/motion", "/left/arm/planner"])
def test_a_block_with_the_names_of_a_node_is_refused(tmp_path: Path, key: str) -> None:
    """The values in it, which were meant to be careful, were ignored with a warning."""
    careful = "{speed_scale: 0.5, tcp_speed_limit: 0.3, table_check: true, mine: 1}"
    said = refusal(tmp_path, f"{key}:\n  ros__parameters: {careful}\n")
    assert "/**/ik_node" in said
    assert "correct the key" in said


@pytest.mark.parametrize("key", ["/camera/node", "/**/camera_node", "robot_state_publisher"])
def test_a_likeness_that_is_none_is_a_warning(tmp_path: Path, key: str) -> None:
    assert len(check(tmp_path, f"{key}: {{ros__parameters: {{robot_description: x}}}}")) == 1


def test_remappings_are_those_of_all_nodes_alone(tmp_path: Path) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(
        "'**': {ros__parameters: {remappings: ['a:=b', 'c:=d']}}\n"
        "/camera/driver: {ros__parameters: {remappings: e:=f}}\n"
    )
    assert [block.remappings for block in read_blocks(path)] == [("a:=b", "c:=d"), ()]


@given(which=every_parameter, data=st.data())
def test_a_slip_of_one_letter_is_refused_with_the_right_name(
    tmp_path_factory: pytest.TempPathFactory, which: tuple[str, str], data: st.DataObject
) -> None:
    node, name = which
    at = data.draw(st.integers(1, len(name) - 1))
    slip = name[:at] + data.draw(st.sampled_from(["", "x", name[at] * 2])) + name[at + 1 :]
    if slip in NAMES[node] or len(name) < 5:
        return
    text = f"/**/{node}: {{ros__parameters: {{{slip}: 1}}}}"
    said = refusal(tmp_path_factory.getbasetemp(), text)
    assert name in said.partition("nearest are ")[2].partition(":")[0].split(", ")


@pytest.mark.parametrize(
    "key",
    [
        *("/**", "**", "/*", "/**/*", "/*/*", "/left/**", "/left/*", "ik_node", "/ik_node"),
        *("/**/ik_node", "/*/ik_node", "left/ik_node", "/left/ik_node", "/**/left/ik_node"),
        *(
            "/*/left/ik_node",
            "/cell/**/ik_node",
            "/cell/*/ik_node",
            "/**/left/**",
            "/right/ik_node",
        ),
    ],
)
def test_rclpy_reads_what_matches(tmp_path: Path, ros_domain: int, key: str) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(f"'{key}': {{ros__parameters: {{given: 1}}}}\n")
    (block,) = read_blocks(path)
    context = rclpy.Context()
    rclpy.init(context=context, args=["--ros-args", "--params-file", str(path)])
    try:
        for namespace in NAMESPACES:
            node = rclpy.create_node("ik_node", namespace=namespace, context=context)
            read = node.declare_parameter("given", 0).value == 1
            assert matches(block.pattern, node.get_fully_qualified_name()) is read, namespace
            node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_what_rclpy_declares_itself_is_known(ros_domain: int) -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node("plain", context=context)
        assert node.has_parameter("use_sim_time")
        assert all(own_to_rclpy(name) for name in node._parameters)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_a_message_gets_the_lines_of_what_it_is_about(tmp_path: Path) -> None:
    path, missing = tmp_path / "robot.yaml", tmp_path / "missing.yaml"
    path.write_text(
        f"{IK}/left/ik_node:\n  ros__parameters:\n    limits: a\n    gripper_open_m: 1\n"
    )
    arguments = ["node", "--ros-args", "--params-file", str(path)]
    for message, lines in (
        ("parameter 'limits' is 'a'", (f"limits: '{path}' line 5",)),
        ("gripper_open_m 1 with speed_scale 0.5", ("gripper_open_m: ", "line 6", "line 2")),
    ):
        said = name_sources(message, arguments)
        assert said.startswith(f"{message} (")
        assert all(line in said for line in lines)
    for message in ("the limits are lost", "parameter 'a' is wrong", f"'{path}': 'limits'"):
        assert name_sources(message, arguments) == message
    other = tmp_path / "other.yaml"
    other.write_text("/**/ik_node:\n  ros__parameters:\n    speed_scale: 50%\n")
    message = f"'{other}' line 3: 'speed_scale' (limits, gripper_open_m)"
    assert name_sources(message, [*arguments, "--params-file", str(other)]) == message
    assert name_sources("'limits'", [*arguments, "--params-file", str(missing)]) == "'limits'"
