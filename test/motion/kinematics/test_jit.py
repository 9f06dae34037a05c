# SPDX-License-Identifier: Apache-2.0
"""What is compiled is kept where it can be, under a name that follows the sources."""

import stat
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
    assert module._cache_folder().parent == tmp_path / ".cache" / "vera_ros"


@pytest.mark.parametrize("home", ["a file", "nowhere", "not writable"])
def test_where_the_home_cannot_be_written_to_another_folder_is(
    home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "home"
    if home == "a file":
        place.write_text("no folder")
    elif home == "not writable":
        place.mkdir()
        monkeypatch.setattr("os.access", lambda path, _: place not in Path(path).parents)
    else:
        place = Path("/proc/nobody")
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    folder = module._cache_folder()
    assert tmp_path / "temporary" in folder.parents
    assert compiled(double)(3.0) == 6.0
    assert list(folder.rglob("*.nbi"))


def test_where_no_named_folder_can_be_written_to_a_new_one_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.access", lambda *_: False)
    folder = module._cache_folder()
    assert folder.parent == tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


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
