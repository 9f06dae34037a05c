# SPDX-License-Identifier: Apache-2.0
"""Room for real servers, and a Docker engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vera_ros.bringup.isolation import free_port

from .room import Engine, Room


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(str(tmp_path), free_port())
    yield made
    made.clear()


@pytest.fixture
def engine(tmp_path: Path, room: Room) -> Engine:
    return Engine(tmp_path / "engine", room)
