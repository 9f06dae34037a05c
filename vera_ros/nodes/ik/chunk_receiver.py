# SPDX-License-Identifier: Apache-2.0
"""Receives action chunks, plans them in the background, and has them played."""

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.task import Future

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.nodes.common.background import Background
from vera_ros.nodes.ik.arm_control import NOT_CONFIGURED, ArmControl
from vera_ros.nodes.ik.chunk_messages import read_chunk
from vera_ros.printable import printable
from vera_ros_interfaces.msg import ActionChunk

_AGREEMENT_S = 1.5  # a little more than it takes to accept joint states that jumped


class ChunkReceiver:
    """Plays the chunks addressed to one arm; exists in every lifecycle state of its node.

    Args:
        node: the rclpy node.
        identity: identity of the ik_node, to which chunks are addressed.
        say_status: publishes what the arm side is doing.

    Attributes:
        for_others: number of chunks addressed to other arms.
        group: callback group that has one chunk planned at a time.
    """

    def __init__(self, node: Any, identity: str, say_status: Callable[[], None]) -> None:
        self._node = node
        self._identity = identity
        self._say_status = say_status
        self._background = Background(node)
        self._control: ArmControl | None = None
        self._ticked = Future()  # done at the next reading of joint states
        self.group = MutuallyExclusiveCallbackGroup()
        self.for_others = 0

    def subscribe(self, control: ArmControl) -> None:
        """Accept chunks for a configured arm, until its node is cleaned up."""
        self._control = control
        self._node.create_subscription(
            ActionChunk, "action_chunk", self._on_chunk, 10, callback_group=self.group
        )

    def close(self) -> None:
        """End the planning thread."""
        self._background.close()

    async def _on_chunk(self, message: ActionChunk) -> None:
        control = self._control
        assert control is not None
        if message.arm not in ("", self._identity):
            self.for_others += 1  # their progress is reported by that arm's node
            arm = printable(message.arm)
            words = f"a chunk for '{arm}' is not for this arm, '{self._identity}'"
            self._node.get_logger().warning(words, throttle_duration_sec=5.0)
            return
        try:
            embodiment = self._node.parameters["embodiment"]
            chunk = read_chunk(message, embodiment, control.columns, control.arm.base_frame)
        except MotionRefusedError as error:
            control.refuse(message.session_id, message.sequence, error.reason)
            self._say_status()
        else:
            chunk = chunk.later(-control.sensing.ours_less_arms_s())
            approval = bool(self._node.get_parameter("approval").value)
            await self.play(chunk, control, approval=approval)

    async def play(
        self, chunk: ChunkRequest, control: ArmControl, *, approval: bool = False
    ) -> Reason | None:
        """Play a chunk, or have it wait for approval; return why it is refused, once reported.

        Planning runs in the background, so that a hold or a stop need not wait for it.
        """
        chunk = replace(chunk, waited_s=await self.wait_for_agreement(control))
        if control.closed:  # the node was cleaned up meanwhile
            return Reason(Cause.NOT_ACTIVE, NOT_CONFIGURED)
        supervisor, now_s, planning = control.supervisor, control.sensing.now_s, None
        refusal: Reason | None = None
        try:
            planning = supervisor.plan(chunk, control.sense(), now_s(), approval=approval)
            planned = await self._background.do(planning.run)
            supervisor.take(planning, planned, control.sense(), now_s())
        except MotionRefusedError as error:
            refusal = error.reason
        except Exception as error:  # the policy side must not be left without an answer
            self._node.get_logger().error(traceback.format_exc())
            words = f"ik_node failed: {error!r}; see its log"
            refusal = Reason(Cause.INTERNAL_ERROR, words)
        if planning is not None and planning.dropped is not None:
            return planning.dropped  # reported at once; the node may have been reconfigured
        if planning is not None:
            supervisor.intake.give_up(planning)
        if refusal is not None:
            control.refuse(chunk.session_id, chunk.sequence, refusal)
        self._say_status()
        return refusal

    async def wait_for_agreement(self, control: ArmControl) -> float:
        """Wait until joint states agree on where a resting arm is; return how long that took [s].

        After re-homing or a reset of the scene, the new position is accepted a moment later.
        """
        begun_s = time.monotonic()
        while control.may_be_elsewhere() and time.monotonic() < begun_s + _AGREEMENT_S:
            await self._ticked
        return time.monotonic() - begun_s

    def tick(self) -> None:
        """Wake the callbacks that wait for joint states."""
        ticked, self._ticked = self._ticked, Future()
        ticked.set_result(None)
