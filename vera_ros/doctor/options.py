# SPDX-License-Identifier: Apache-2.0
"""Options of the doctor command."""

import os
from dataclasses import dataclass
from pathlib import Path

from vera_ros.errors import ConfigurationError
from vera_ros.ros_rules import check_namespace
from vera_ros.wire.connection.address import split_url

# Those of vera_ros.bringup.graph_options, which needs libraries and is not imported here.
ROBOTS = ("sim", "real")
SERVERS = ("reference", "attach", "docker", "subprocess")
DEADLINE_S = 8.5  # so that the page is there within 10 s of the command

_DEADLINES_S = (1.0, 600.0)


@dataclass(frozen=True)
class Options:
    """Validated options of one run.

    Attributes:
        embodiment: which robot kind; it chooses the default parameter file.
        robot: `sim` or `real`.
        server: where the policy comes from, one of SERVERS.
        server_url: of the policy server; empty: the configuration's, or the default.
        config: ROS parameter file; empty: the packaged one.
        params_file: ROS parameter file whose values win over those of config; empty: none.
        namespace: of the graph; empty: none.
        ckpt_root: folder of VERA's checkpoints; None: not given.
        wan_root: folder of the Wan base model; None: not given.
        verify: whether the content of checkpoints is compared with recorded hashes.
        json: file that the findings are written to; None: none.
        deadline_s: time after which checks without an answer are given up.

    Raises:
        ConfigurationError: an option is invalid.
    """

    embodiment: str = "mimicgen"
    robot: str = "sim"
    server: str = "reference"
    server_url: str = ""
    config: str = ""
    params_file: str = ""
    namespace: str = ""
    ckpt_root: Path | None = None
    wan_root: Path | None = None
    verify: bool = False
    json: Path | None = None
    deadline_s: float = DEADLINE_S

    def __post_init__(self) -> None:
        _check_choice("--robot", self.robot, ROBOTS)
        _check_choice("--server", self.server, SERVERS)
        if self.server_url:
            split_url("--server-url", self.server_url)
        check_namespace("--namespace", self.namespace)
        low, high = _DEADLINES_S
        if not low <= self.deadline_s <= high:
            raise ConfigurationError(
                f"--deadline is {self.deadline_s:g} s; valid is {low:g} … {high:g}"
            )
        if self.json is not None:
            _check_writable(self.json)

    @property
    def prefix(self) -> str:
        """Prefix of names in the namespace: empty, or like `/cell/left`."""
        return f"/{self.namespace.strip('/')}".rstrip("/")

    @property
    def serves_vera(self) -> bool:
        """Whether VERA itself is to run on this machine."""
        return self.server in ("docker", "subprocess")

    def as_json(self) -> dict[str, str | float | None]:
        """Return the options as plain values, for the report."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in vars(self).items()
        }


def _check_choice(option: str, value: str, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ConfigurationError(f"{option} is '{value}'; valid is {' | '.join(valid)}")


def _check_writable(path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise ConfigurationError(f"--json is '{path}', a folder; name a file in it")
    if not folder.is_dir():
        raise ConfigurationError(f"--json is '{path}', but there is no folder '{folder}'; make it")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"--json is '{path}', which is not writable; choose another")
