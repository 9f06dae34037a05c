# SPDX-License-Identifier: Apache-2.0
"""What to do about what Docker says."""

import pytest

from vera_ros.server.docker_cli import remedy_for


@pytest.mark.parametrize(
    "said",
    [
        "Bind for 127.0.0.1:8801 failed: port is already allocated",
        # Before and since version 28, where the holder is no container.
        "Error starting userland proxy: listen tcp4 127.0.0.1:8801: bind: address already in use",
        "failed to bind host port 127.0.0.1:8801/tcp: address already in use",
    ],
)
def test_a_busy_port_may_be_either_of_two(said: str) -> None:
    remedy = remedy_for(f"docker: Error response from daemon: {said}\n")
    assert "server_port or vis_port" in remedy


def test_what_is_not_known_has_no_remedy() -> None:
    assert remedy_for("docker: unknown flag: --gpu") == ""
