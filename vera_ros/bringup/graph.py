# SPDX-License-Identifier: Apache-2.0
"""The nodes of the system and their parameters, for launch file and demo."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from vera_ros import parameter_files
from vera_ros.bringup.enclaves import check_keystore, enclave_of
from vera_ros.bringup.graph_options import STARTED_BY_SERVER_NODE, GraphOptions, Value
from vera_ros.bringup.remappings import read_remappings
from vera_ros.errors import ConfigurationError
from vera_ros.parameter_layers import given_to
from vera_ros.robots.registry import find_robot
from vera_ros.ros_rules import check_namespace

_LOCKSTEP_SILENCE_S = 5.0  # of joint states, in real time


@dataclass(frozen=True)
class NodeSpec:
    """A node to start, by launch or as a process.

    Attributes:
        executable: in lib/vera_ros, and the module's name in vera_ros.nodes.
        name: the node's name.
        parameter_files: ROS parameter files, later ones win.
        parameters: win over the files.
        remappings: (name in the graph, name of the topic).
        enclave: whose keys it uses; empty: none.
    """

    executable: str
    name: str
    parameter_files: tuple[Path, ...] = ()
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    enclave: str = ""


def nodes(options: GraphOptions, namespace: str = "") -> tuple[NodeSpec, ...]:
    """Return the nodes of the system.

    Which parameters each node declares is not known here (their modules need libraries that the
    launch file lacks): the nodes themselves refuse undeclared ones.

    Args:
        options: the options of the system.
        namespace: namespace of the nodes; empty: none.

    Raises:
        ConfigurationError: the namespace is not valid, the configuration file cannot be used, no
            node reads a block of it (see `check_blocks`), parameters are given for a node that
            is not part of this system, the simulated arm's description cannot be used, or the
            keystore lacks keys of a node.
    """
    parameters: dict[str, dict[str, Value]] = {}
    check_namespace("namespace", namespace)
    url = urlsplit(options.url)
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
    files = [parameter_files.read_blocks(path) for path in options.parameter_paths]
    description = _robot_description(options, files, namespace)
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
    for file in files:
        parameter_files.check_blocks(file, namespace, dict.fromkeys(parameter_files.NODES))
    remappings = read_remappings(files, options, namespace)
    if options.on_clock and options.robot == "sim":
        remappings["/clock"] = "clock"  # each graph in a namespace has its own time
    common: dict[str, Value] = {"use_sim_time": True} if options.on_clock else {}
    if not options.autostart:
        common["autostart"] = False
    enclaves = dict.fromkeys(parameters, "")
    if options.keystore_path is not None:
        enclaves = {name: enclave_of(namespace, name) for name in parameters}
        check_keystore(options.keystore_path, enclaves.values())
    paths, renamed = options.parameter_paths, tuple(remappings.items())
    return tuple(
        NodeSpec(name, name, paths, common | own, renamed, enclaves[name])
        for name, own in parameters.items()
    )


def _put_in_lockstep(parameters: dict[str, dict[str, Value]]) -> None:
    """Set the parameters of lockstep: time on request, lossless pictures, awaited verdicts.

    Joint states may be silent for longer: the simulator takes as long as a busy machine needs.
    """
    parameters["ik_node"] |= {"joint_state_timeout_s": _LOCKSTEP_SILENCE_S}
    for name in ("sim_node", "policy_node"):
        parameters[name] |= {"lockstep": True, "image_reliability": "reliable"}
    if "judge_node" in parameters:
        parameters["judge_node"] |= {"lockstep": True}
        parameters["policy_node"] |= {"await_verdict": True}


def _robot_description(
    options: GraphOptions, files: Sequence[Sequence[parameter_files.Block]], namespace: str
) -> str:
    """Return the URDF that is known at start-up; empty: it comes from the robot's topic.

    The simulated arm's is the one in sim_node's parameters, with the hand that sim_node gives it.
    """
    if options.robot != "sim":
        return options.robot_description
    simulator = find_robot(options.embodiment).simulator
    prefix = f"/{namespace.strip('/')}".rstrip("/")
    given = given_to(f"{prefix}/sim_node", files)
    given |= options.parameters.get("sim_node", {})
    if given.get("arm_description") and simulator.other_arms is None:
        raise ConfigurationError(
            f"arm_description is '{given['arm_description']}' for {options.embodiment}, which has "
            "no arm that could be another; leave arm and arm_description out"
        )
    return simulator.describe(given)


def command(spec: NodeSpec, namespace: str, folder: Path) -> list[str]:
    """Return the command that runs the node as a process; `namespace`: empty for none.

    The node's parameters are written into a file in `folder`, which must live as long as the node
    takes to start.

    Raises:
        ConfigurationError: the namespace is not valid.
    """
    check_namespace("namespace", namespace)
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
    if spec.enclave:
        line += ["--enclave", spec.enclave]
    for file in (*spec.parameter_files, own):
        line += ["--params-file", str(file)]
    return line
