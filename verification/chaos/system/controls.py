# SPDX-License-Identifier: Apache-2.0
"""The services that a fault is switched on by: an operator's, and the relay's."""

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from std_srvs.srv import Trigger

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter

BUTTONS = ("hold", "release", "stop", "pause", "resume")
_ANSWER_S = 5.0


class Controls:
    """Calls services, and waits for their answers.

    Args:
        node: that calls.
    """

    def __init__(self, node: Node) -> None:
        self._buttons = {name: node.create_client(Trigger, name) for name in BUTTONS}
        self._relay = node.create_client(SetParameters, "relay/set_parameters")

    def has(self, button: str) -> bool:
        """Whether a button is served."""
        return bool(self._buttons[button].service_is_ready())

    def press(self, button: str, waiter: Waiter) -> bool:
        """Press a button and wait for the answer; return whether it did what it should.

        Raises:
            DemoError: there is no answer.
        """
        future = self._buttons[button].call_async(Trigger.Request())
        return bool(waiter.result(future, f"the answer to {button}", _ANSWER_S).success)

    @property
    def relay_is_there(self) -> bool:
        """Whether the relay can be told something."""
        return bool(self._relay.service_is_ready())

    def tell_relay(self, fault: str, waiter: Waiter) -> None:
        """Set the relay's fault, in JSON; empty: none.

        Raises:
            DemoError: it does not take it.
        """
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=fault)
        request = SetParameters.Request(parameters=[Parameter(name="fault", value=value)])
        answer = waiter.result(self._relay.call_async(request), "the relay", _ANSWER_S)
        if not answer.results[0].successful:
            raise DemoError(f"the relay refuses {fault}: {answer.results[0].reason}")
