# SPDX-License-Identifier: Apache-2.0
"""Parameter files with one usual mistake each, and files that only look like one."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """A parameter file, and what the one message about it must contain.

    Attributes:
        name: of the mistake.
        node: that reads the file.
        content: of the file; None: there is none.
        words: of the message, besides the file.
    """

    name: str
    node: str
    content: bytes | None
    words: tuple[str, ...]


def _in_ik(name: str, line: str, *words: str) -> Mistake:
    """A mistake in line 3, below the block of ik_node."""
    text = f"/**/ik_node:\n  ros__parameters:\n    {line}\n"
    return Mistake(name, "ik_node", text.encode(), ("line 3", "/**/ik_node", *words))


def _in_policy(name: str, line: str, *words: str) -> Mistake:
    text = f"/**/policy_node:\n  ros__parameters:\n    {line}\n"
    return Mistake(name, "policy_node", text.encode(), ("line 3", "/**/policy_node", *words))


def _whole(name: str, content: str | bytes | None, *words: str) -> Mistake:
    content = content.encode() if isinstance(content, str) else content
    return Mistake(name, "ik_node", content, words)


_SPEED = "/**/ik_node:\n  ros__parameters:\n    tcp_speed_limit: "
_SPEED_WORDS = ("'tcp_speed_limit'", "a number, 0.01 … 3 m/s", "maximum speed of the TCP")

MISTAKES = (
    # The file.
    _whole("no file", None, "there is no parameter file", "begins at"),
    _whole("nothing in it", "# speed_scale: 0.5\n", "holds nothing", "ros__parameters"),
    _whole("a list", "- ik_node\n", "holds a list", "ros__parameters"),
    _whole("Latin-1", f"# l\xe4nger\n{_SPEED}0.5\n".encode("latin-1"), "line 1", "0xe4", "UTF-8"),
    _whole(
        "UTF-16 without its mark", f"{_SPEED}0.5\n".encode("utf-16-le"), "line 1", "#x00", "UTF-8"
    ),
    # YAML.
    _whole("tabs", "/**/ik_node:\n\tros__parameters:\n\t\tdry_run: true\n", "line 2", "tab"),
    _whole("a tab before a value", f"{_SPEED}\t0.5\n", "line 3", "tab"),
    _whole("no space after a colon", f"{_SPEED}0.5\n    dry_run:true\n", "line 4", "colons"),
    _whole("no space after the only colon", _SPEED[:-2] + ":0.5\n", "line 2", "a space after"),
    _whole(
        "a colon in a text",
        f"{_SPEED}0.5\n    tcp_frame: hand: left\n",
        "line 4",
        "write tcp_frame: 'hand: left'",
    ),
    _whole("uneven indentation", f"{_SPEED}0.5\n     dry_run: true\n", "line 4", "indentation"),
    _whole("an open bracket", f"{_SPEED}[0.5\n    dry_run: true\n", "line", "brackets"),
    _whole("an open quote", f'{_SPEED}"0.5\n', "line", "quotes"),
    _whole("an alias", f"{_SPEED}&fast 0.5\n    tcp_turn_limit: *fast\n", "line 4", "'*fast'"),
    _whole("a merge", f"a: &a {{b: 1}}\n{_SPEED}1.0\n    <<: *a\n", "line 5", "'*a'"),
    _whole("two documents", f"{_SPEED}0.5\n---\n{_SPEED}0.6\n", "line 4", "document"),
    # The form.
    _whole("no ros__parameters", "/**/ik_node:\n  dry_run: true\n", "line 2", "ros__parameters"),
    _whole(
        "ros_parameters", "/**/ik_node:\n  ros_parameters: {dry_run: true}\n", "line 2", "write"
    ),
    _whole("no node", "ros__parameters:\n  dry_run: true\n", "line 1", "node's name"),
    _whole("a node alone", "/**/ik_node:\n", "line 1", "'/**/ik_node'", "nothing below"),
    _whole("the same twice", f"{_SPEED}0.5\n    tcp_speed_limit: 0.6\n", "line 3", "line 4"),
    _whole("a node twice", f"{_SPEED}0.5\n{_SPEED}0.6\n", "line 1", "line 4"),
    # Names.
    _in_ik(
        "a dash in the state's topic",
        "robot_state_topic: arm-left/state",
        "arm-left/state",
        "valid are letters",
    ),
    _in_policy(
        "a QoS value",
        "qos_overrides./front/image_raw.subscription.reliability: Reliable",
        "'qos_overrides./front/image_raw.subscription.reliability'",
        "reliable | best_effort",
    ),
    _whole(
        "a misspelt QoS policy",
        "/**/ik_node:\n  ros__parameters:\n    qos_overrides:\n      /joint_states:\n"
        "        subscription: {reliabilty: reliable}\n",
        "line 5",
        "'reliabilty'",
        "write reliability",
    ),
    _in_ik("a misspelt name", "speed_scal: 0.5", "nearest are speed_scale"),
    _in_ik("another node's", "crop: true", "of policy_node"),
    _in_ik("nested too deep", "arm: {tcp_frame: hand}", "'arm.tcp_frame'", "tcp_frame"),
    _in_ik("a value below a value", "tcp_frame: {name: hand}", "'tcp_frame.name'", "'tcp_frame:'"),
    _in_policy(
        "views by name", "view_topics: {front: /a, hand: /b}", "'view_topics.front'", "[...]"
    ),
    _whole("a misspelt node", _SPEED.replace("ik_node", "ik_nod") + "1.0\n", "line 1", "/ik_node"),
    _whole("a dash in a node", _SPEED.replace("ik_node", "ik-node") + "1.0\n", "line 1", "digits"),
    _whole("a digit first", f"/2nd/ik_node:\n{_SPEED[13:]}1.0\n", "line 1", "'2nd'", "digits"),
    _whole("another namespace", "/left/ik_node: {ros__parameters: {}}\n", "line 1", "'/'"),
    # Values.
    _in_ik("nothing after a key", "tcp_speed_limit:", "has no value", *_SPEED_WORDS),
    _in_ik("null", "tcp_speed_limit: null", "is null", *_SPEED_WORDS),
    _in_ik("a tilde for a text", "tcp_frame: ~", "is ~", "a text"),
    _in_ik("a word for a number", "tcp_speed_limit: slow", "is slow", *_SPEED_WORDS),
    _in_ik("a unit", "tcp_speed_limit: 0.3 m/s", "is 0.3 m/s", *_SPEED_WORDS),
    _in_ik("a text for a zero", "table_z_m: high", "is high", "a number", "-2 … 2 m"),
    _in_ik("a comma", "tcp_speed_limit: 0,3", "is 0,3", *_SPEED_WORDS),
    _in_ik("a number in quotes", "tcp_speed_limit: '0.3'", "is '0.3'", *_SPEED_WORDS),
    _in_ik("an octal number", "gripper_debounce_steps: 010", "is 010", "a whole number"),
    _in_ik("a time", "gripper_debounce_steps: 1:30", "is 1:30", "a whole number"),
    _in_ik("a number in groups", "gripper_debounce_steps: 1_0", "is 1_0", "a whole number"),
    _in_ik("a decimal", "gripper_debounce_steps: 2.0", "is 2.0", "a whole number"),
    _in_ik("infinite", "tcp_speed_limit: 1e999", "is 1e999", *_SPEED_WORDS),
    _in_ik("too fast", "tcp_speed_limit: 30", "is 30;", *_SPEED_WORDS),
    _in_ik("a truth in quotes", "dry_run: 'true'", "is 'true'", "true or false", "without quotes"),
    _in_ik("one for true", "dry_run: 1", "is 1", "valid is true or false"),
    _in_ik("a truth for a text", "tcp_frame: yes", "is yes", "a text"),
    _in_ik("another word", "arm_output: Topic", "is Topic", "topic | action"),
    _in_ik("one for a list", "joint_names: joint1", "is joint1", "a list of texts"),
    _in_ik("a list for one", "tcp_frame: [hand]", "is [hand]", "a text"),
    _in_ik("an empty list", "joint_names: []", "is []", "at least one"),
    _in_ik("a list of lists", "workspace_lower: [[0, 0, 0]]", "is [[0, 0, 0]]", "3 values"),
    _in_ik("a list of two kinds", "workspace_lower: [0.1, low, 1]", "is [0.1, low, 1]", "numbers"),
    _in_ik("a tag", "tcp_frame: !env HAND", "is !env HAND", "a text"),
    _in_ik("y in a list", "joint_names: [x, y, z]", "is [x, y, z]", "a list of texts"),
    _in_ik("too few", "workspace_lower: [0.1, 0.2]", "is [0.1, 0.2]", "3 values"),
    _in_ik("rclpy's own", "use_sim_time: 'true'", "'use_sim_time'", "true or false"),
    _in_ik("words for a list", "joint_names: j1 j2", "write it like joint_names: ['j1', 'j2']"),
    _in_ik("one number for many", "effort_limits: 60", "write it like effort_limits: [60.0, 60.0,"),
    _in_ik("Python's None", "allowed_publishers: None", "is None", "to give none, leave it out"),
    _whole("the package", "vera_ros: {ros__parameters: {speed_scale: 0.5}}\n", "/**/ik_node"),
    _in_ik("millimetres", "table_z_m: -112", "in mm, write -0.112", "in cm, write -1.12"),
    _in_ik("degrees", "start_posture: [0, 11, 0, -150, 0, 168, 45]", "in deg", "-2.61799"),
    _in_ik("per cent", "speed_scale: 50", "if it is in %, write 0.5"),
    _in_policy("milliseconds", "view_timeout_s: 3000", "if it is in ms, write 3.0"),
    _in_policy("capitals", "embodiment: Droid", "write droid"),
    _in_ik("a choice misspelt", "effort_model: rigid_bodies", "write rigid_body"),
    _whole(
        "one number of a list",
        "/**/ik_node:\n  ros__parameters:\n    workspace_lower:\n      - 0.2\n      - -5000\n"
        "      - 0.0\n",
        *("line 5", "'workspace_lower'", "in m"),
    ),
    _whole(
        "one word of a list",
        "/**/ik_node:\n  ros__parameters:\n    workspace_lower:\n      - 0.2\n      - 1\n"
        "      - low\n",
        *("line 6", "'workspace_lower'", "in m"),
    ),
    Mistake(
        "one topic of a list",
        "policy_node",
        b"/**/policy_node:\n  ros__parameters:\n    view_topics:\n      - front/image\n"
        b"      - hand-camera/image\n",
        ("line 5", "hand-camera/image", "valid are letters"),
    ),
    _whole(
        "remappings that are names",
        "/**:\n  ros__parameters:\n    remappings: [joint_states: /joints]\n",
        *("line 3", "name:=topic"),
    ),
    _in_policy("no scheme", "server_url: gpu:8800", "'gpu:8800'", "write ws://gpu:8800"),
    _in_policy("a web address", "server_url: http://gpu:8800", "write ws://gpu:8800"),
    _in_policy("no such port", "server_url: ws://gpu:88000", "'88000'", "1 … 65535"),
    _in_policy("IPv6 without brackets", "server_url: ws://::1:8800", "in brackets"),
    _in_policy("a dash in a topic", "view_topics: [front-camera/image, b]", "front-camera/image"),
)

# What they give the node.
ACCEPTED: tuple[tuple[Mistake, dict[str, Any]], ...] = (
    (_in_ik("whole numbers", "tcp_speed_limit: 1"), {"tcp_speed_limit": 1.0}),
    (_in_ik("mixed", "workspace_lower: [0, 0.5, 1]"), {"workspace_lower": [0.0, 0.5, 1.0]}),
    (_in_ik("all whole", "workspace_lower: [0, 1, 2]"), {"workspace_lower": [0.0, 1.0, 2.0]}),
    (_in_ik("exponents", "tcp_speed_limit: 1e-1"), {"tcp_speed_limit": 0.1}),
    (_in_ik("spaces", "tcp_frame: ' hand '"), {"tcp_frame": "hand"}),
    (_in_ik("digits", "tcp_frame: 0815"), {"tcp_frame": "0815"}),
    (_in_ik("a number as a name", "tcp_frame: 7"), {"tcp_frame": "7"}),
    (_in_ik("numbers and names", "joint_names: [j1, 2]"), {"joint_names": ["j1", "2"]}),
    (_in_ik("words", "dry_run: Yes"), {"dry_run": True}),
    (_whole("Windows", _SPEED.replace("\n", "\r\n") + "0.5\r\n"), {"tcp_speed_limit": 0.5}),
    (_whole("a mark", f"\ufeff{_SPEED}0.5\n"), {"tcp_speed_limit": 0.5}),
    (_whole("UTF-16", f"{_SPEED}0.5\n".encode("utf-16")), {"tcp_speed_limit": 0.5}),
    (_whole("no last line break", f"{_SPEED}0.5"), {"tcp_speed_limit": 0.5}),
    (_whole("an unused anchor", f"{_SPEED}&fast 0.5\n"), {"tcp_speed_limit": 0.5}),
)
