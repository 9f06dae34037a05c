# SPDX-License-Identifier: Apache-2.0
"""Clients of the services that inject faults: an operator's triggers, and the relay's parameter."""

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from std_srvs.srv import Trigger

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter

TRIGGER_SERVICES = {
    **{name: f"ik_node/{name}" for name in ("hold", "release", "stop")},
    **{name: f"policy_node/{name}" for name in ("pause", "resume")},
}
_ANSWER_S = 5.0


class Controls:
    """Calls services, and waits for their responses.

    Args:
        node: owns the clients.
    """

    def __init__(self, node: Node) -> None:
        self._triggers = {
            name: node.create_client(Trigger, service) for name, service in TRIGGER_SERVICES.items()
        }
        self._relay = node.create_client(SetParameters, "relay/set_parameters")

    def has(self, service: str) -> bool:
        """Whether a service of `TRIGGER_SERVICES` is available."""
        return bool(self._triggers[service].service_is_ready())

    def call(self, service: str, waiter: Waiter) -> bool:
        """Call a service of `TRIGGER_SERVICES`; return whether it succeeded.

        Raises:
            DemoError: there is no response.
        """
        future = self._triggers[service].call_async(Trigger.Request())
        return bool(waiter.result(future, f"the response of {service}", _ANSWER_S).success)

    @property
    def relay_is_ready(self) -> bool:
        """Whether the relay's parameters can be set."""
        return bool(self._relay.service_is_ready())

    def set_relay_fault(self, fault: str, waiter: Waiter) -> None:
        """Set the relay's fault, in JSON; an empty string for none.

        Raises:
            DemoError: the relay refuses the fault or does not respond.
        """
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=fault)
        request = SetParameters.Request(parameters=[Parameter(name="fault", value=value)])
        answer = waiter.result(self._relay.call_async(request), "the relay", _ANSWER_S)
        if not answer.results[0].successful:
            raise DemoError(f"the relay refuses the fault {fault}: {answer.results[0].reason}")
