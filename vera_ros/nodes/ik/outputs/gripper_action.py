# SPDX-License-Identifier: Apache-2.0
"""The gripper's output by the action GripperCommand, with commands timed here."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from control_msgs.action import GripperCommand

from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.trajectory import GripperTrajectory
from vera_ros.nodes.ik.outputs.goal_sender import GoalSender

_STILL_M = 1e-6


@dataclass(frozen=True)
class Move:
    """A motion of the fingers to an end of their travel; times on the trajectory's clock [s]."""

    close: bool
    begin_s: float
    end_s: float


def moves(trajectory: GripperTrajectory, start_s: float, *, closes_up: bool = False) -> list[Move]:
    """Split a trajectory that starts at `start_s` into moves; `closes_up`: see GripperLimits."""
    times_s = start_s + np.concatenate(([0.0], trajectory.times_s))
    steps_m = np.diff(trajectory.positions_m, prepend=trajectory.start_m)
    found: list[Move] = []
    for begin_s, end_s, step_m in zip(times_s, times_s[1:], steps_m, strict=False):
        if abs(step_m) < _STILL_M:
            continue
        close = bool(step_m > 0.0) == closes_up
        if found and found[-1].close == close:
            begin_s = found.pop().begin_s
        found.append(Move(close, float(begin_s), float(end_s)))
    return found


class GripperAction:
    """Sends a command when the fingers are to turn towards open or closed.

    The action has no start time, so a command waits here, on a timer in ROS time, until it is due:
    while simulated time stands still, so does the gripper.

    Args:
        node: the rclpy node.
        name: the action's name.
        limits: motion limits of the fingers; closed and open are the ends of their travel.
        force_n: maximum force of a grasp [N].
        on_fault: called with a message when the gripper rejects a command or does not open.
            (Fingers that an object stops while they close are no fault, whatever the result is.)
        now_s: returns the time, on the clock of the trajectories [s].
    """

    def __init__(
        self,
        node: Any,
        name: str,
        limits: GripperLimits,
        force_n: float,
        on_fault: Callable[[str], None],
        now_s: Callable[[], float],
    ) -> None:
        self._node = node
        self._limits = limits
        self._force_n = force_n
        self._on_fault = on_fault
        self._now_s = now_s
        self._goals = GoalSender(node, GripperCommand, name, self._on_failure)
        self._waiting: deque[Move] = deque()
        self._current: Move | None = None
        self._timer: Any = None

    def waiting_for(self) -> str:
        """Return the action server that is missing; empty: it is there."""
        return self._goals.waiting_for()

    def send(self, trajectory: GripperTrajectory, start_s: float) -> None:
        """Send each command of a trajectory when it is due; a move under way goes on."""
        now_s = self._now_s()
        self._waiting = deque(moves(trajectory, start_s, closes_up=self._limits.closes_up))
        if self._waiting and self._goes_on(self._waiting[0], now_s):
            self._current = self._waiting.popleft()
        self._send_what_is_due()

    def acknowledged(self) -> bool | None:
        """Return whether the controller has answered the newest command."""
        return self._goals.acknowledged()

    def close(self) -> None:
        """Drop the commands that are not due yet, and destroy the client."""
        self._waiting.clear()
        self._stop_timer()
        self._goals.close()

    def _goes_on(self, move: Move, now_s: float) -> bool:
        current = self._current
        under_way = current is not None and current.close == move.close and now_s < current.end_s
        return under_way and move.begin_s <= now_s

    def _send_what_is_due(self) -> None:
        self._stop_timer()
        while self._waiting and self._waiting[0].begin_s <= self._now_s():
            self._command(self._waiting.popleft())
        if self._waiting:
            left_s = max(self._waiting[0].begin_s - self._now_s(), 0.0)
            self._timer = self._node.create_timer(left_s, self._send_what_is_due)

    def _command(self, move: Move) -> None:
        missing = self.waiting_for()
        if missing:
            self._on_fault(f"the gripper cannot be commanded without {missing}")
            return
        self._current, limits = move, self._limits
        goal = GripperCommand.Goal()
        goal.command.position = limits.end_m(close=move.close)
        goal.command.max_effort = self._force_n
        self._goals.send(goal)

    def _on_failure(self, what: str, result: Any) -> None:
        closing = self._current is not None and self._current.close
        said = f"the gripper ('{self._goals.name}') {what} to {'close' if closing else 'open'}"
        if result is not None:
            said += f", at {result.position} {self._limits.unit}, stalled: {result.stalled}"
        if closing and what == "aborted":
            self._node.get_logger().info(f"{said}; taken as closed on an object")
        else:
            self._current = None
            self._on_fault(said)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None
