# SPDX-License-Identifier: Apache-2.0
"""The launch description of an embodiment's system, for the launch files."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import (
    DeclareLaunchArgument,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from vera_ros.bringup import enclaves, graph
from vera_ros.bringup.graph_environment import with_environment
from vera_ros.bringup.graph_options import GraphOptions, Value
from vera_ros.bringup.launch_arguments import DDS_PROFILES, LAUNCH_ARGUMENTS, check_launch_arguments
from vera_ros.bringup.middleware import PROFILE_VARIABLES, RANGE
from vera_ros.errors import ConfigurationError, MissingDependencyError
from vera_ros.motion.kinematics.urdf_joints import root_link
from vera_ros.resources import share_path
from vera_ros.robots.registry import find_robot

Number = TypeVar("Number", int, float)

_TRANSFORMS = [("/tf", "tf"), ("/tf_static", "tf_static")]  # relative, so that namespaces apply


def describe_system(embodiment: str, file: str) -> LaunchDescription:
    """Return the launch arguments, and the action that starts the system by them.

    Args:
        embodiment: whose system is started.
        file: path of the launch file.
    """
    start = OpaqueFunction(
        function=_start, kwargs={"embodiment": embodiment, "file": Path(file).name}
    )
    defaults = {"lockstep": "true" if find_robot(embodiment).task.lockstep else "false"}
    arguments = [
        DeclareLaunchArgument(
            argument.name,
            default_value=defaults.get(argument.name, argument.default),
            choices=argument.spellings,
            description=argument.description,
        )
        for argument in LAUNCH_ARGUMENTS
    ]
    return LaunchDescription([*arguments, start])


def _start(context: LaunchContext, *, embodiment: str, file: str) -> list[LaunchDescriptionEntity]:
    value = {
        argument.name: argument.read(LaunchConfiguration(argument.name).perform(context))
        for argument in LAUNCH_ARGUMENTS
    }
    if any(Path(word).name == file for word in sys.argv):
        # Not included by another launch file, to which the arguments would belong.
        check_launch_arguments(context.argv, value)
    options = GraphOptions(
        embodiment=embodiment,
        robot=value["robot"],
        server=value["server"],
        server_url=value["server_url"],
        seed=_number("seed", value["seed"], int),
        realtime_factor=_number("realtime_factor", value["realtime_factor"], float),
        lockstep=value["lockstep"] == "true",
        config=value["config"],
        arm=value["arm"],
        params_file=value["params_file"],
        use_sim_time=value["use_sim_time"] == "true",
        autostart=value["autostart"] == "true",
        keystore=value["keystore"],
    )
    options, overrides = with_environment(options, os.environ)
    namespace = value["namespace"]
    pushed = context.launch_configurations.get("ros_namespace", "")  # by an including file
    full_namespace = str(PurePosixPath("/", pushed, namespace))
    specs = graph.nodes(options, full_namespace)
    profile = value["dds_profile"]
    actions = [*_discovery(value["discovery"], profile), *_dds_profile(profile)]
    actions += [LogInfo(msg=line) for line in overrides]
    secured = partial(_secured, options.keystore_path, full_namespace)
    actions += [
        _lifecycle_node(spec, namespace, value["log_level"], secured(spec.name)) for spec in specs
    ]
    of_ik = next(spec.parameters for spec in specs if spec.name == "ik_node")
    description = str(of_ik.get("robot_description", ""))
    if options.robot == "sim":
        publisher = secured(enclaves.STATE_PUBLISHER)
        parameters = {"robot_description": description} | _clock(options)
        actions.append(_robot_state_publisher(parameters, namespace, publisher))
    if value["rviz"] == "true":
        observer = secured(enclaves.OBSERVER)
        frame = root_link(description) if description else ""
        actions.append(_rviz(options, frame, namespace, specs[0].remappings, observer))
    return actions


class _Secured(NamedTuple):
    """What makes a node run with its keys only; empty where the graph is open."""

    ros_arguments: Sequence[str] = ()
    environment: Mapping[str, str] | None = None


def _secured(keystore: Path | None, namespace: str, name: str) -> _Secured:
    if keystore is None:
        return _Secured()
    enclave = enclaves.enclave_of(namespace, name)
    enclaves.check_keystore(keystore, [enclave])
    return _Secured(["--enclave", enclave], enclaves.secure_environment(keystore))


def _discovery(where: str, profile: str) -> list[LaunchDescriptionEntity]:
    """Return actions that set how far away all that is started after them looks for nodes."""
    if where == "auto":
        where = os.environ.get(RANGE) or "localhost"
    if profile == "loopback":  # with which ROS's own setting would bring shared memory back
        where = "system_default"
    return [SetEnvironmentVariable(RANGE, where.upper())]


def _dds_profile(name: str) -> list[LaunchDescriptionEntity]:
    """Return actions that set this profile for all that is started after them."""
    if name not in DDS_PROFILES:
        return []
    path = str(share_path("config", DDS_PROFILES[name]))
    return [SetEnvironmentVariable(variable, path) for variable in PROFILE_VARIABLES]


def _lifecycle_node(
    spec: graph.NodeSpec, namespace: str, log_level: str, secured: _Secured
) -> LifecycleNode:
    """Return a node of this package, which activates itself (parameter autostart)."""
    return LifecycleNode(
        package="vera_ros",
        executable=spec.executable,
        name=spec.name,
        namespace=namespace,
        parameters=[*spec.parameter_files, _typed(spec.parameters)],
        remappings=spec.remappings,
        ros_arguments=["--log-level", log_level, *secured.ros_arguments],
        additional_env=secured.environment,
        output="screen",
        on_exit=_shut_down,
    )


def _shut_down(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Shut down the system, which needs each node, unless it is shutting down already."""
    if context.is_shutdown:
        return []
    reason = f"{event.process_name} has ended with exit code {event.returncode}: shutting down"
    return [LogInfo(msg=reason), Shutdown(reason=reason)]


