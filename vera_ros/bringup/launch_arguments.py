# SPDX-License-Identifier: Apache-2.0
"""The arguments of the launch files, and a check for others, which launch ignores."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from vera_ros.bringup.graph_options import ROBOTS, SERVERS, default_server_url
from vera_ros.errors import ConfigurationError

DDS_PROFILES = {"large_data": "fastdds_large_data.xml", "loopback": "fastdds_loopback.xml"}
_SWITCH = ("true", "false")

# Launch reads these itself, whatever a launch file declares.
_OF_LAUNCH = (
    "emulate_tty",
    "launch-prefix",
    "launch-prefix-filter",
    "sigkill_timeout",
    "sigterm_timeout",
)


@dataclass(frozen=True)
class LaunchArgument:
    """An argument of the launch files.

    Attributes:
        name: the argument's name.
        default: its value unless given.
        description: its meaning.
        choices: the valid values; None: any.
    """

    name: str
    default: str
    description: str
    choices: tuple[str, ...] | None = None

    @property
    def spellings(self) -> tuple[str, ...] | None:
        """The valid values as launch compares them: a switch also as Python writes it."""
        return (*_SWITCH, "True", "False") if self.choices == _SWITCH else self.choices

    def read(self, text: str) -> str:
        """Return a valid value in the spelling of `choices`."""
        return text.lower() if self.choices == _SWITCH else text


LAUNCH_ARGUMENTS = (
    LaunchArgument(
        "robot",
        "sim",
        "sim: an arm in MuJoCo; real: an arm behind a joint_trajectory_controller, with the "
        "remappings in the file given as config",
        ROBOTS,
    ),
    LaunchArgument(
        "server",
        "reference",
        "reference: start the reference policy, which needs no GPU; docker, subprocess: start "
        "VERA, as config and the VERA_* variables say; attach: connect to a policy server that "
        "runs already",
        SERVERS,
    ),
    LaunchArgument(
        "server_url",
        "",
        "address of the policy server, ws://host:port; empty: the embodiment's port on this "
        f"machine, for mimicgen {default_server_url()}, or with server:=attach what config says",
    ),
    LaunchArgument("rviz", "false", "start rviz2", _SWITCH),
    LaunchArgument("namespace", "", "namespace of all nodes; empty: none"),
    LaunchArgument("seed", "0", "seed of the simulated scene"),
    LaunchArgument(
        "realtime_factor",
        "1.0",
        "simulated over real time; anything but 1 makes all nodes follow /clock",
    ),
    LaunchArgument(
        "lockstep",
        "false",
        "simulated time passes only while a chunk plays: results do not depend on how long "
        "inference takes; the default is true for pusht",
        _SWITCH,
    ),
    LaunchArgument(
        "config",
        "",
        "ROS parameter file; empty: of the launch file's name, such as config/mimicgen_panda.yaml, "
        "or with robot:=real config/real_panda.yaml, which is mimicgen's",
    ),
    LaunchArgument(
        "arm",
        "",
        "which arm: a name in config/arms, such as xarm7, or the path of a file like those, whose "
        "values win over those of config; empty: the Panda, or what config says",
    ),
    LaunchArgument(
        "params_file",
        "",
        "ROS parameter file with a few values of your own, which win over those of config; "
        "remappings in it are added to those of config",
    ),
    LaunchArgument(
        "use_sim_time",
        "false",
        "true: all nodes follow /clock, here with the simulated arm's own time, with robot:=real "
        "that of another simulator; false: only with lockstep or another realtime_factor, or where "
        "a parameter file says so",
        _SWITCH,
    ),
    LaunchArgument(
        "autostart",
        "true",
        "false: no node configures and activates itself, since a lifecycle manager does that; "
        "true: all do whose parameter autostart is true",
        _SWITCH,
    ),
    LaunchArgument(
        "log_level",
        "info",
        "least severity that the nodes log",
        ("debug", "info", "warn", "error", "fatal"),
    ),
    LaunchArgument(
        "discovery",
        "auto",
        "where the nodes look for others, and are seen: localhost, on this machine alone; subnet, "
        "in the local network, where everybody may then command the arm; auto: as "
        "ROS_AUTOMATIC_DISCOVERY_RANGE says, else localhost",
        ("auto", "localhost", "subnet"),
    ),
    LaunchArgument(
        "keystore",
        "",
        "SROS2 keystore with keys for every node, without which none starts; empty: the one of "
        "ROS_SECURITY_KEYSTORE where ROS_SECURITY_ENABLE is true, else every program in the graph "
        "may command the arm",
    ),
    LaunchArgument(
        "dds_profile",
        "none",
        "Fast DDS settings of the nodes: large_data for pictures larger than 0.5 MB, which the "
        "camera drivers need as well; loopback: nothing leaves this machine; none: as the "
        "environment says",
        ("none", *DDS_PROFILES),
    ),
)


def check_launch_arguments(given: Iterable[str], declared: Collection[str]) -> None:
    """Refuse launch arguments that the launch file does not declare; launch ignores them silently.

    Args:
        given: as on the command line, `name:=value`.
        declared: names of the launch file's arguments.

    Raises:
        ConfigurationError: an argument is not declared; names it and the nearest valid ones.
    """
    for argument in given:
        name = argument.partition(":=")[0]
        if name not in declared and name not in _OF_LAUNCH:
            near = get_close_matches(name, sorted(declared), 3) or sorted(declared)
            raise ConfigurationError(
                f"launch argument '{name}' is not known; nearest are {', '.join(near)} (parameters "
                "of nodes belong in a file that is given as params_file or config)"
            )
