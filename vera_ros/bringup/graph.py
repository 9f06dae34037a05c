# SPDX-License-Identifier: Apache-2.0
"""Which nodes with which parameters make the system: launch file and demo take it from here."""

import math
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import yaml

from vera_ros import parameter_files
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.sim.sabotage import SABOTAGES

Value = bool | int | float | str | list[str] | list[float]

ROBOTS = ("sim", "real")
SERVERS = ("reference", "attach", "docker", "subprocess")
STARTED_BY_SERVER_NODE = ("docker", "subprocess")
DEFAULT_CONFIG = {"sim": "mimicgen_panda.yaml", "real": "real_panda.yaml"}

_EMBODIMENT = find_embodiment("mimicgen")
DEFAULT_SERVER_URL = f"ws://127.0.0.1:{_EMBODIMENT.policy_port}"
_NAMESPACE = re.compile(r"(/?[A-Za-z][A-Za-z0-9_]*)(/[A-Za-z][A-Za-z0-9_]*)*|/?")

# Launch reads these itself, whatever a launch file declares.
_OF_LAUNCH = (
    "emulate_tty",
    "launch-prefix",
    "launch-prefix-filter",
    "sigkill_timeout",
    "sigterm_timeout",
)


@dataclass(frozen=True)
class GraphOptions:
    """What is chosen when the system is started.

    Attributes:
        robot: `sim`, or `real` for an arm behind a joint_trajectory_controller.
        server: `reference` starts the reference policy, `docker` and `subprocess` start VERA,
            `attach` connects to a running server.
        server_url: of the policy server. Empty: its own, or, to attach, what the configuration
            file says.
        seed: of the simulated scene.
        realtime_factor: simulated over real time; anything but 1 makes all nodes use /clock.
        lockstep: simulated time passes only while a chunk plays, and all nodes use /clock.
        sabotage: what is wrong with the simulated pictures.
        judge: a node ends an episode when the simulated tower stands.
        config: ROS parameter file; empty: the packaged one of the robot.
        robot_description: URDF of a real arm; empty: from its topic.
        parameters: more parameters, by node name; they win over everything else.

    Raises:
        ConfigurationError: a value, or a combination of them, is not valid.
    """

    robot: str = "sim"
    server: str = "reference"
    server_url: str = ""
    seed: int = 0
    realtime_factor: float = 1.0
    lockstep: bool = False
    sabotage: str = "none"
    judge: bool = True
    config: Path | str = ""
    robot_description: str = ""
    parameters: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_choice("robot", self.robot, ROBOTS)
        _check_choice("server", self.server, SERVERS)
        _check_choice("sabotage", self.sabotage, SABOTAGES)
        if not 0 <= self.seed < 2**31:
            raise ConfigurationError(f"seed is {self.seed}; valid is 0 to {2**31 - 1}")
        if not (math.isfinite(self.realtime_factor) and self.realtime_factor > 0.0):
            raise ConfigurationError(
                f"realtime_factor is {self.realtime_factor}; valid is a number above 0"
            )
        if self.lockstep and self.realtime_factor != 1.0:
            raise ConfigurationError(
                f"realtime_factor is {self.realtime_factor} with lockstep, where time passes when "
                "it is asked to; leave one of them away"
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
        url, parts = self.url, _split(self.url)
        schemes = ("ws", "wss") if self.server == "attach" else ("ws",)
        if parts.scheme not in schemes or not parts.hostname:
            raise ConfigurationError(
                f"server_url is '{url}'; valid with server '{self.server}' is "
                f"{' or '.join(schemes)}://host:port, like {DEFAULT_SERVER_URL}"
            )
        if self.server != "attach" and parts.port is None:
            raise ConfigurationError(
                f"server_url '{url}' has no port; the server that is started needs to know on "
                f"which one to listen, like {DEFAULT_SERVER_URL}"
            )

    @property
    def on_clock(self) -> bool:
        """Whether all nodes follow /clock."""
        return self.lockstep or self.realtime_factor != 1.0

    @property
    def url(self) -> str:
        """The server's address; empty: what the configuration file says."""
        if self.server_url or self.server == "attach":
            return self.server_url
        return DEFAULT_SERVER_URL

    @property
    def config_path(self) -> Path:
        """The parameter file.

        Raises:
            ConfigurationError: it does not exist.
        """
        if not str(self.config):
            return share_path("config", DEFAULT_CONFIG[self.robot])
        path = Path(self.config).expanduser().resolve()
        if not path.is_file():
            raise ConfigurationError(
                f"config '{self.config}' is not a file; give the path of a ROS parameter file, or "
                f"nothing for the packaged {DEFAULT_CONFIG[self.robot]}"
            )
        return path


@dataclass(frozen=True)
class NodeSpec:
    """One node: where it runs does not matter here.

    Attributes:
        executable: in lib/vera_ros, and the module's name in vera_ros.nodes.
        name: of the node.
        parameter_files: ROS parameter files, later ones win.
        parameters: win over the files.
        remappings: (name in the graph, name of the topic).
    """

    executable: str
    name: str
    parameter_files: tuple[Path, ...] = ()
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()


def nodes(options: GraphOptions, namespace: str = "") -> tuple[NodeSpec, ...]:
    """Return the nodes that make the system.

    Which parameters each node declares is not known here (their modules need libraries that the
    launch file lacks): the nodes themselves refuse the others.

    Args:
        options: what is chosen.
        namespace: that the nodes are going to be in; empty: none.

    Raises:
        ConfigurationError: the configuration file cannot be used, no node reads a block of it (see
            `check_blocks`), or parameters are given for a node that is not part of this system.
    """
    parameters: dict[str, dict[str, Value]] = {}
    url = _split(options.url)
    if options.server == "reference":
        parameters["reference_server"] = {"host": str(url.hostname), "port": int(url.port or 0)}
    if options.server in STARTED_BY_SERVER_NODE:
        parameters["server_node"] = {
            "server_mode": options.server,
            "server_host": str(url.hostname),
            "server_port": int(url.port or 0),
        }
    if options.robot == "sim":
        parameters["sim_node"] = {
            "seed": options.seed,
            "realtime_factor": float(options.realtime_factor),
            "publish_clock": options.on_clock,
            "sabotage": options.sabotage,
        }
        if options.judge:
            parameters["judge_node"] = {}
    description = robot_description(options)
    parameters["ik_node"] = {"robot_description": description} if description else {}
    parameters["policy_node"] = {"server_url": options.url} if options.url else {}
    if options.lockstep:
        _put_in_lockstep(parameters)
    for name, more in options.parameters.items():
        if name not in parameters:
            raise ConfigurationError(
                f"parameters are given for '{name}', which is not part of this system; the nodes "
                f"are {', '.join(parameters)}"
            )
        parameters[name] |= more
    path = options.config_path
    blocks = parameter_files.read_blocks(path)
    parameter_files.check_blocks(blocks, namespace, dict.fromkeys(parameter_files.NODES))
    remappings = _remappings(blocks)
    if options.on_clock:
        remappings += (("/clock", "clock"),)  # of two graphs in namespaces, each has its own time
    clock: dict[str, Value] = {"use_sim_time": True} if options.on_clock else {}
    return tuple(
        NodeSpec(name, name, (path,), clock | own, remappings) for name, own in parameters.items()
    )


def _put_in_lockstep(parameters: dict[str, dict[str, Value]]) -> None:
    """Have time pass when policy_node says so, pictures get lost nowhere, and the judge asked."""
    for name in ("sim_node", "policy_node"):
        parameters[name] |= {"lockstep": True, "image_reliability": "reliable"}
    if "judge_node" in parameters:
        parameters["judge_node"] |= {"lockstep": True}
        parameters["policy_node"] |= {"await_verdict": True}


def robot_description(options: GraphOptions) -> str:
    """Return the URDF that is known at start-up; empty: it comes from the robot's topic."""
    if options.robot == "sim":
        return share_path("description", "urdf", "panda.urdf").read_text()
    return options.robot_description


def command(spec: NodeSpec, namespace: str, folder: Path) -> list[str]:
    """Return the command that runs the node as a process; `namespace`: empty for none.

    The node's parameters are written into a file in `folder`, which must live as long as the node
    takes to start.

    Raises:
        ConfigurationError: the namespace is not valid.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise ConfigurationError(
            f"namespace is '{namespace}'; valid are letters, digits and _ between slashes, like "
            "left or /cell/left"
        )
    prefix = f"/{namespace.strip('/')}".rstrip("/")
    # Under the node's full name: no pattern in a parameter file is more specific than that.
    own = folder / f"{spec.name}.yaml"
    own.write_text(
        yaml.safe_dump({f"{prefix}/{spec.name}": {"ros__parameters": dict(spec.parameters)}})
    )
    line = [sys.executable, "-m", f"vera_ros.nodes.{spec.executable}", "--ros-args"]
    line += ["-r", f"__node:={spec.name}", "-r", f"__ns:={prefix or '/'}"]
    for source, target in spec.remappings:
        line += ["-r", f"{source}:={target}"]
    for file in (*spec.parameter_files, own):
        line += ["--params-file", str(file)]
    return line


def _remappings(blocks: tuple[parameter_files.Block, ...]) -> tuple[tuple[str, str], ...]:
    """The parameter `remappings` of all nodes (`/**`) in a parameter file."""
    pairs = []
    for block in blocks:
        for rule in block.remappings:
            source, _, target = rule.partition(":=")
            if not (source and target) or ":=" in target:
                raise ConfigurationError(
                    f"remapping '{rule}' in '{block.path}' is not valid; write "
                    "'joint_states:=/joint_states'"
                )
            pairs.append((source, target))
    return tuple(pairs)


def check_launch_arguments(given: Iterable[str], declared: Collection[str]) -> None:
    """Refuse launch arguments that the launch file does not declare; launch ignores them silently.

    Args:
        given: as on the command line, `name:=value`.
        declared: names of the launch file's arguments.

    Raises:
        ConfigurationError: naming the argument and the nearest valid ones.
    """
    for argument in given:
        name = argument.partition(":=")[0]
        if name not in declared and name not in _OF_LAUNCH:
            near = get_close_matches(name, sorted(declared), 3) or sorted(declared)
            raise ConfigurationError(
                f"launch argument '{name}' is not known; nearest are {', '.join(near)} (parameters "
                "of nodes stand in the file that is given as config)"
            )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(
            f"server_url is '{url}': {error}; valid is like {DEFAULT_SERVER_URL}"
        ) from error
    return parts


def _check_choice(name: str, value: str, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ConfigurationError(f"{name} is '{value}'; valid is {' or '.join(valid)}")
