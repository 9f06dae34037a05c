# SPDX-License-Identifier: Apache-2.0
"""What is wrong with ROS arguments, in words: rcl names the place, not the mistake."""

import difflib
import re
from collections.abc import Sequence
from itertools import pairwise

from vera_ros.errors import ConfigurationError
from vera_ros.printable import excerpt, printable
from vera_ros.ros_command_line import ros_arguments
from vera_ros.ros_rules import check_topic

_REMAP = ("-r", "--remap")
_RULES = {
    _REMAP: ("remapping", "name:=topic"),
    ("-p", "--param"): ("parameter", "name:=value"),
}
_OF_A_NODE = ("__ns", "__node", "__name")  # checked beforehand
_WITH_VALUE = (
    "--enclave",
    "--log-config-file",
    "--log-file-name",
    "--log-level",
    "--param",
    "--params-file",
    "--remap",
    "-e",
    "-p",
    "-r",
)
_SIGN = re.compile(":=|->|=")
_LOCATION = re.compile(r", at \S+\.c:\d+")  # locations in rcl's source
_FLAG = re.compile(r"--(en|dis)able-(external-lib|rosout|stdout)-logs")


def check_options(arguments: Sequence[str]) -> None:
    """Raise ConfigurationError for ROS arguments that rclpy refused; the message says what to do.

    Does nothing where only rclpy knows what is wrong.
    """
    for options, (what, form) in _RULES.items():
        for rule in ros_arguments(arguments, *options):
            name, _, value = rule.partition(":=")
            if what == "parameter" and value.lstrip().startswith("<"):
                raise ConfigurationError(
                    f"{options[0]} {excerpt(rule)} cannot be read: XML has signs that ROS takes "
                    f"for its own; give {name} in a parameter file ({name}: |, and the text "
                    "indented below), or run robot_state_publisher and leave it out"
                )
            meant = _with_assignment(rule)
            if meant != rule or ":=" not in rule:
                write = f"{options[0]} {form}"
                proposal = f", like {excerpt(meant)}" if meant != rule else ""
                raise ConfigurationError(
                    f"{options[0]} {excerpt(rule)} is no {what}; write {write}{proposal}"
                )
    for rule in ros_arguments(arguments, *_REMAP):
        source, _, target = rule.partition(":=")
        if not source.endswith(_OF_A_NODE):
            where = f"in the remapping '{excerpt(rule)}'"
            check_topic(f"{where}, the new name", target)
            topic = source.rpartition(":")[2].removeprefix("//")  # without node and rostopic://
            check_topic(f"{where}, the old name", topic)
    of_ros = False
    for before, word in pairwise(arguments):
        if word in ("--ros-args", "--"):
            of_ros = word == "--ros-args"
        elif of_ros and not _known(before, word):
            raise ConfigurationError(
                f"'{excerpt(word)}' is no ROS argument; write {_nearest(excerpt(word))}"
            )


def _with_assignment(rule: str) -> str:
    """Return a rule with `:=` where it has another sign or spaces; without any, as it is."""
    found = _SIGN.search(rule) or re.search(":", rule)  # a node's name may be before a colon
    if found is None:
        return rule
    name, value = rule[: found.start()], rule[found.end() :]
    return f"{name.rstrip()}:={value if found[0] == ':=' else value.strip()}"


def _known(before: str, word: str) -> bool:
    return before in _WITH_VALUE or word in _WITH_VALUE or _FLAG.fullmatch(word) is not None


def _nearest(word: str) -> str:
    """Return what to write for a word that is no ROS argument."""
    if not word.startswith("-"):
        return f"-r {word} to remap, or -p {word} for a parameter"
    option, _, value = word.partition("=")
    near = difflib.get_close_matches(option, _WITH_VALUE, 1)
    if not near:
        return f"one of {', '.join(_WITH_VALUE)}, each followed by its value"
    return f"{near[0]} {value or 'VALUE'}, with a space between"


def rcl_message(error: RuntimeError) -> str:
    """Return the message of rclpy's RCLError in one line, without locations in rcl's source."""
    return printable(_LOCATION.sub("", " ".join(str(error).split())))
