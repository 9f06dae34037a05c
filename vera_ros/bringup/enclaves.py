# SPDX-License-Identifier: Apache-2.0
"""Enclaves of the nodes in a keystore of SROS2: their names, files and environment variables."""

import os
from collections.abc import Iterable
from pathlib import Path

from vera_ros.errors import ConfigurationError

ENABLE = "ROS_SECURITY_ENABLE"
KEYSTORE = "ROS_SECURITY_KEYSTORE"
STRATEGY = "ROS_SECURITY_STRATEGY"
OVERRIDE = "ROS_SECURITY_ENCLAVE_OVERRIDE"

# Of an enclave, as rmw's DDS implementations read them.
FILES = (
    "cert.pem",
    "governance.p7s",
    "identity_ca.cert.pem",
    "key.pem",
    "permissions.p7s",
    "permissions_ca.cert.pem",
)
GUIDE = "docs/how_to/secure_the_graph.md"

# Enclaves of programs that are no nodes of this package.
OPERATOR = "operator"  # a person's command line
OBSERVER = "observer"  # rviz2, and whatever else only reads
STATE_PUBLISHER = "robot_state_publisher"


def enclave_of(namespace: str, name: str) -> str:
    """Return the enclave of a node, such as `/vera_ros/left/ik_node`; `namespace`: empty: none."""
    return "/".join(filter(None, ("/vera_ros", namespace.strip("/"), name)))


def secure_environment(keystore: Path) -> dict[str, str]:
    """Return the variables with which a node that has an enclave runs only with its keys."""
    # The override would give every node the keys of the person that starts them.
    return {ENABLE: "true", STRATEGY: "Enforce", KEYSTORE: str(keystore), OVERRIDE: ""}


def enclave_folder(keystore: Path, enclave: str) -> Path:
    """Return the folder of an enclave's files."""
    return keystore / "enclaves" / enclave.strip("/")


def missing_files(keystore: Path, enclave: str) -> tuple[str, ...]:
    """Return which of an enclave's files do not exist, or cannot be read by this user."""
    folder = enclave_folder(keystore, enclave)
    return tuple(name for name in FILES if not os.access(folder / name, os.R_OK))


def check_keystore(keystore: Path, enclaves: Iterable[str]) -> None:
    """Raise ConfigurationError unless all files of these enclaves can be read."""
    for enclave in enclaves:
        if missing := missing_files(keystore, enclave):
            raise ConfigurationError(
                f"the keystore '{keystore}' has no readable {', '.join(missing)} of the enclave "
                f"'{enclave}'; make keys for it as {GUIDE} shows, or give another keystore"
            )
