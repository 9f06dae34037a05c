# SPDX-License-Identifier: Apache-2.0
"""A hold that survives restarts: a file exists while it is latched."""

import contextlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from rclpy.task import Future

from vera_ros.errors import ConfigurationError
from vera_ros.motion.execution.supervisor import Hold
from vera_ros.nodes.common.background import Background

HOLDS = Path("vera_ros", "hold")  # in ROS_HOME


def default_file(node_name: str) -> Path:
    """Return the default path of a node's hold file.

    Args:
        node_name: full name of the node; names contain no dots, so each has a file of its own.

    Raises:
        ConfigurationError: the home folder is not known.
    """
    try:
        home = Path(os.environ.get("ROS_HOME") or "~/.ros").expanduser()
    except RuntimeError as error:
        raise ConfigurationError(
            f"there is no folder for the hold file ({error}); set ROS_HOME to a folder, or the "
            "parameter 'hold_file' to the path of a file"
        ) from error
    return home / HOLDS / node_name.strip("/").replace("/", ".")


class KeptHold(Hold):
    """A hold that was requested, in this process or an earlier one, and not released yet.

    Args:
        node: the rclpy node, in whose log a hold that is found is reported.
        path: path of the hold file; empty: the default.
        identity: identity of the ik_node, written into the file.

    Raises:
        ConfigurationError: the path is a folder, or the default path is not known.

    Attributes:
        warnings: why the hold would not survive a restart; empty: it would.
    """

    def __init__(self, node: Any, path: str, identity: str) -> None:
        super().__init__()
        name = node.get_fully_qualified_name()
        self._path = Path(path).expanduser().absolute() if path else default_file(name)
        self._identity = identity
        self._logger = node.get_logger()
        self._background = Background(node)  # a disk may be slow, and the arm cannot wait
        self.warnings: list[str] = []
        try:
            words = self._path.read_text(errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return
        except IsADirectoryError as error:
            raise ConfigurationError(
                f"a hold cannot be kept in '{self._path}', which is a folder; set the parameter "
                "'hold_file' to the path of a file"
            ) from error
        except OSError as error:  # if in doubt, hold
            words = f"perhaps: {error}"
        self.held = True
        self._logger.warning(
            f"the arm is still held from an earlier run ({words}); call release when it is safe, "
            f"which removes {self._path}"
        )

    def keep(self) -> Future:
        """Create or remove the file as `held` requires; the future is done even if that fails."""
        return self._background.do(self._keep)

    def close(self) -> None:
        """Wait until the file is as `held` requires."""
        self._background.close(finish=True)

    def _keep(self) -> None:
        try:
            if not self.held:
                self._path.unlink(missing_ok=True)
            elif not self._path.exists():
                self._write()
        except OSError as error:
            fault = (
                f"the hold would not survive a restart of ik_node: {error}"
                if self.held
                else f"ik_node will be held again at its next start: {error}"
            )
            self.warnings = [f"{fault}; make {self._path} writable, or set hold_file to another"]
            self._logger.error(self.warnings[0])
        else:
            self.warnings = []

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            with draft.open("w") as file:
                now = datetime.now().astimezone().isoformat(timespec="seconds")
                file.write(f"since {now}, by {self._identity}\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
