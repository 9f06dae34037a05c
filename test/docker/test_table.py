# SPDX-License-Identifier: Apache-2.0
"""The image's reader of config/checkpoints.json and vera_ros's read the same."""

import dataclasses
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from vera_ros.server import checkpoint_table

from .machine import PROGRAMS, ROOT


@pytest.fixture
def image_table() -> Iterator[ModuleType]:
    """The module that the image has; it has no package."""
    name = "vera_server_table"
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / "table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


def test_both_readers_agree(image_table: ModuleType) -> None:
    mine = json.loads(checkpoint_table.load_table().model_dump_json())
    theirs = json.loads(json.dumps(dataclasses.asdict(image_table.load_table())))
    assert mine == theirs
    file = json.loads((ROOT / "config" / "checkpoints.json").read_text())
    assert mine.keys() == file.keys() - {"$schema", "upstream"}
    for part, entries in mine.items():
        assert entries.keys() == file[part].keys()


def test_nobody_else_reads_the_file() -> None:
    """Who needs the table takes it from one of the two."""
    sources = [*PROGRAMS.glob("*.py"), *(ROOT / "vera_ros").rglob("*.py")]
    opened = re.compile(r'"checkpoints\.json"')
    readers = [path.relative_to(ROOT) for path in sources if opened.search(path.read_text())]
    assert {str(path) for path in readers} == {
        "docker/vera_server/table.py",
        "vera_ros/server/checkpoint_table.py",
    }
