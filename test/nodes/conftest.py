# SPDX-License-Identifier: Apache-2.0
"""The stage, in a ROS domain of its own."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from .stage import Stage


@pytest.fixture
def stage(ros_domain: int, server_url: str) -> Iterator[Stage]:
    port = urlsplit(server_url).port
    assert port is not None
    with Stage(ros_domain, port) as made:
        yield made


@pytest.fixture
def playing(stage: Stage) -> Stage:
    """A stage on which an arm plays a long chunk."""
    stage.add_ready_ik(joint_state_timeout_s=2.0)
    stage.play_long()
    return stage
