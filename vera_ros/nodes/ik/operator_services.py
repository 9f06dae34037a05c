# SPDX-License-Identifier: Apache-2.0
"""The services hold, release, stop, approve, discard and move_to_start of ik_node."""

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from std_msgs.msg import Empty
from std_srvs.srv import Trigger

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.execution.supervisor import HELD
from vera_ros.nodes.common.pending_responses import PendingResponses
from vera_ros.nodes.ik.arm_control import NOT_CONFIGURED, ArmControl
from vera_ros.nodes.ik.chunk_receiver import ChunkReceiver
from vera_ros.nodes.ik.kept_hold import KeptHold

_REST_UNKNOWN = "it is not known whether the arm rests"


class OperatorServices:
    """Serves in every lifecycle state of the node: a hold must always be received.

    Args:
        node: the rclpy node, with its `parameters`.
        control: returns the configured arm; None: the node is not configured.
        chunks: plays approved chunks.
        hold: whether the arm is held.
        say_status: publishes what the arm side is doing.

    Attributes:
        at_rest: service calls that wait for the arm to rest.
        arrived: service calls that wait for a move's end.
    """

    def __init__(
        self,
        node: Any,
        control: Callable[[], ArmControl | None],
        chunks: ChunkReceiver,
        hold: KeptHold,
        say_status: Callable[[], None],
    ) -> None:
        self._node = node
        self._control = control
        self._chunks = chunks
        self._hold = hold
        self._say_status = say_status
        self.at_rest, self.arrived = PendingResponses(node), PendingResponses(node)
        patient = ReentrantCallbackGroup()  # its services may wait without blocking others
        for name, serve, group in (
            ("hold", self._on_hold, patient),
            ("release", self._on_release, patient),
            ("stop", self._on_stop, patient),
            ("move_to_start", self._on_move_to_start, patient),
            ("approve", self._on_approve, chunks.group),
            ("discard", self._on_discard, patient),
        ):
            node.offer(Trigger, name, serve, callback_group=group)
        node.create_subscription(Empty, "hold", lambda _: self._hold_arm(), 10)

    def give_up(self, why: str) -> None:
        """Answer all waiting calls: what they wait for can no longer be observed."""
        self.at_rest.give(False, f"{_REST_UNKNOWN}: {why}")
        self.arrived.give(False, why)

    # Hold and stop.

    def _hold_arm(self) -> Future:
        """Stop and hold the arm; the future is done when the hold file is written."""
        self._hold.held = True
        if (control := self._control()) is not None:
            control.stop(Reason(Cause.HELD, HELD))
        self._say_status()
        self._node.get_logger().warning(HELD)
        return self._hold.keep()

    async def _on_hold(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        kept = self._hold_arm()
        await self._answer_at_rest(response)
        await kept
        response.message += "; it is held until release is called"
        response.message += "".join(f"; {warning}" for warning in self._hold.warnings)
        return response

    async def _on_release(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Accept chunks again; the release itself moves nothing."""
        held, self._hold.held = self._hold.held, False
        self._say_status()
        await self._hold.keep()
        response.success = True
        response.message = "released; send the goal again to go on" if held else "it was not held"
        response.message += "".join(f"; {warning}" for warning in self._hold.warnings)
        self._node.get_logger().info(response.message)
        return response

    async def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Stop at once, and answer when the arm has come to rest."""
        if (control := self._control()) is not None:
            control.stop(Reason(Cause.STOPPED, "a stop was requested"))
        self._say_status()
        await self._answer_at_rest(response)
        return response

    async def _answer_at_rest(self, response: Trigger.Response) -> None:
        control = self._control()
        if control is None:
            response.message = f"{_REST_UNKNOWN}: ik_node is not configured"
        elif control.supervisor.stops.under_way:
            response.success, response.message = await self.at_rest.wait()
        else:
            response.success, response.message = control.supervisor.stops.rests(control.sense())

    # Approval.

    async def _on_approve(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        control = self._control()
        if control is None:
            response.message = NOT_CONFIGURED
            return response
        try:
            chunk = control.supervisor.approve(control.sense(), control.sensing.now_s())
        except MotionRefusedError as error:
            response.message = str(error)
            return response
        refusal = await self._chunks.play(chunk, control)
        response.success = refusal is None
        response.message = "approved, and sent" if refusal is None else str(refusal)
        return response

    def _on_discard(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        control = self._control()
        intake = None if control is None else control.supervisor.intake
        response.success = intake is not None and intake.discard("it was discarded")
        response.message = "discarded" if response.success else "no chunk waits for approval"
        self._say_status()
        return response

    # The start posture.

    async def _on_move_to_start(
        self, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        control, p = self._control(), self._node.parameters
        if control is None:
            response.message = NOT_CONFIGURED
            return response
        goal, speed_share = np.array(p["start_posture"]), p["start_speed"] * p["speed_scale"]
        await self._chunks.wait_for_agreement(control)
        try:
            observation, now_s = control.sense(), control.sensing.now_s()
            control.supervisor.move_to(goal, speed_share, observation, now_s)
        except MotionRefusedError as error:
            response.message = str(error)
            return response
        self._say_status()
        response.success, response.message = await self.arrived.wait()
        return response
