# SPDX-License-Identifier: Apache-2.0
"""Just-in-time compilation of inner loops with Numba, cached on disk for the next start."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

from vera_ros.private_folders import UnsafeFolderError, private_folder, private_temporary_folder

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays at its first call; it runs without the GIL.

    Numba notices a change of a function's own file, but not of the files of those that it calls: so
    the cache folder is named by a digest of all of them. What is in it runs when it is loaded: so
    no other user may have written it.
    """
    folder = _cache_folder()
    config = cast(Any, numba.config)
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder or "")
    try:
        # NumPy's error model: what cannot be computed yields NaN instead of an exception.
        compiler = numba.njit(cache=folder is not None, error_model="numpy", nogil=True)
        return cast(Callable[P, R], compiler(function))
    finally:
        config.CACHE_DIR = before


@cache
def _cache_folder() -> Path | None:
    """Return a folder in which this user alone can write, in its cache or a temporary one.

    None: there is none, and every process compiles for itself.
    """
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    places: tuple[Callable[[], Path], ...] = (
        lambda: private_folder(Path(named or Path.home() / ".cache", "vera_ros"), digest),
        lambda: private_folder(private_temporary_folder(), "compiled", digest),
    )
    for place in places:
        with contextlib.suppress(OSError, RuntimeError, UnsafeFolderError):  # no home: RuntimeError
            folder = place()
            if os.access(folder, os.W_OK):
                return folder
    return None
