# SPDX-License-Identifier: Apache-2.0
"""Runs a node as a process and shuts it down in order."""

import faulthandler
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from vera_ros.errors import ConfigurationError, VeraRosError
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.parameters.ros_options import check_options, rcl_message
from vera_ros.parameter_files import (
    name_sources,
    read_blocks,
)
from vera_ros.parameter_layers import drop_overridden
from vera_ros.parameter_yaml import write_plain
from vera_ros.printable import excerpt
from vera_ros.ros_command_line import replace_files, ros_arguments
from vera_ros.ros_rules import check_domain, check_name, check_namespace

# Of what is logged by Python's means, such as the policy host's warnings: like ROS's own lines.
_LOG_FORMAT = "[%(levelname)s] [%(created).9f] [%(name)s]: %(message)s"
_SWITCH_INTERVAL_S = 0.001  # threads that share a node must not wait 5 ms for each other
_LONGEST_END_S = 5.0  # for the DDS participant to shut down, once nothing moves
_FAREWELL_SPINS = 20  # for the responses of goals and services whose motion was cut short


def run_node(make_node: Callable[[], VeraNode]) -> NoReturn:
    """Run a node until SIGINT or SIGTERM, stop it in order, and end the process.

    ROS arguments come from the command line. The exit code is 0, or 1 when the node could not start
    or failed.
    """
    code = 1
    try:
        code = _run(make_node)
    except VeraRosError as error:
        print(f"error: {error}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # Skip the interpreter's finalization: it may collect the last handle of the DDS participant,
    # whose destructor can then spin forever (Fast DDS 2.14).
    os._exit(code)


def _run(make_node: Callable[[], VeraNode]) -> int:
    logging.basicConfig(format=_LOG_FORMAT)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: signals.append(received))
    initialise(sys.argv, os.environ)
    node = None
    try:
        try:
            node = make_node()
        except ConfigurationError as error:
            raise ConfigurationError(name_sources(str(error), sys.argv)) from error
        except rclpy_implementation.RCLError as error:  # such as for keys that are not accepted
            raise ConfigurationError(f"the node cannot be created: {rcl_message(error)}") from error
        node.alone = True
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        try:
            while not signals and not node.failed:
                executor.spin_once(timeout_sec=0.1)
        finally:  # also when a callback raised
            _finish(node, executor)
        return 1 if node.failed else 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C keeps the exit code
            signal.signal(number, signal.SIG_IGN)
        # The same destructor may spin here as well: then this ends the process.
        faulthandler.dump_traceback_later(_LONGEST_END_S, exit=True)
        if node is not None:
            node.destroy_node()
        rclpy.shutdown()
        faulthandler.cancel_dump_traceback_later()


def initialise(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Check a node's command line and environment, and initialise ROS with them.

    Raises:
        ConfigurationError: something in them, or in a parameter file, cannot be used.
    """
    check_domain(environment)
    for rule in ros_arguments(arguments, "-r", "--remap"):
        source, _, target = rule.partition(":=")
        if source.endswith("__ns"):
            check_namespace("the namespace (__ns)", target)
        elif source.endswith(("__node", "__name")):
            check_name("the node's name (__node)", target)
    with tempfile.TemporaryDirectory(prefix="vera_ros-parameters-") as folder:
        paths = list(dict.fromkeys(ros_arguments(arguments, "--params-file")))
        files = drop_overridden([read_blocks(Path(path)) for path in paths])
        plain = {path: f"{folder}/{number}.yaml" for number, path in enumerate(paths)}
        for path, blocks in zip(paths, files, strict=True):
            write_plain(Path(plain[path]), ((block.pattern, block.entries) for block in blocks))
        line = replace_files(arguments, plain)
        try:
            others = remove_ros_args(args=line)[1:]
            if others:
                raise ConfigurationError(
                    f"the arguments {excerpt(' '.join(others))} are not read; write --ros-args "
                    "before them"
                )
            rclpy.init(args=line, signal_handler_options=SignalHandlerOptions.NO)
        except RuntimeError as error:  # rclpy's RCLError
            check_options(arguments)
            raise ConfigurationError(
                f"the ROS arguments cannot be used: {rcl_message(error)}"
            ) from error


def _finish(node: VeraNode, executor: SingleThreadedExecutor) -> None:
    """Deactivate the node, let it answer pending requests, and release it."""
    try:
        if node.active:
            node.trigger_deactivate()
            for _ in range(_FAREWELL_SPINS):
                executor.spin_once(timeout_sec=0.01)
    finally:
        node.release()
