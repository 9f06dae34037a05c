# SPDX-License-Identifier: Apache-2.0
"""Services that set parameters and may answer later.

rclpy's parameter callbacks cannot wait, and its services answer at once: too early for a parameter
whose value another program, such as the policy server, must accept first.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameters

Verdicts = Mapping[str, SetParametersResult]


class PatientParameterServices:
    """Replaces rclpy's services `set_parameters` and `set_parameters_atomically`.

    Args:
        node: the rclpy node.
        verdicts: awaited after parameters were set; returns results to answer instead, by name.
    """

    def __init__(self, node: Node, verdicts: Callable[[], Awaitable[Verdicts]]) -> None:
        self._node = node
        self._verdicts = verdicts
        patient = ReentrantCallbackGroup()
        for kind, name, callback in (
            (SetParameters, "set_parameters", self._set_each),
            (SetParametersAtomically, "set_parameters_atomically", self._set_together),
        ):
            full_name = f"{node.get_name()}/{name}"
            for service in [s for s in node.services if s.srv_name == full_name]:
                node.destroy_service(service)
            node.create_service(
                kind,
                full_name,
                callback,
                qos_profile=qos_profile_parameters,
                callback_group=patient,
            )

    async def _set_each(
        self, request: SetParameters.Request, response: SetParameters.Response
    ) -> SetParameters.Response:
        names = [parameter.name for parameter in request.parameters]
        results = [self._set([parameter]) for parameter in request.parameters]
        verdicts = await self._verdicts()
        response.results = [
            verdicts.get(name, result) for name, result in zip(names, results, strict=True)
        ]
        return response

    async def _set_together(
        self, request: SetParametersAtomically.Request, response: SetParametersAtomically.Response
    ) -> SetParametersAtomically.Response:
        response.result = self._set(request.parameters)
        verdicts = await self._verdicts()
        for parameter in request.parameters:
            if response.result.successful:
                response.result = verdicts.get(parameter.name, response.result)
        return response

    def _set(self, parameters: Sequence[ParameterMessage]) -> Any:
        try:
            return self._node.set_parameters_atomically(
                [Parameter.from_parameter_msg(parameter) for parameter in parameters]
            )
        except ParameterNotDeclaredException as error:
            return SetParametersResult(successful=False, reason=str(error))
