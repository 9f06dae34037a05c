# SPDX-License-Identifier: Apache-2.0
"""What every node has: checked parameters, a lifecycle, and diagnostics."""

import gc
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from vera_ros.errors import ConfigurationError, VeraRosError
from vera_ros.nodes.common.parameters import (
    AUTOSTART,
    Parameter,
    check_given,
    declare_parameters,
)

STEADY = Clock(clock_type=ClockType.STEADY_TIME)

_DIAGNOSTICS_PERIOD_S = 1.0
_AUTOSTART_PERIOD_S = 0.1


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


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
