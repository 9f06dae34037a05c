# SPDX-License-Identifier: Apache-2.0
"""The options with which the system is started."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.robots.registry import find_robot
from vera_ros.sim.sabotage import check_sabotage
from vera_ros.wire.connection.address import WEBSOCKET, split_url, without_password

Value = bool | int | float | str | list[str] | list[float]

ROBOTS = ("sim", "real")
SERVERS = ("reference", "attach", "docker", "subprocess")
STARTED_BY_SERVER_NODE = ("docker", "subprocess")
DEFAULT_EMBODIMENT = "mimicgen"

_REAL_CONFIG = {DEFAULT_EMBODIMENT: "real_panda.yaml"}  # of the others, none is packaged


def default_server_url(embodiment: str = DEFAULT_EMBODIMENT) -> str:
    """Return the address of an embodiment's policy server on this machine."""
    return f"ws://127.0.0.1:{find_embodiment(embodiment).policy_port}"


def default_config(robot: str, embodiment: str = DEFAULT_EMBODIMENT) -> str:
    """Return the name of the packaged parameter file.

    Raises:
        ConfigurationError: there is none.
    """
    if robot == "sim":
        return find_robot(embodiment).config
    if embodiment not in _REAL_CONFIG:
        raise ConfigurationError(
            f"there is no packaged parameter file of a real arm for {embodiment}; give your own as "
            f"config, such as a copy of config/{_REAL_CONFIG[DEFAULT_EMBODIMENT]} with the views, "
            f"the tcp_frame and the embodiment of {embodiment}"
        )
    return _REAL_CONFIG[embodiment]


