# SPDX-License-Identifier: Apache-2.0
"""ROS arguments of a command line."""

from collections.abc import Mapping, Sequence
from itertools import pairwise


def ros_arguments(arguments: Sequence[str], *options: str) -> list[str]:
    """Return the values of these options among the ROS arguments of a command line."""
    values, of_ros = [], False
    for word, following in pairwise(arguments):
        if word in ("--ros-args", "--"):
            of_ros = word == "--ros-args"
        elif of_ros and word in options:
            values.append(following)
    return values


def replace_files(arguments: Sequence[str], files: Mapping[str, str]) -> list[str]:
    """Return a command line whose parameter files are replaced by others, by their paths."""
    pairs = zip(("", *arguments), arguments, strict=False)
    return [files.get(word, word) if before == "--params-file" else word for before, word in pairs]
