# SPDX-License-Identifier: Apache-2.0
"""What is compiled is kept where it can be, under a name that follows the sources."""

import contextlib
import os
import pickle
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from vera_ros.motion.kinematics import jit as module
from vera_ros.motion.kinematics.jit import compiled

CONFIG: Any = numba.config


def double(x: float) -> float:
    return 2.0 * x


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    module._cache_folder.cache_clear()
    yield
    module._cache_folder.cache_clear()


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_the_users_cache_is_used(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    before = CONFIG.CACHE_DIR
    function = compiled(double)
    assert before == CONFIG.CACHE_DIR  # others, who compile something too, keep theirs
    assert function(2.0) == 4.0
    assert list((tmp_path / "vera_ros").rglob("*.nbi"))


def test_without_a_variable_it_is_the_homes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = module._cache_folder()
    assert folder is not None
    assert folder.parent == tmp_path / ".cache" / "vera_ros"


@pytest.mark.parametrize("home", ["a file", "nowhere", "open to all", "not writable"])
def test_where_the_home_cannot_be_written_to_another_folder_is(
    home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "home"
    if home == "a file":
        place.write_text("no folder")
    elif home == "open to all":
        place.mkdir()
        place.chmod(0o777)
    elif home == "not writable":
        place.mkdir()
        monkeypatch.setattr("os.access", lambda path, _: place not in Path(path).parents)
    else:
        place = Path("/proc/nobody")
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    folder = module._cache_folder()
    assert folder is not None
    assert tmp_path / "temporary" in folder.parents
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert compiled(double)(3.0) == 6.0
    assert list(folder.rglob("*.nbi"))


def test_without_any_folder_every_process_compiles_for_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.access", lambda *_: False)
    assert module._cache_folder() is None
    assert compiled(double)(3.0) == 6.0
    assert not list(tmp_path.rglob("*.nbi"))


class Poison:
    """A pickle that makes a file where it is loaded."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self._trace,)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that other users reach, with a cache that is right but for its pickles."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder / "good"))
        compiled(double)(1.0)
        module._cache_folder.cache_clear()
        shutil.copytree(folder / "good", folder / "bad")
        for index in (folder / "bad").rglob("*.nbi"):
            index.write_bytes(pickle.dumps(Poison(folder / "trace")))
        folder.chmod(0o1777)
        for place in (folder / "bad").rglob("*"):
            place.chmod(0o777)  # the stranger may copy it
        yield folder


def test_what_is_in_the_cache_runs_when_it_is_loaded(
    poisoned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason for what follows."""
    for place in (poisoned / "bad", *(poisoned / "bad").rglob("*")):
        place.chmod(0o700)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(poisoned / "bad"))
    with contextlib.suppress(Exception):
        compiled(double)(2.0)
    assert (poisoned / "trace").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two users")
@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "TMPDIR"])
def test_a_cache_that_another_user_has_filled_is_not_loaded(
    variable: str, poisoned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = poisoned / "theirs"
    target = {
        "HOME": place / ".cache",
        "TMPDIR": place / f"vera_ros-{os.geteuid()}" / "compiled",
    }.get(variable, place)
    source = poisoned / "bad" if variable != "TMPDIR" else poisoned / "bad" / "vera_ros"
    script = 'mkdir -p "$(dirname "$2")" && cp -r "$1" "$2"'
    subprocess.run(["sh", "-c", script, "", source, target], user=54321, group=54321, check=True)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    if variable == "TMPDIR":
        monkeypatch.setenv("HOME", "/proc/nobody")
        monkeypatch.setattr("tempfile.tempdir", str(place))
    else:
        monkeypatch.setenv(variable, str(place))
    assert list(target.rglob("*.nbi"))
    assert compiled(double)(2.0) == 4.0
    assert not (poisoned / "trace").exists()
    folder = module._cache_folder()
    assert folder is None or place not in folder.parents


def test_the_folder_changes_with_any_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sources, others = tmp_path / "motion" / "kinematics", tmp_path / "motion" / "response"
    for folder in (sources, others):
        folder.mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(sources / "jit.py"))
    (sources / "jit.py").write_text("x = 1")
    (others / "osc_law.py").write_text("y = 1")
    first = module._cache_folder()
    assert module._cache_folder() == first
    module._cache_folder.cache_clear()
    assert module._cache_folder() == first
    (others / "osc_law.py").write_text("y = 2")
    module._cache_folder.cache_clear()
    assert module._cache_folder() != first


def test_what_cannot_be_computed_is_not_a_number() -> None:
    @compiled
    def ratio(a: float, b: float) -> float:
        return a / b

    assert np.isnan(ratio(0.0, 0.0))
    assert ratio(1.0, 0.0) == np.inf
