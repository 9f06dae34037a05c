# SPDX-License-Identifier: Apache-2.0
"""What others publish is recorded as it is found; what is not found stays as it was."""

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vera_ros.checkpoints.table import Bundle, read_table

from .machine import ROOT, TABLE

FILES = (
    *("config/checkpoints.json", "config/checkpoints.schema.json", "docker/compose.yaml"),
    *("docker/vera_ros/Dockerfile", "docker/vera_server/Dockerfile"),
)


def load() -> Any:
    spec = importlib.util.spec_from_file_location("pin", ROOT / "docker" / "pin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pin"] = module
    spec.loader.exec_module(module)
    return module


pin = load()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def digest_of(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")[:64]


def publisher(bundle: Bundle) -> Any:
    files = {
        file.path: pin.PublishedFile(bytes=100 + n, sha256=f"{n:064x}")
        for n, file in enumerate(bundle.files)
    }
    return pin.Published(revision="ab" * 20, files=files)


def without_records(text: str) -> str:
    """A file's text without what `pin` fills in."""
    text = re.sub(r"@sha256:\w+", "", text)
    text = re.sub(r'("digest"|"sha256"|"revision"): ("\w+(:\w+)?"|null)', r"\1", text)
    return re.sub(r'"bytes": \w+', "", text)


def test_all_is_recorded_and_nothing_else_changes(repository: Path) -> None:
    before = {name: (repository / name).read_text() for name in FILES}
    assert pin.pin(repository, digest_of, publisher) == []
    table = json.loads((repository / "config/checkpoints.json").read_text())
    schema = json.loads((repository / "config/checkpoints.schema.json").read_text())
    jsonschema.validate(table, schema)
    for image in table["images"].values():
        assert image["digest"] == digest_of(image["name"])
        used = "".join((repository / name).read_text() for name in FILES[2:])
        assert f"{image['name']}@{image['digest']}" in used
    for bundle in table["bundles"].values():
        recorded = not bundle.get("in_image")
        assert (bundle["revision"] == "ab" * 20) is recorded
        for n, file in enumerate(bundle["files"]):
            assert (file["sha256"] == f"{n:064x}") is recorded
            assert (file["bytes"] == 100 + n) is recorded
    for name in FILES:
        assert without_records((repository / name).read_text()) == without_records(before[name])
    second = {name: (repository / name).read_text() for name in FILES}
    pin.pin(repository, digest_of, publisher)
    assert second == {name: (repository / name).read_text() for name in FILES}


def test_what_is_not_found_stays_as_it_was_and_is_named(repository: Path) -> None:
    def no_digest(name: str) -> str:
        raise LookupError(f"no network for {name}")

    def nothing(_: Bundle) -> Any:
        raise OSError("no network")

    before = {name: (repository / name).read_text() for name in FILES}
    complaints = pin.pin(repository, no_digest, nothing)
    assert before == {name: (repository / name).read_text() for name in FILES}
    for name in (*TABLE["images"], "mimicgen-idm", "vggt-1b", "convnext-tiny"):
        assert any(complaint.startswith(f"{name}: ") for complaint in complaints)


def test_a_file_that_its_publisher_lacks_is_named(repository: Path) -> None:
    none = pin.Published(revision="cd" * 20, files={})
    complaints = pin.pin(repository, digest_of, lambda _: none, only=["pusht-idm"])
    assert complaints == [
        f"pusht-idm: its publisher has no {name}" for name in ("model.ckpt", "config.yaml")
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(name=st.sampled_from(sorted(TABLE["bundles"])))
def test_one_alone_leaves_the_others(repository: Path, name: str) -> None:
    for file in FILES:
        shutil.copy(ROOT / file, repository / file)
    pin.pin(repository, digest_of, publisher, only=[name])
    table = json.loads((repository / "config/checkpoints.json").read_text())
    changed = [n for n, bundle in table["bundles"].items() if bundle != TABLE["bundles"][n]]
    assert changed == ([] if TABLE["bundles"][name].get("in_image") else [name])


@pytest.mark.parametrize("said", ["", "sha256:12", "latest", "sha256:" + "g" * 64])
def test_what_is_no_digest_is_not_taken_for_one(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\necho '{said}'\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(LookupError, match="Docker finds no digest of ros:jazzy"):
        pin.image_digest("ros:jazzy")


def test_a_revision_is_part_of_the_command_that_fetches_it(repository: Path) -> None:
    pin.pin(repository, digest_of, publisher)
    pinned = shutil.copy(repository / "config/checkpoints.json", repository / "pinned.json")
    bundles = read_table(Path(pinned)).bundles
    assert bundles["mimicgen-idm"].fetch.endswith(f" --revision {'ab' * 20}")
    assert f"/resolve/{'ab' * 20}/" in bundles["alltracker-weights"].fetch
    assert "main" not in bundles["alltracker-weights"].fetch
    assert bundles["vggt-1b"].fetch == bundles["vggt-1b"].command  # its cache knows `main` alone
