# SPDX-License-Identifier: Apache-2.0
"""The lock for starting a server at a port: two that load at once would exceed GPU memory."""

import os

from vera_ros.errors import ServerStartError
from vera_ros.private_folders import UnsafeFolderError, lock


class PortLock:
    """A lock between processes, which the kernel releases when its holder dies.

    Args:
        port: port of the server; each port has a lock of its own.
    """

    def __init__(self, port: int) -> None:
        self._name = f"server_{port}.lock"
        self._file: int | None = None

    def acquire(self) -> bool:
        """Acquire the lock without waiting; return whether this object holds it.

        Raises:
            ServerStartError: there is no folder for locks in which this user alone can write.
        """
        if self._file is not None:
            return True
        try:
            self._file = lock(self._name)
        except (OSError, UnsafeFolderError) as error:
            raise ServerStartError(f"the server's port cannot be locked: {error}") from error
        return self._file is not None

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
