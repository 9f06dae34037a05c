# SPDX-License-Identifier: Apache-2.0
"""Base class of all nodes: checked parameters, a lifecycle, and diagnostics."""

import gc
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from vera_ros.errors import ConfigurationError, VeraRosError
from vera_ros.nodes.common.health import Health, messages
from vera_ros.nodes.common.message_bounds import bounded
from vera_ros.nodes.common.parameters.declarations import (
    AUTOSTART,
    Parameter,
    declare_parameters,
    refuse_live,
)
from vera_ros.nodes.common.parameters.given_parameters import check_given
from vera_ros.nodes.common.parameters.qos_overrides import override_parameters, unread_overrides
from vera_ros.parameter_files import name_sources

STEADY = Clock(clock_type=ClockType.STEADY_TIME)

_DIAGNOSTICS_PERIOD_S = 1.0
_AUTOSTART_PERIOD_S = 0.1


class VeraNode(LifecycleNode):
    """A lifecycle node whose steps are `setup`, `start`, `stop` and `teardown`.

    If a step raises, the transition fails and the reason is logged. What `setup` creates on
    the node (publishers, subscriptions, timers, ...) is destroyed on cleanup.
    """

    def __init__(self, name: str, parameters: Sequence[Parameter], **options: Any) -> None:
        """Declare the parameters; `self.parameters` holds their values by name.

        Args:
            name: the node's name.
            parameters: those of this node, besides those of every node.
            options: of the rclpy node, such as `context` or `parameter_overrides`.

        Raises:
            ConfigurationError: a parameter is invalid, or is given but not declared.
        """
        try:
            super().__init__(name, **options)
        except InvalidParameterTypeException as error:  # of one of rclpy's own parameters
            raise ConfigurationError(f"a parameter has the wrong type: {error}") from error
        given = (*parameters, AUTOSTART, *override_parameters(self))
        for warning in check_given(self, given, sys.argv):
            self.get_logger().warning(warning)
        self.parameters = declare_parameters(self, (*parameters, AUTOSTART))
        self.add_on_set_parameters_callback(partial(refuse_live, self, parameters))
        self.active = self._started = False
        self.alone = False  # whether its process has no other node
        self.fault: Exception | None = None
        self._entities_before: dict[Any, Callable[[Any], object]] | None = None
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._publish_health, clock=STEADY)
        if self.parameters["autostart"]:
            self._autostart_timer = self.create_timer(
                _AUTOSTART_PERIOD_S, self._autostart, clock=STEADY
            )

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        qos_profile: Any,
        *,
        raw: bool = False,
        **options: Any,
    ) -> Any:
        """Create a subscription that ignores messages that are too large; see rclpy.node.Node."""
        receive = callback if raw else bounded(self, msg_type, topic, callback)
        return super().create_subscription(
            msg_type, topic, receive, qos_profile, raw=True, **options
        )

    def offer(self, kind: type, name: str, callback: Callable[..., Any], **options: Any) -> None:
        """Create the service `~/name`, and for one more release its earlier name beside the node.

        Args:
            kind: the service type.
            name: the service's name, without `~/`.
            callback: called with request and response.
            options: of rclpy's create_service.
        """
        for full_name in (f"~/{name}", name):
            self.create_service(kind, full_name, callback, **options)

    # The steps, which nodes override.

    def waiting_for(self) -> str:
        """Return what `setup` still needs; empty: nothing."""
        return ""

    def setup(self) -> None:
        """Create what the node needs (configure)."""

    def waiting_to_start(self) -> str:
        """Return what `start` still needs after `setup`; empty: nothing."""
        return ""

    def start(self) -> None:
        """Start working (activate)."""

    def stop(self) -> None:
        """Stop working, with the arm at rest or coming to rest (deactivate)."""

    def teardown(self) -> None:
        """Release what `setup` acquired besides the node's entities, even if it failed halfway."""

    def health(self) -> Health:
        """Return the status for /diagnostics."""
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
        for warning in unread_overrides(self, sys.argv):
            self.get_logger().warning(warning)
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
        """Run `stop` if the node is active, then release it."""
        self._end_autostart()
        if self.active:
            self.active = False
            self._attempt(self.stop)
        return self._attempt(self.release) or super().on_shutdown(state)

    def release(self) -> None:
        """Undo `setup`, even if it failed halfway."""
        self.teardown()
        if self._entities_before is None:
            return
        for entity, destroy in self._entities().items():
            if entity not in self._entities_before:
                destroy(entity)
        self._entities_before = None

    def _entities(self) -> dict[Any, Callable[[Any], object]]:
        """Return the entities created on the node, each with the method that destroys it."""
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
        except Exception as error:  # rclpy would swallow it
            self.fault = error
            expected = isinstance(error, VeraRosError | OSError)  # such as a file not readable
            self.get_logger().error(
                name_sources(str(error), sys.argv) if expected else traceback.format_exc()
            )
            return TransitionCallbackReturn.FAILURE
        return None

    def _autostart(self) -> None:
        """Configure, then activate, each as soon as it is possible."""
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
                gc.freeze()  # collections during motion skip the objects that stay
        self._end_autostart()

    def _end_autostart(self) -> None:
        """Leave further transitions to a lifecycle manager."""
        if self.parameters["autostart"]:
            self._autostart_timer.cancel()

    def fail(self, error: Exception) -> None:
        """Log an error of one of the node's threads; the node no longer counts as active."""
        self.get_logger().error("".join(traceback.format_exception(error)))
        self.fault = error
        self.active = False

    @property
    def failed(self) -> bool:
        """Whether this node was to activate itself and could not."""
        return self.fault is not None and self.parameters["autostart"] and not self._started

    def _publish_health(self) -> None:
        array = DiagnosticArray(status=messages(self.get_fully_qualified_name(), self.health()))
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)
