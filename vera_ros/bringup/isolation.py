# SPDX-License-Identifier: Apache-2.0
"""Isolation of concurrent runs: a free ROS domain and a free port for each."""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from vera_ros.bringup.failures import DemoError
from vera_ros.private_folders import UnsafeFolderError, lock

# Linux assigns ports from 32768 on to any process, so the domains above 101 are not safe there.
_DOMAINS = range(1, 102)
# Ports of a domain in DDSI-RTPS (section 9.6.1.1): discovery by multicast, then by unicast.
_PORT_BASE = 7400
_DOMAIN_GAIN = 250
_DISCOVERY_OFFSETS = (0, 10)


@contextmanager
def own_domain() -> Iterator[int]:
    """Reserve a ROS_DOMAIN_ID that nothing else on this machine uses.

    Raises:
        DemoError: all are in use, or there is no folder in which only this user can write.
    """
    candidates = list(_DOMAINS)
    random.shuffle(candidates)
    for domain in candidates:
        descriptor = _lock(domain)
        if descriptor is None:
            continue
        try:
            if _silent(domain):
                yield domain
                return
        finally:
            os.close(descriptor)
    raise DemoError(
        f"every ROS_DOMAIN_ID from {_DOMAINS[0]} to {_DOMAINS[-1]} is in use on this machine; "
        "stop some of the ROS programs that run here"
    )


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _lock(domain: int) -> int | None:
    """Lock the domain and return the descriptor of the lock; None: another run holds it."""
    try:
        return lock(f"domain_{domain}.lock")
    except (OSError, UnsafeFolderError) as error:
        raise DemoError(f"a ROS_DOMAIN_ID cannot be reserved: {error}") from error


def _silent(domain: int) -> bool:
    """Return whether no DDS participant of this machine is in the domain."""
    for offset in _DISCOVERY_OFFSETS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", _PORT_BASE + _DOMAIN_GAIN * domain + offset))
            except OSError:
                return False
    return True
