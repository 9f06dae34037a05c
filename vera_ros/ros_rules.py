# SPDX-License-Identifier: Apache-2.0
"""What ROS takes as names, namespaces, topics and domains. Standard library only.

Checked before ROS is asked, which does not say what is valid, or ends the process without a word.
"""

import re
from collections.abc import Mapping

from vera_ros.errors import ConfigurationError
from vera_ros.printable import excerpt

LARGEST_DOMAIN = 232  # above it, there are no UDP ports for it (DDSI-RTPS, section 9.6.1.1)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def check_name(what: str, name: str) -> None:
    """Raise ConfigurationError unless this is a node's name; `what` names it in the error."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{what} is '{excerpt(name)}'; valid are letters, digits and _, beginning with a "
            "letter, like left_arm"
        )


def check_namespace(what: str, namespace: str) -> None:
    """Raise ConfigurationError unless this is a namespace; `what` names it in the error."""
    parts = namespace.removeprefix("/").split("/")
    if namespace not in ("", "/") and not all(_NAME.fullmatch(part) for part in parts):
        raise ConfigurationError(
            f"{what} is '{excerpt(namespace)}'; valid are letters, digits and _ between slashes, "
            "each part beginning with a letter, like left or /cell/left_arm"
        )


def check_topic(what: str, topic: str) -> None:
    """Raise ConfigurationError unless this is a topic's name; `what` names it in the error."""
    parts = topic.removeprefix("~").removeprefix("/").split("/")
    if not all(_NAME.fullmatch(part) for part in parts):
        raise ConfigurationError(
            f"{what} is '{excerpt(topic)}'; valid are letters, digits and _ between slashes, each "
            "part beginning with a letter, like front_camera/image_raw (see ros2 topic list)"
        )


def check_optional_topic(what: str, topic: str) -> None:
    """Raise ConfigurationError unless this is a topic's name, or empty."""
    if topic:
        check_topic(what, topic)


def check_full_name(what: str, name: str) -> None:
    """Raise ConfigurationError unless this is a node's full name, or empty."""
    if name and not (name.startswith("/") and all(map(_NAME.fullmatch, name[1:].split("/")))):
        raise ConfigurationError(
            f"{what} has '{excerpt(name)}'; valid is a node's full name, beginning with /, like "
            "/left/move_group (ros2 node list names yours)"
        )


def check_domain(environment: Mapping[str, str]) -> None:
    """Raise ConfigurationError unless ROS_DOMAIN_ID is a domain, or empty."""
    text = environment.get("ROS_DOMAIN_ID", "")
    if text and not (text.isascii() and text.isdecimal() and int(text) <= LARGEST_DOMAIN):
        raise ConfigurationError(
            f"the environment variable ROS_DOMAIN_ID is '{text}'; valid is 0 to {LARGEST_DOMAIN}, "
            "the same on all machines: export ROS_DOMAIN_ID=0"
        )
