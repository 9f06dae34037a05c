# SPDX-License-Identifier: Apache-2.0
"""config/checkpoints.json is read whole, and by one reader."""

import ast
import dataclasses
import json
import re
import sys
from pathlib import Path

from vera_ros.checkpoints.table import read_table

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "config" / "checkpoints.json"
PACKAGE = ROOT / "vera_ros" / "checkpoints"


def test_every_entry_is_read() -> None:
    read = json.loads(json.dumps(dataclasses.asdict(read_table(TABLE))))
    written = json.loads(TABLE.read_text())
    assert read.keys() == written.keys() - {"$schema", "upstream"}
    for part, entries in read.items():
        assert entries.keys() == written[part].keys()
        for name, entry in entries.items():
            _check_read(entry, written[part][name])


def _check_read(read: object, written: object) -> None:
    """Everything that is written was read; more are defaults."""
    if isinstance(written, dict):
        assert isinstance(read, dict)
        for key, value in written.items():
            _check_read(read[key], value)
    elif isinstance(written, list):
        assert isinstance(read, list)
        for one, other in zip(read, written, strict=True):
            _check_read(one, other)
    else:
        assert read == written


def test_nothing_else_reads_the_file() -> None:
    sources = [*(ROOT / "docker").rglob("*.py"), *(ROOT / "vera_ros").rglob("*.py")]
    named = re.compile(r'"checkpoints\.json"')
    readers = {str(path.relative_to(ROOT)) for path in sources if named.search(path.read_text())}
    assert readers - {"docker/pin.py"} == {  # which writes it
        "docker/vera_server/bundle_folders.py",
        "vera_ros/server/settings.py",
    }


def test_the_package_needs_the_standard_library_alone() -> None:
    """The server's image has no more of vera_ros."""
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                own = name.startswith("vera_ros.checkpoints")
                assert own or name.split(".")[0] in sys.stdlib_module_names, f"{path}: {name}"