def _robot_state_publisher(
    parameters: Mapping[str, Value], namespace: str, secured: _Secured
) -> LaunchDescriptionEntity:
    if not _installed("robot_state_publisher"):
        return LogInfo(
            msg="robot_state_publisher is not installed: there are no transforms of the arm's "
            "links, which only rviz needs"
        )
    return Node(
        package="robot_state_publisher",
        executable="robot_state_publisher",
        namespace=namespace,
        parameters=[_typed(parameters)],
        remappings=_TRANSFORMS,
        ros_arguments=list(secured.ros_arguments),
        additional_env=secured.environment,
    )


def _rviz(
    options: GraphOptions,
    frame: str,
    namespace: str,
    remappings: tuple[tuple[str, str], ...],
    secured: _Secured,
) -> Node:
    if not _installed("rviz2"):
        raise MissingDependencyError(
            "rviz:=true, but rviz2 is not installed; run: sudo apt-get install "
            "ros-$ROS_DISTRO-rviz2, or start with rviz:=false"
        )
    arguments = ["--display-config", str(share_path("config", "vera_ros.rviz"))]
    if frame:  # else the configuration's
        arguments += ["--fixed-frame", frame]
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=namespace,
        arguments=arguments,
        parameters=[_clock(options)],
        remappings=[*_TRANSFORMS, *remappings],
        ros_arguments=list(secured.ros_arguments),
        additional_env=secured.environment,
    )


def _clock(options: GraphOptions) -> dict[str, Value]:
    return {"use_sim_time": options.on_clock}


def _typed(parameters: Mapping[str, Value]) -> dict[str, object]:
    """Mark strings, such as a URDF or an address, since launch would parse them as YAML."""
    return {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in parameters.items()
    }


def _installed(package: str) -> bool:
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def _number(name: str, text: str, kind: Callable[[str], Number]) -> Number:
    try:
        return kind(text)
    except ValueError:
        valid = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{name} is '{text}'; valid is {valid}") from None
