# SPDX-License-Identifier: Apache-2.0
"""Folders that no other user can have written to, for compiled code and locks (POSIX)."""

import contextlib
import fcntl
import os
import stat
import tempfile
from pathlib import Path

from vera_ros.errors import ConfigurationError

_ROOT = 0
_UNMAPPED = 65534  # how a container shows the users of its host that it does not know
_EVERY_USER = 2**32 - 1
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class UnsafeFolderError(ConfigurationError):
    """Another user may have written to a folder, or may replace it."""


def private_folder(base: Path, *names: str) -> Path:
    """Return the folder base/names, made where it is missing, in which only this user can write.

    Links in `base` are resolved, and nobody but this user and root may be able to replace a folder
    on that path. `names` must be folders of this user, not links to any.

    Raises:
        UnsafeFolderError: another user owns a folder, or can write to it.
        OSError: a folder cannot be made.
    """
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = base.resolve()  # a link that points elsewhere later changes nothing
    for parent in (*reversed(folder.parents), folder):
        _check_parent(parent)
    for name in names:
        folder /= name
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        _check_own(folder)
    return folder


def private_temporary_folder() -> Path:
    """Return this user's folder among the temporary ones, the same in all processes.

    Raises:
        UnsafeFolderError, OSError: see `private_folder`.
    """
    return private_folder(Path(tempfile.gettempdir()), f"vera_ros-{os.geteuid()}")


def lock(name: str) -> int | None:
    """Lock a file in this user's temporary folder, without waiting.

    The kernel releases the lock when its holder dies.

    Returns:
        A descriptor, which holds the lock until it is closed; None: another process holds it.

    Raises:
        UnsafeFolderError, OSError: see `private_folder`.
    """
    path = private_temporary_folder() / name
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return file


def _check_own(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeFolderError(
            f"'{folder}' is a link or a file where a folder is needed: remove it"
        )
    if found.st_uid != os.geteuid():
        raise UnsafeFolderError(
            f"'{folder}' belongs to user {found.st_uid}, not to this user ({os.geteuid()}): remove "
            "it, or choose another place by TMPDIR or NUMBA_CACHE_DIR"
        )
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise UnsafeFolderError(
            f"other users can write to '{folder}' (mode {stat.S_IMODE(found.st_mode):o}, valid is "
            "700): look for what is not yours in it, and remove it"
        )


def _check_parent(folder: Path) -> None:
    """Raise if another user can rename what this user has in the folder."""
    found = folder.lstat()
    if found.st_uid not in (_ROOT, os.geteuid()) and not _is_of_the_host(found.st_uid):
        raise UnsafeFolderError(
            f"'{folder}' belongs to user {found.st_uid}, neither to this user ({os.geteuid()}) nor "
            "to root: choose another place"
        )
    others = found.st_mode & _WRITABLE_BY_OTHERS
    if others & stat.S_IWGRP and found.st_gid == os.getegid() == os.geteuid():
        others &= ~stat.S_IWGRP  # the group of this user alone
    if others and not found.st_mode & stat.S_ISVTX:
        raise UnsafeFolderError(
            f"other users can replace what is in '{folder}' (mode "
            f"{stat.S_IMODE(found.st_mode):o}): run chmod go-w on it, or choose another place"
        )


def _is_of_the_host(user: int) -> bool:
    """Whether this is a user namespace, where users of the host have no number of their own."""
    return user == _UNMAPPED and not any(
        line.split() == ["0", "0", str(_EVERY_USER)]
        for line in Path("/proc/self/uid_map").read_text().splitlines()
    )
