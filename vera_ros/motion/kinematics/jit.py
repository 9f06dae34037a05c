# SPDX-License-Identifier: Apache-2.0
"""Just-in-time compilation of inner loops with Numba, cached on disk for the next start."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays at its first call; it runs without the GIL.

    Numba notices a change of a function's own file, but not of the files of those that it calls: so
    the cache folder is named by a digest of all of them.
    """
    config = cast(Any, numba.config)
    before, config.CACHE_DIR = config.CACHE_DIR, str(_cache_folder())
    try:
        # NumPy's error model: what cannot be computed yields NaN instead of an exception.
        compiler = numba.njit(cache=True, error_model="numpy", nogil=True)
        return cast(Callable[P, R], compiler(function))
    finally:
        config.CACHE_DIR = before


@cache
def _cache_folder() -> Path:
    """Return a writable folder: the user's cache, or a temporary one."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    for parent in (Path(named) if named else Path.home() / ".cache", Path(tempfile.gettempdir())):
        folder = parent / "vera_ros" / digest
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="vera_ros"))
