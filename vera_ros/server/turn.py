# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to start a server at a port: two that load at once would fill the GPU twice."""

import fcntl
import os
import tempfile
from pathlib import Path


class Turn:
    """A lock that the kernel gives back when its holder dies.

    Args:
        port: of the server; each has a lock of its own.
    """

    def __init__(self, port: int) -> None:
        name = f"vera_ros_server_{port}_{os.getuid()}.lock"
        self._path = Path(tempfile.gettempdir()) / name
        self._file: int | None = None

    def take(self) -> bool:
        """Return whether it is ours, now or already."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def give(self) -> None:
        """Let others have it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
