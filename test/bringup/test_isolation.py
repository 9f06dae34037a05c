# SPDX-License-Identifier: Apache-2.0
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.isolation import free_port, own_domain


def test_nobody_gets_a_domain_that_is_held() -> None:
    with ExitStack() as stack:
        domains = [stack.enter_context(own_domain()) for _ in range(10)]
    assert len(set(domains)) == len(domains)


def test_a_domain_where_someone_lives_is_left_alone() -> None:
    with own_domain() as domain:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as participant:
        participant.bind(("", 7400 + 250 * domain))
        with ExitStack() as stack:
            others = [stack.enter_context(own_domain()) for _ in range(20)]
    assert domain not in others


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_a_link_in_the_place_of_the_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / f"vera_ros-{os.geteuid()}"
    link.symlink_to("/")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(DemoError, match=f"'{link}' is a link"), own_domain():
        pass