@dataclass(frozen=True)
class GraphOptions:
    """The options with which the system is started.

    Attributes:
        embodiment: chooses the default parameter file and the default port.
        robot: `sim`, or `real` for an arm behind a joint_trajectory_controller.
        server: `reference` starts the reference policy, `docker` and `subprocess` start VERA,
            `attach` connects to a running server.
        server_url: address of the policy server. Empty: the default, or with `attach` what the
            configuration file says.
        seed: seed of the simulated scene.
        realtime_factor: simulated over real time; anything but 1 makes all nodes use /clock.
        lockstep: simulated time passes only while a chunk plays, and all nodes use /clock.
        sabotage: fault of the simulated pictures.
        judge: whether a node ends an episode when the simulated task is done.
        config: ROS parameter file; empty: the packaged one of the robot.
        arm: which arm, a name in config/arms or the path of such a file, whose values win over
            those of config; empty: the Panda, or what config says.
        params_file: ROS parameter file whose values win over those of config and arm; empty: none.
        use_sim_time: all nodes use /clock, whatever the other options say.
        autostart: whether the nodes configure and activate themselves.
        robot_description: URDF of a real arm; empty: from its topic.
        keystore: folder with the nodes' keys for SROS2; empty: the graph is open.
        parameters: further parameters, by node name; they win over everything else.

    Raises:
        ConfigurationError: a value, or a combination of them, is not valid.
    """

    embodiment: str = DEFAULT_EMBODIMENT
    robot: str = "sim"
    server: str = "reference"
    server_url: str = ""
    seed: int = 0
    realtime_factor: float = 1.0
    lockstep: bool = False
    sabotage: str = "none"
    judge: bool = True
    config: Path | str = ""
    arm: Path | str = ""
    params_file: Path | str = ""
    use_sim_time: bool = False
    autostart: bool = True
    robot_description: str = ""
    keystore: Path | str = ""
    parameters: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        find_embodiment(self.embodiment)
        _check_choice("robot", self.robot, ROBOTS)
        _check_choice("server", self.server, SERVERS)
        check_sabotage(self.sabotage, len(find_embodiment(self.embodiment).view_keys))
        if not 0 <= self.seed < 2**31:
            raise ConfigurationError(f"seed is {self.seed}; valid is 0 to {2**31 - 1}")
        if not (math.isfinite(self.realtime_factor) and self.realtime_factor > 0.0):
            raise ConfigurationError(
                f"realtime_factor is {self.realtime_factor}; valid is a number above 0"
            )
        if self.lockstep and self.realtime_factor != 1.0:
            raise ConfigurationError(
                f"realtime_factor is {self.realtime_factor} with lockstep, where time passes only "
                "on request; leave one of them out"
            )
        if self.robot == "real":
            self._check_real()
        if self.url:
            self._check_url()

    def _check_real(self) -> None:
        for name, value, only in (
            ("realtime_factor", self.realtime_factor, 1.0),
            ("lockstep", self.lockstep, False),
            ("sabotage", self.sabotage, "none"),
        ):
            if value != only:
                raise ConfigurationError(
                    f"{name} is {value} with robot 'real'; it is for robot 'sim' alone, leave it "
                    f"at {only}"
                )

    def _check_url(self) -> None:
        url = self.url
        schemes = WEBSOCKET if self.server == "attach" else WEBSOCKET[:1]  # what starts has no TLS
        parts = split_url("server_url", url, schemes)
        if self.server != "attach" and parts.port is None:
            raise ConfigurationError(
                f"server_url '{without_password(url)}' has no port; the server that is started "
                f"needs to know on which one to listen, like {default_server_url(self.embodiment)}"
            )

    @property
    def on_clock(self) -> bool:
        """Whether all nodes follow /clock."""
        return self.use_sim_time or self.lockstep or self.realtime_factor != 1.0

    @property
    def url(self) -> str:
        """The server's address; empty: the one in the configuration file."""
        if self.server_url or self.server == "attach":
            return self.server_url
        return default_server_url(self.embodiment)

    @property
    def parameter_paths(self) -> tuple[Path, ...]:
        """The parameter files, of which later ones win.

        Raises:
            ConfigurationError: one does not exist, or none is packaged.
        """
        config = (
            _existing("config", self.config, "the packaged one")
            if str(self.config)
            else share_path("config", default_config(self.robot, self.embodiment))
        )
        paths = [config]
        if str(self.arm):
            paths += self._arm_paths()
        if str(self.params_file):
            without = f"'{config.name}' alone"
            paths.append(_existing("params_file", self.params_file, without))
        return tuple(paths)

    def _arm_paths(self) -> list[Path]:
        """Return the parameter file of the arm, after that of what it takes the place of."""
        needed = find_robot(self.embodiment).simulator.other_arms
        if needed is None:
            raise ConfigurationError(
                f"arm is '{self.arm}', and {self.embodiment} has no arm that could be another; "
                "leave it out"
            )
        arm = find_arm(self.arm)
        return [share_path("config", needed), arm] if needed else [arm]

    @property
    def keystore_path(self) -> Path | None:
        """The keystore; None: the graph is open."""
        return Path(self.keystore).expanduser().resolve() if str(self.keystore) else None


def packaged_arms() -> tuple[str, ...]:
    """Return the names of the arms of which a parameter file is packaged."""
    return tuple(sorted(file.stem for file in share_path("config", "arms").glob("*.yaml")))


def find_arm(arm: Path | str) -> Path:
    """Return the parameter file of an arm.

    Args:
        arm: a name in config/arms, or the path of such a file.

    Raises:
        ConfigurationError: there is none.
    """
    arms = packaged_arms()
    if str(arm) in arms:
        return share_path("config", "arms", f"{arm}.yaml")
    path = Path(arm).expanduser().resolve()
    if not path.is_file():
        raise ConfigurationError(
            f"arm '{arm}' is not known; valid are {', '.join(arms)}, or the path of a file like "
            f"config/arms/{arms[0]}.yaml"
        )
    return path


def _existing(name: str, given: Path | str, without: str) -> Path:
    """Return the path of a file that is given as an option; `without`: what holds without it."""
    path = Path(given).expanduser().resolve()
    if not path.is_file():
        raise ConfigurationError(
            f"{name} '{given}' is not a file; give the path of a ROS parameter file, or nothing "
            f"for {without}"
        )
    return path


def _check_choice(name: str, value: str, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ConfigurationError(f"{name} is '{value}'; valid is {' or '.join(valid)}")
