# SPDX-License-Identifier: Apache-2.0
"""What another user may have written is not used. Another user is a real one: this needs root."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vera_ros import private_folders
from vera_ros.private_folders import (
    UnsafeFolderError,
    private_folder,
    private_temporary_folder,
)

STRANGER = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two users")


def by_stranger(*command: Path | str) -> None:
    """Run a command as another user."""
    subprocess.run(command, user=STRANGER, group=STRANGER, check=True)


def mode(folder: Path) -> int:
    return folder.lstat().st_mode & 0o7777


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder like /tmp, which other users reach."""
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        shared.chmod(0o1777)
        yield shared


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = private_folder(tmp_path, "a", "b")
        assert private_folder(tmp_path, "a", "b") == folder == tmp_path / "a" / "b"
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder.parent)) == (0o700, 0o700)


def hostile_folder(place: Path) -> None:
    by_stranger("mkdir", place)


def hostile_link(place: Path) -> None:
    by_stranger("ln", "-s", "/", place)


def own_link(place: Path) -> None:
    place.symlink_to(place.parent)


def own_file(place: Path) -> None:
    place.touch()


def open_to_the_group(place: Path) -> None:
    place.mkdir()
    place.chmod(0o770)


def open_to_all(place: Path) -> None:
    place.mkdir()
    place.chmod(0o1777)  # sticky or not: files can be added


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(hostile_folder, marks=as_root),
        pytest.param(hostile_link, marks=as_root),
        own_link,
        own_file,
        open_to_the_group,
        open_to_all,
    ],
)
@pytest.mark.parametrize("names", [("mine",), ("mine", "deeper")])
def test_a_folder_that_others_may_have_filled_is_refused(
    shared: Path, make: Callable[[Path], None], names: tuple[str, ...]
) -> None:
    make(shared / "mine")
    with pytest.raises(UnsafeFolderError, match=f"{shared}/mine"):
        private_folder(shared, *names)


def of_a_group(place: Path) -> None:
    os.chown(place, -1, 12)
    place.chmod(0o775)


@pytest.mark.parametrize(
    "above",
    [
        pytest.param(lambda place: os.chown(place, STRANGER, STRANGER), marks=as_root),
        lambda place: place.chmod(0o777),
        pytest.param(of_a_group, marks=as_root),
    ],
)
def test_so_is_one_that_others_can_replace(tmp_path: Path, above: Callable[[Path], object]) -> None:
    base = tmp_path / "above" / "base"
    base.mkdir(parents=True)
    above(base.parent)
    with pytest.raises(UnsafeFolderError, match=f"'{tmp_path}/above'"):
        private_folder(base, "mine")


def test_a_link_to_a_safe_folder_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "disk")
    assert private_folder(tmp_path / "cache", "mine") == tmp_path / "disk" / "mine"


@as_root
def test_a_link_into_a_stranger_s_folder_is_not(shared: Path) -> None:
    by_stranger("mkdir", shared / "theirs")
    (shared / "cache").symlink_to(shared / "theirs")
    with pytest.raises(UnsafeFolderError, match=f"{shared}/theirs' belongs to user {STRANGER}"):
        private_folder(shared / "cache", "mine")


def test_the_temporary_folder_is_one_for_all_processes_of_a_user(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    assert private_temporary_folder() == shared / f"vera_ros-{os.geteuid()}"
    assert private_temporary_folder() == private_temporary_folder()


@as_root
def test_who_was_faster_gets_nothing_but_an_error(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    hostile_folder(shared / f"vera_ros-{os.geteuid()}")
    with pytest.raises(UnsafeFolderError, match="remove it, or choose another place by TMPDIR"):
        private_temporary_folder()


@pytest.mark.parametrize(
    ("user", "mapping", "known"),
    [
        (65534, "0 0 4294967295\n", False),
        (65534, "0 1000 1\n", True),
        (65534, "0 1000 1\n1 100000 65536\n", True),
        (1234, "0 1000 1\n", False),
    ],
)
def test_in_a_container_the_hosts_root_has_no_number(
    user: int, mapping: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: mapping)
    assert private_folders._is_of_the_host(user) is known
