# SPDX-License-Identifier: Apache-2.0
"""Every parameter refuses what is out of range, in words; the tables say what is valid."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import rclpy
from rclpy.parameter import Parameter as RosParameter

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.parameters.declarations import (
    Parameter,
    declare_parameters,
    markdown_table,
)
from vera_ros.nodes.ik.setup import parameters as ik_parameters
from vera_ros.nodes.ik_node import IkNode
from vera_ros.nodes.policy import parameters as policy_parameters
from vera_ros.nodes.policy_node import PolicyNode
from vera_ros.nodes.reference_server import ReferenceServer
from vera_ros.nodes.server import parameters as server_parameters
from vera_ros.nodes.server import reference_parameters
from vera_ros.nodes.server_node import ServerNode
from vera_ros.nodes.sim import parameters as sim_parameters
from vera_ros.nodes.sim_node import SimNode

from ...stage import Stage

NODES: dict[type[VeraNode], tuple[Parameter, ...]] = {
    IkNode: ik_parameters.PARAMETERS,
    PolicyNode: policy_parameters.PARAMETERS,
    SimNode: sim_parameters.PARAMETERS,
    ReferenceServer: reference_parameters.PARAMETERS,
    ServerNode: server_parameters.PARAMETERS,
}
ALL = [(kind, parameter) for kind, group in NODES.items() for parameter in group]
every_parameter = pytest.mark.parametrize(
    "parameter", [p for _, p in ALL], ids=[f"{kind.__name__}-{p.name}" for kind, p in ALL]
)


def in_list(parameter: Parameter, value: Any) -> Any:
    """The value alone, or as the last of as many as the default has."""
    if not isinstance(parameter.default, list):
        return value
    return [*parameter.default[:-1], value]


def invalid_values(parameter: Parameter) -> Iterator[Any]:
    number = parameter.default[0] if isinstance(parameter.default, list) else parameter.default
    if parameter.choices:
        yield in_list(parameter, "something else")
    if isinstance(number, int | float) and not isinstance(number, bool):
        yield in_list(parameter, float("nan"))
        yield in_list(parameter, float("inf"))
        if parameter.minimum is not None:
            yield in_list(parameter, parameter.minimum - 1)
        if parameter.maximum is not None:
            yield in_list(parameter, parameter.maximum + 1)
    if parameter.length is not None and isinstance(parameter.default, list):
        yield parameter.default[:-1]
        yield [*parameter.default, parameter.default[0]]


@every_parameter
def test_the_default_is_valid_and_the_rest_is_refused(parameter: Parameter) -> None:
    parameter.check(parameter.default)
    for value in invalid_values(parameter):
        with pytest.raises(ConfigurationError) as error:
            parameter.check(value)
        said = str(error.value)
        assert f"'{parameter.name}' is {value!r}" in said
        assert parameter.valid in said
        assert parameter.description in said


@every_parameter
@pytest.mark.parametrize("given", [None, {}, [{}], [None], [[]]])
def test_what_is_of_no_type_is_refused_in_words(parameter: Parameter, given: Any) -> None:
    with pytest.raises(ConfigurationError) as error:
        parameter.read(given, "'as it is written'")
    assert f"'{parameter.name}' is 'as it is written'; valid is " in str(error.value)


@every_parameter
def test_every_number_has_a_range_and_every_parameter_a_meaning(parameter: Parameter) -> None:
    number = parameter.default[0] if isinstance(parameter.default, list) else parameter.default
    if isinstance(number, int | float) and not isinstance(number, bool):
        assert parameter.minimum is not None
        assert parameter.maximum is not None
    assert parameter.description


@pytest.mark.parametrize(
    ("name", "given", "advice"),
    [
        ("speed_scale", "50%", "write it like speed_scale: 0.5"),
        ("table_check", 1, "write it like table_check: true"),
        ("table_z_m", "-0,1185", "write it like table_z_m: -0.1185"),
        ("gripper_debounce_steps", 3.0, "write it like gripper_debounce_steps: 3"),
        ("allowed_publishers", "move_group", "write it like allowed_publishers: ['move_group']"),
        ("allowed_publishers", True, "write it like allowed_publishers: ['name']"),
        ("joint_names", "a, b", "write it like joint_names: ['a', 'b']"),
        ("workspace_lower", "0,1; 2 cm; 0.3", "write it like workspace_lower: [0.1, 0.02, 0.3]"),
        ("workspace_lower", 0.5, "write it like workspace_lower: [0.2, "),
        ("limits", None, "write it like limits: 'panda_limits.yaml'"),
    ],
)
def test_the_advice_is_what_was_meant(name: str, given: Any, advice: str) -> None:
    parameter = next(each for each in ik_parameters.PARAMETERS if each.name == name)
    with pytest.raises(ConfigurationError) as error:
        parameter.read(given)
    assert advice in str(error.value)


@pytest.mark.parametrize(
    ("name", "given"),
    [("speed_scale", "150%"), ("table_check", "maybe"), ("table_z_m", "118 mm high")],
)
def test_without_a_meaning_there_is_no_advice(name: str, given: Any) -> None:
    parameter = next(each for each in ik_parameters.PARAMETERS if each.name == name)
    with pytest.raises(ConfigurationError) as error:
        parameter.read(given)
    assert "write it" not in str(error.value)
    assert parameter._words() in str(error.value)


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        (IkNode, "tcp_speed_limit", 30.0, ("30.0", "0.01", "3", "m/s")),
        (IkNode, "tcp_speed_limit", 4, ("4.0", "0.01", "3", "m/s")),
        (IkNode, "tcp_speed_limit", "fast", ("'fast'", "a number", "0.01 … 3 m/s")),
        (IkNode, "gripper_debounce_steps", 2.0, ("2.0", "a whole number")),
        (IkNode, "workspace_lower", [0.1, 0.2], ("[0.1, 0.2]", "3 values")),
        (
            IkNode,
            "joint_names",
            "panda_joint1",
            ("'panda_joint1'", "list of texts", "write it like joint_names: ['panda_joint1']"),
        ),
        (IkNode, "embodiment", "spot", ("spot", "mimicgen", "pusht")),
        (PolicyNode, "image_transport", "theora", ("theora", "raw | compressed")),
        (PolicyNode, "warmup_frames", 0, ("0", "1", "64")),
        (PolicyNode, "view_topics", [], ("[]", "at least one")),
        (PolicyNode, "server_url", "ws://gpu:0", ("ws://gpu:0", "1 … 65535")),
        (PolicyNode, "viewer_url", "ws://gpu:1", ("ws://gpu:1", "http://host:port")),
        (ReferenceServer, "host", "two words", ("two words", "host name")),
        (ReferenceServer, "embodiment", "spot", ("spot", "mimicgen", "pusht")),
        (PolicyNode, "autostart", "yes", ("'yes'", "valid is true or false", "true")),
        (SimNode, "sabotage", "blur", ("blur", "frozen")),
        (SimNode, "seed", -1, ("-1", "0")),
        (ReferenceServer, "port", 123456, ("123456", "65535")),
        (ServerNode, "server_port", 123456, ("123456", "65535")),
        (ServerNode, "server_mode", "cloud", ("cloud", "docker")),
    ],
)
def test_a_node_does_not_start_with_it(
    stage: Stage, kind: type[VeraNode], name: str, value: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigurationError) as error:
        stage.add(kind, **{name: value})
    assert f"'{name}'" in str(error.value)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (IkNode, "speed_scal", ("ik_node; nearest are speed_scale",)),
        (PolicyNode, "workspace_lower", ("policy_node but of ik_node", "'/**/ik_node'")),
        (SimNode, "remappings", ("sim_node",)),
        (ReferenceServer, "autostrat", ("reference_server; nearest are autostart",)),
        (ServerNode, "xyzzy", ("server_node", "parameters.md")),
    ],
)
def test_a_node_does_not_start_with_a_parameter_that_it_does_not_declare(
    stage: Stage, kind: type[VeraNode], name: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigurationError) as error:
        stage.add(kind, **{name: 1})
    assert f"parameter '{name}', given to '/" in str(error.value)
    for word in words:
        assert word in str(error.value)


@dataclass
class Declared:
    value: Any


class Undeclared:
    """Stands for a node: everything has its default."""

    def __init__(self) -> None:
        self.descriptors: dict[str, Any] = {}
        self._parameter_overrides: dict[str, Any] = {}

    def declare_parameter(self, name: str, default: Any, descriptor: Any) -> Declared:
        assert name not in self.descriptors
        self.descriptors[name] = descriptor
        return Declared(default)


@pytest.mark.parametrize("parameters", NODES.values(), ids=lambda group: group[0].name)
def test_descriptors_tell_what_the_tables_tell(parameters: tuple[Parameter, ...]) -> None:
    node = Undeclared()
    values = declare_parameters(node, parameters)
    assert values == {parameter.name: parameter.default for parameter in parameters}
    table = markdown_table(parameters).splitlines()
    assert len(table) == len(parameters) + 2
    for parameter, row in zip(parameters, table[2:], strict=True):
        descriptor = node.descriptors[parameter.name]
        assert descriptor.read_only is not parameter.live
        assert descriptor.additional_constraints == parameter.valid
        assert parameter.description in descriptor.description
        assert row.startswith(f"| `{parameter.name}` |")
        assert row.replace(r"\|", "").count("|") == table[0].count("|")
        assert parameter.description in row


def test_a_running_node_keeps_its_parameters(stage: Stage) -> None:
    node = stage.add_policy()
    answer = node.set_parameters([RosParameter("crop", value=True)])
    assert not answer[0].successful
    assert node.parameters["crop"] is False
    assert rclpy.ok(context=node.context)
