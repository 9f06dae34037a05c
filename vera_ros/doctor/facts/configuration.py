# SPDX-License-Identifier: Apache-2.0
"""The chosen parameter files, as the nodes would read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vera_ros.doctor.facts.tools import Deadline, probe
from vera_ros.doctor.options import Options
from vera_ros.embodiments import Embodiment, find_embodiment
from vera_ros.errors import ConfigurationError


@dataclass(frozen=True)
class Configuration:
    """Contents of the parameter files, and the address of the policy server.

    Attributes:
        paths: of the files; later ones win.
        remappings: (name in the graph, name of the topic).
        policy: parameters of policy_node, by name.
        ik: parameters of ik_node, by name; with the URDF of a simulated robot.
        server: parameters of server_node, by name.
        server_url: address of the policy server, whether or not it is running.
        foreign: one line for each block of the file that is for other nodes.
    """

    paths: tuple[Path, ...]
    remappings: tuple[tuple[str, str], ...]
    policy: Mapping[str, Any]
    ik: Mapping[str, Any]
    server: Mapping[str, Any]
    server_url: str
    foreign: tuple[str, ...] = ()

    @property
    def files(self) -> str:
        """The paths of the files, as text."""
        return " and ".join(f"{path}" for path in self.paths)

    @property
    def embodiment(self) -> Embodiment:
        """The embodiment that policy_node is set to."""
        return find_embodiment(self.policy["embodiment"]).with_views(
            self.policy["control_view_keys"]
        )

    @property
    def compressed(self) -> bool:
        """Whether the views are compressed images."""
        return bool(self.policy["image_transport"] == "compressed")

    @property
    def view_topics(self) -> dict[str, str]:
        """Topic of each view, as policy_node subscribes to it."""
        ending = "/compressed" if self.compressed else ""
        topics: Sequence[str] = self.policy["view_topics"]
        return {
            view: f"{topic}{ending}"
            for view, topic in zip(self.embodiment.view_keys, topics, strict=True)
        }


def read(options: Options, deadline: Deadline) -> Configuration:
    """Read the parameter files that the options select.

    Raises:
        ConfigurationError: a file cannot be used.
        ToolError: the probe that reads it failed.
    """
    from vera_ros.bringup.graph import nodes
    from vera_ros.bringup.graph_options import GraphOptions

    chosen = GraphOptions(
        embodiment=options.embodiment,
        robot=options.robot,
        server=options.server,
        server_url=options.server_url,
        config=options.config,
        params_file=options.params_file,
    )
    graph = {spec.name: spec for spec in nodes(chosen, options.prefix)}
    paths = chosen.parameter_paths
    asked = {"files": [str(path) for path in paths], "namespace": options.prefix or "/"}
    facts = probe("parameters", deadline, asked)
    if "error" in facts:
        raise ConfigurationError(facts["error"])
    foreign = tuple(facts["foreign"])
    policy, ik, server = (facts[name] for name in ("policy_node", "ik_node", "server_node"))
    described = {"robot_description": graph["ik_node"].parameters.get("robot_description", "")}
    ik |= described if options.robot == "sim" else {}
    url, remappings = chosen.url or policy["server_url"], graph["ik_node"].remappings
    return check(Configuration(paths, remappings, policy, ik, server, url, foreign))


def check(configuration: Configuration) -> Configuration:
    """Return the configuration if the parameters of its nodes fit together.

    Raises:
        ConfigurationError: they do not.
    """
    ik, embodiment = configuration.ik, configuration.embodiment
    if ik["embodiment"] != embodiment.name:
        raise ConfigurationError(
            f"the embodiment of policy_node is '{embodiment.name}' and that of ik_node "
            f"'{ik['embodiment']}'; make them the same"
        )
    return configuration
