# SPDX-License-Identifier: Apache-2.0
"""A hold that outlasts its process: a file is there while it is latched."""

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
    """Where the hold of a node is kept, unless it is told otherwise.

    Args:
        node_name: full name of the node; it may have no dots, so each name has a file of its own.

    Raises:
        ConfigurationError: there is no home folder.
    """
    try:
        home = Path(os.environ.get("ROS_HOME") or "~/.ros").expanduser()
    except RuntimeError as error:
        raise ConfigurationError(
            f"there is no place to keep a hold ({error}); set ROS_HOME to a folder, or the "
            "parameter 'hold_file' to the path of a file"
        ) from error
    return home / HOLDS / node_name.strip("/").replace("/", ".")


class KeptHold(Hold):
    """Whether a hold was asked for, in this process or one before, and not released yet.

    Args:
        node: the rclpy node, which is told in its log what is found and what goes wrong.
        path: of the file; empty: the default one.
        identity: of who keeps it.

    Raises:
        ConfigurationError: the file cannot be one.

    Attributes:
        warnings: why it would not outlast the process.
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
        except OSError as error:  # unknown means hold still
            words = f"perhaps: {error}"
        self.held = True
        self._logger.warning(
            f"the arm is held since before this start ({words}); call release when it is safe, "
            f"which removes {self._path}"
        )

    def keep(self) -> Future:
        """Have the file say what `held` says; the future is done when it does, or cannot."""
        return self._background.do(self._keep)

    def close(self) -> None:
        """Wait until the file says what `held` says."""
        self._background.close(finish=True)

    def _keep(self) -> None:
        try:
            if not self.held:
                self._path.unlink(missing_ok=True)
            elif not self._path.exists():
                self._write()
        except OSError as error:
            fault = (
                f"the hold would not outlast ik_node: {error}"
                if self.held
                else f"ik_node will be held again when it starts: {error}"
            )
            self.warnings = [f"{fault}; make {self._path} writable, or set hold_file to another"]
            self._logger.error(self.warnings[0])
        else:
            self.warnings = []

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
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
