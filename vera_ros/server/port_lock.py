# SPDX-License-Identifier: Apache-2.0
"""The lock for starting a server at a port: two that load at once would exceed GPU memory."""

import fcntl
import os
import tempfile
from pathlib import Path


class PortLock:
    """A lock between processes, which the kernel releases when its holder dies.

    Args:
        port: port of the server; each port has a lock of its own.
    """

    def __init__(self, port: int) -> None:
        name = f"vera_ros_server_{port}_{os.getuid()}.lock"
        self._path = Path(tempfile.gettempdir()) / name
        self._file: int | None = None

    def acquire(self) -> bool:
        """Acquire the lock without waiting; return whether this object holds it."""
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

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
