# SPDX-License-Identifier: Apache-2.0
"""What every node has: checked parameters, a lifecycle, diagnostics, and a clean end."""

import faulthandler
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from vera_ros.errors import ConfigurationError, VeraRosError
from vera_ros.nodes.common.parameters import (
    AUTOSTART,
    Parameter,
    check_given,
    declare_parameters,
    rcl_message,
)
from vera_ros.parameter_files import read_blocks, ros_arguments

STEADY = Clock(clock_type=ClockType.STEADY_TIME)

_DIAGNOSTICS_PERIOD_S = 1.0
_AUTOSTART_PERIOD_S = 0.1
_SWITCH_INTERVAL_S = 0.001  # threads that share a node must not wait 5 ms for each other
_LONGEST_END_S = 5.0  # for the DDS participant to go, once nothing moves any more
_FAREWELL_SPINS = 20  # for goals and services that wait for a motion which the end cut short


@dataclass
class Health:
    """What a node says of itself in /diagnostics."""

    level: bytes = DiagnosticStatus.OK
    message: str = "ok"
    values: dict[str, object] = field(default_factory=dict)


class VeraNode(LifecycleNode):
    """A lifecycle node whose steps are `setup`, `start`, `stop` and `teardown`.

    Where a step raises, the transition fails, with the reason in the log. What `setup` creates on
    the node (publishers, subscriptions, timers, ...) is destroyed on cleanup.
    """

    def __init__(self, name: str, parameters: Sequence[Parameter], **options: Any) -> None:
        """Declare the parameters; `self.parameters` holds their values by name.

        Args:
            name: of the node.
            parameters: beside those that every node has.
            options: for the rclpy node, such as `context` or `parameter_overrides`.

        Raises:
            ConfigurationError: a parameter is invalid, or given and not declared.
        """
        try:
            super().__init__(name, **options)
        except InvalidParameterTypeException as error:  # of a parameter of rclpy itself
            raise ConfigurationError(f"a parameter has the wrong type: {error}") from error
        check_given(self, (*parameters, AUTOSTART))
        self.parameters = declare_parameters(self, (*parameters, AUTOSTART))
        self.active = self._started = False
        self.alone = False  # in its process
        self.fault: Exception | None = None
        self._entities_before: dict[Any, Callable[[Any], object]] | None = None
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._publish_health, clock=STEADY)
        if self.parameters["autostart"]:
            self._autostart_timer = self.create_timer(
                _AUTOSTART_PERIOD_S, self._autostart, clock=STEADY
            )

    # The steps, for the nodes to fill in.

    def waiting_for(self) -> str:
        """What must come before `setup` can work; empty: nothing."""
        return ""

    def setup(self) -> None:
        """Make what the node needs (configure)."""

    def waiting_to_start(self) -> str:
        """What must come between `setup` and `start`; empty: nothing."""
        return ""

    def start(self) -> None:
        """Begin to work (activate)."""

    def stop(self) -> None:
        """Cease to work, the arm at rest or coming to rest (deactivate)."""

    def teardown(self) -> None:
        """Give back what `setup` made beside the node's entities, even if it was cut short."""

    def health(self) -> Health:
        """What goes into /diagnostics."""
        return Health()

    # Transitions.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `setup`."""
        waiting = self.waiting_for()
        if waiting:
            self.get_logger().error(f"cannot be configured yet: waiting for {waiting}")
            return TransitionCallbackReturn.FAILURE
        self._entities_before = self._entities()
        failure = self._attempt(self.setup)
        if failure is not None:
            self.release()
            return failure
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `start`."""
        waiting = self.waiting_to_start()
        if waiting:
            self.get_logger().error(f"cannot be activated yet: waiting for {waiting}")
            return TransitionCallbackReturn.FAILURE
        failure = self._attempt(self.start)
        if failure is None:
            self.active = self._started = True
            self.get_logger().info("active")
            return super().on_activate(state)
        return failure

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `stop`."""
        self.active = False
        self.get_logger().info("no longer active")
        return self._attempt(self.stop) or super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `teardown`, then destroy what `setup` created on the node."""
        self._end_autostart()
        return self._attempt(self.release) or super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop first if need be, then tear down."""
        self._end_autostart()
        if self.active:
            self.active = False
            self._attempt(self.stop)
        return self._attempt(self.release) or super().on_shutdown(state)

    def release(self) -> None:
        """Undo `setup`, however far it came."""
        self.teardown()
        if self._entities_before is None:
            return
        for entity, destroy in self._entities().items():
            if entity not in self._entities_before:
                destroy(entity)
        self._entities_before = None

    def _entities(self) -> dict[Any, Callable[[Any], object]]:
        """Everything that was created on the node, and what destroys it."""
        kinds = (
            (self.publishers, self.destroy_publisher),
            (self.subscriptions, self.destroy_subscription),
            (self.clients, self.destroy_client),
            (self.services, self.destroy_service),
            (self.timers, self.destroy_timer),
            (self.guards, self.destroy_guard_condition),
        )
        return {entity: destroy for entities, destroy in kinds for entity in entities}

    def _attempt(self, step: Callable[[], None]) -> TransitionCallbackReturn | None:
        try:
            step()
        except Exception as error:  # rclpy would keep it to itself
            self.fault = error
            expected = isinstance(error, VeraRosError)
            self.get_logger().error(str(error) if expected else traceback.format_exc())
            return TransitionCallbackReturn.FAILURE
        return None

    def _autostart(self) -> None:
        """Take the next step up, as soon as it can be taken."""
        if self._entities_before is None:
            waiting = self.waiting_for()
            if waiting:
                self.get_logger().info(f"waiting for {waiting}", throttle_duration_sec=5.0)
                return
            if self.trigger_configure() is not TransitionCallbackReturn.SUCCESS:
                self._end_autostart()
                return
        if not self.active:
            if self.waiting_to_start():
                return
            self.trigger_activate()
            if self.alone:
                gc.freeze()  # what is there stays: no collection in mid-motion has to look at it
        self._end_autostart()

    def _end_autostart(self) -> None:
        """Take no more lifecycle steps by itself."""
        if self.parameters["autostart"]:
            self._autostart_timer.cancel()

    def fail(self, error: Exception) -> None:
        """Give up because of an error in a thread of this node: the process ends with code 1."""
        self.get_logger().error("".join(traceback.format_exception(error)))
        self.fault = error
        self.active = False

    @property
    def failed(self) -> bool:
        """Whether this node was to work by itself and cannot."""
        return self.fault is not None and self.parameters["autostart"] and not self._started

    def _publish_health(self) -> None:
        health = self.health()
        status = DiagnosticStatus(
            name=self.get_fully_qualified_name(),
            hardware_id="vera_ros",
            level=health.level,
            message=health.message,
            values=[KeyValue(key=key, value=_text(v)) for key, v in health.values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def run_node(make_node: Callable[[], VeraNode]) -> NoReturn:
    """Run a node until SIGINT or SIGTERM, stop it in order, and end the process.

    The ROS arguments are the process's own. The exit code is 0, or 1 when the node could not start
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
    # Not by way of the interpreter's own end: what it then collects may include the last handle
    # of the DDS participant, whose destructor can spin for ever there (Fast DDS 2.14).
    os._exit(code)


def _run(make_node: Callable[[], VeraNode]) -> int:
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: signals.append(received))
    _initialise()
    node = None
    try:
        node = make_node()
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
        for number in (signal.SIGINT, signal.SIGTERM):  # impatience must not spoil the exit code
            signal.signal(number, signal.SIG_IGN)
        # The same destructor may spin here as well: then the process ends all the same.
        faulthandler.dump_traceback_later(_LONGEST_END_S, exit=True)
        if node is not None:
            node.destroy_node()
        rclpy.shutdown()
        faulthandler.cancel_dump_traceback_later()


def _initialise() -> None:
    """Read the process's arguments; raise ConfigurationError if they cannot all be used."""
    for path in ros_arguments(sys.argv, "--params-file"):
        read_blocks(Path(path))  # which says more than rcl, and refuses what rcl overwrites
    try:
        others = remove_ros_args(args=sys.argv)[1:]
        if others:
            raise ConfigurationError(
                f"the arguments {' '.join(others)} are read by nobody; write --ros-args before them"
            )
        rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # rclpy's RCLError
        raise ConfigurationError(
            f"the ROS arguments cannot be used: {rcl_message(error)}"
        ) from error


def _finish(node: VeraNode, executor: SingleThreadedExecutor) -> None:
    """Leave nothing moving, nobody without an answer, and nothing open."""
    try:
        if node.active:
            node.trigger_deactivate()
            for _ in range(_FAREWELL_SPINS):
                executor.spin_once(timeout_sec=0.01)
    finally:
        node.release()


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
