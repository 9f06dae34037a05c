# SPDX-License-Identifier: Apache-2.0
"""The safety case names tests, files and causes that exist."""

import re
from pathlib import Path

import pytest

from vera_ros.motion.causes import Cause

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "safety_case.md").read_text()
TESTS = re.findall(r"`(test/[\w/]+\.py)(?:::(\w+))?`", TEXT)
SECTION = re.compile(r"^### (.+?)\n(.+?)(?=^##)", re.MULTILINE | re.DOTALL)


def test_it_names_tests() -> None:
    assert len(TESTS) > 20


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_every_test_that_it_names_is_there(path: str, name: str) -> None:
    source = (ROOT / path).read_text()
    assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)


def test_every_file_that_it_names_is_there() -> None:
    for path in re.findall(r"`(vera_ros/[\w/]+\.py)`", TEXT):
        assert (ROOT / path).is_file(), path


def test_every_cause_that_it_names_is_one() -> None:
    named = set(re.findall(r"\b([A-Z]{4,}(?:_[A-Z]+)+|CONTACT)\b", TEXT))
    assert named
    assert named <= {cause.name for cause in Cause}


@pytest.mark.parametrize(("promise", "body"), SECTION.findall(TEXT))
def test_every_promise_has_hazard_mechanism_and_proof(promise: str, body: str) -> None:
    for row in ("Hazard", "Mechanism", "Shown by"):
        assert f"| {row} |" in body, promise
