# SPDX-License-Identifier: Apache-2.0
"""The server's live settings as parameters of policy_node."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future as ClientFuture
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter as RosParameter
from rclpy.task import Future

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.parameters import TUNABLE
from vera_ros.nodes.policy.server_link import ServerLink
from vera_ros.wire.tuning import Setting, Tuned

_DECLARED = {parameter.name: parameter for parameter in TUNABLE}

Settings = dict[str, Setting]
Refusals = dict[str, str]


class ServerSettings:
    """Forwards the tunable parameters to the server and reads back what it applied.

    They are sent by `configure`, guidance included: only its answer reports what was applied. A
    server that cannot use guidance sent with an inference request merely logs that.

    A parameter that the server refuses is set back, and the client that set it gets the reason.
    While the server handles another request, which may take minutes, the client gets none: then the
    log and `complaints` have the outcome.

    Args:
        node: the rclpy node with the parameters.
        link: the link to the server.
        embodiment: the robot kind that the server serves.
        on_applied: called with what the server applied while it runs.
    """

    def __init__(
        self,
        node: VeraNode,
        link: ServerLink,
        embodiment: Embodiment,
        on_applied: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._node = node
        self._link = link
        self._embodiment = embodiment
        self._on_applied = on_applied
        self._complaints: dict[str, str] = {}
        self._waiting: dict[Future, Sequence[str]] = {}  # pending verdicts, with their parameters
        self._setting_back = False
        self._link.set_defaults(self._wanted())
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._on_set)

    def close(self) -> None:
        """Stop watching the parameters."""
        self._node.remove_on_set_parameters_callback(self._check)
        self._node.remove_post_set_parameters_callback(self._on_set)
        for verdict in self._waiting:
            verdict.set_result({})

    @property
    def complaints(self) -> Sequence[str]:
        """The settings that were not applied as requested, in words."""
        return list(self._complaints.values())

    def on_tuned(self, tuned: Tuned) -> None:
        """Record what the server applied on a new connection."""
        self._complaints = {}
        self._note(tuned)

    def _wanted(self) -> Settings:
        values = {name: self._node.parameters[name] for name in _DECLARED}
        return {name: value for name, value in values.items() if value != _DECLARED[name].default}

    def _check(self, changes: Sequence[RosParameter]) -> SetParametersResult:
        try:
            for change in changes:
                if change.name in _DECLARED:
                    _check(change.name, change.value, self._embodiment)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _on_set(self, changes: Sequence[RosParameter]) -> None:
        values = {change.name: change.value for change in changes if change.name in _DECLARED}
        before = {name: self._node.parameters[name] for name in values}
        self._node.parameters |= values
        wanted = self._wanted()
        self._link.set_defaults(wanted)
        if self._setting_back:
            return
        for name in values.keys() - wanted.keys():
            self._complaints.pop(name, None)
            self._node.get_logger().info(f"{name} stays as the server has it now")
        settings = {name: wanted[name] for name in values if name in wanted}
        if settings:
            verdict = Future(executor=self._node.executor)
            self._waiting[verdict] = list(settings)
            self._link.tune(settings, partial(self._on_answer, before, verdict))

    def _on_answer(
        self, before: Mapping[str, Any], verdict: Future, answer: "ClientFuture[Tuned | None]"
    ) -> None:
        """Handle the server's answer to a change."""
        refusals: Refusals = {}
        try:
            tuned = answer.result()
        except Exception as error:
            self._node.get_logger().warning(
                f"the settings did not reach the server; its next connection gets them: {error}"
            )
        else:
            if tuned is not None:
                refusals = dict(tuned.refused)
                self._note(tuned)
                self._on_applied(tuned.applied)
                self._set_back({name: before[name] for name in refusals}, tuned.requested)
        del self._waiting[verdict]
        verdict.set_result(refusals)

    def _note(self, tuned: Tuned) -> None:
        for name in tuned.requested:
            self._complaints.pop(name, None)
        self._complaints |= tuned.complaints
        for complaint in tuned.complaints.values():
            self._node.get_logger().warning(f"setting of the server: {complaint}")
        if tuned.applied:
            applied = ", ".join(f"{name} {value}" for name, value in tuned.applied.items())
            self._node.get_logger().info(f"the server applied {applied}")

    def _set_back(self, values: Mapping[str, Any], refused: Mapping[str, Any]) -> None:
        """Set refused parameters back, unless they were changed since."""
        changes = [
            RosParameter(name, value=value)
            for name, value in values.items()
            if self._node.parameters[name] == refused[name]
        ]
        for change in changes:
            self._complaints.pop(change.name, None)
        self._setting_back = True
        try:
            self._node.set_parameters(changes)
        finally:
            self._setting_back = False

    async def verdicts(self) -> dict[str, SetParametersResult]:
        """Return the server's verdicts on pending changes, by parameter."""
        waiting = list(self._waiting.items())
        if self._link.busy:
            later = "the server gets it after its current request; see the log"
            return {
                name: SetParametersResult(successful=True, reason=later)
                for _, names in waiting
                for name in names
            }
        refusals: Refusals = {}
        for verdict, _ in waiting:
            refusals |= await verdict
        return {
            name: SetParametersResult(successful=False, reason=reason)
            for name, reason in refusals.items()
        }


def read_settings(node: VeraNode, embodiment: Embodiment) -> None:
    """Read the tunable parameters, which may be set before the node is configured.

    Raises:
        ConfigurationError: a value is out of range, or names a view that the embodiment lacks.
    """
    for name in _DECLARED:
        value = node.get_parameter(name).value
        _check(name, value, embodiment)
        node.parameters[name] = value


def _check(name: str, value: Any, embodiment: Embodiment) -> None:
    declared = _DECLARED[name]
    declared.check(value)
    if name == "control_view_keys" and embodiment.chooses_views:
        if value not in (declared.default, list(embodiment.view_keys)):
            raise ConfigurationError(
                f"parameter '{name}' is {value}; while the node is configured, valid is "
                f"{list(embodiment.view_keys)}, whose pictures it gets: clean it up first"
            )
    elif isinstance(value, list) and value != declared.default:
        unknown = [view for view in value if view not in embodiment.view_keys]
        if unknown or len(set(value)) < len(value):
            raise ConfigurationError(
                f"parameter '{name}' is {value}; valid for {embodiment.name} are, once each, "
                f"{', '.join(embodiment.view_keys)} ({declared.description})"
            )
