# SPDX-License-Identifier: Apache-2.0
"""The gripper: from a chunk's open and close commands to finger positions over time."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.gripper.debounce import Command, debounce
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.setpoint.setpoint import PAST_S
from vera_ros.motion.trajectory import GripperTrajectory

_SHORTEST_S = 1e-6  # closer points are merged into one
_HOLD_S = 0.01  # of a trajectory that only holds the fingers
_SAME_M = 1e-6


@dataclass(frozen=True)
class GripperPlan:
    """Planned finger motion.

    Attributes:
        trajectory: replaces the one that plays; None: that one goes on.
        step_starts_s: when each action starts, relative to the plan's time. Length H, [s].
        commands: debounced command at each action. Length H.
    """

    trajectory: GripperTrajectory | None
    step_starts_s: tuple[float, ...]
    commands: tuple[Command, ...]


class Gripper:
    """Keeps the commanded finger motion; a command that does not change moves nothing.

    The fingers move at a constant speed towards open or closed, as the training environment's do,
    and a plan starts from what was commanded last, so a grip is never released between two chunks.
    """

    def __init__(self, limits: GripperLimits, debounce_steps: int = 1) -> None:
        """Begin with an unknown finger position.

        Args:
            limits: travel and speed of the fingers.
            debounce_steps: a change takes effect if it lasts for this many actions.
        """
        self._limits = limits
        self._debounce_steps = debounce_steps
        self._since_s = 0.0  # ROS time; times relative to it are small, hence precise
        self._knots_s: Vector = np.zeros(1)  # of the commanded motion, relative to `_since_s`
        self._knots_m: Vector = np.full(1, np.nan)
        self._starts_s = [-np.inf]  # of the remembered actions, relative to `_since_s`
        self._commands = [Command()]

    @property
    def known(self) -> bool:
        """Whether the fingers' position is known, by measurement or command."""
        return bool(np.isfinite(self._knots_m).all())

    def measured(self, position_m: float) -> None:
        """Take the measured finger position as the command, if there is none yet."""
        if not self.known:
            limits = self._limits
            self._knots_m = np.full(1, np.clip(position_m, limits.lower_m, limits.upper_m))

    def forget(self) -> None:
        """Forget the command, since the fingers were moved otherwise and must be measured again."""
        self._since_s, self._knots_s, self._knots_m = 0.0, np.zeros(1), np.full(1, np.nan)
        self._starts_s, self._commands = [-np.inf], [Command()]

    def later(self, by_s: float) -> None:
        """Shift the commanded motion by `by_s`, by which the controller's clock was set forward."""
        self._since_s += by_s

    def commanded_m(self, now_s: float) -> float:
        """Return the finger position commanded for a time [m]."""
        return float(np.interp(now_s - self._since_s, self._knots_s, self._knots_m))

    def moves(self, now_s: float) -> bool:
        """Whether commanded motion is under way, or still to come, at a time."""
        return now_s - self._since_s < float(self._knots_s[-1])

    def plan(
        self,
        close: Sequence[bool],
        step_starts_s: Sequence[float],
        now_s: float,
        dropped: int = 0,
    ) -> GripperPlan:
        """Plan the finger motion of a chunk; until its first action, the old command goes on.

        A change that a dropped action commands takes effect as if it had come in time, unless a
        later action reverts it.

        Args:
            close: command of each action, true: close. Length dropped + H, H at least 1.
            step_starts_s: when each action that is played starts, relative to `now_s`, increasing.
                Length H, [s].
            now_s: ROS time.
            dropped: number of leading actions that are not played.
        """
        before = self._command_before(now_s + step_starts_s[0])
        commands = debounce(close, before, self._debounce_steps)[dropped:]
        times, positions = self._old_until(step_starts_s[0], now_s)
        stops = [*step_starts_s[1:], np.inf]
        for command, begin, until in zip(commands, step_starts_s, stops, strict=True):
            position = positions[-1]
            goal = self._goal(command, position)
            needed = abs(goal - position) / self._limits.speed_m_s
            if needed < _SHORTEST_S:
                continue
            if begin - times[-1] > _SHORTEST_S:
                times.append(begin)
                positions.append(position)
            moving = min(needed, until - begin)
            position += np.sign(goal - position) * self._limits.speed_m_s * moving
            times.append(begin + moving)
            positions.append(float(np.clip(position, self._limits.lower_m, self._limits.upper_m)))
        trajectory = self._unless_commanded(times, positions, now_s)
        return GripperPlan(trajectory, tuple(step_starts_s), commands)

    def plan_stop(self, now_s: float, lead_s: float = _HOLD_S) -> GripperPlan:
        """Plan a stop: the fingers end the move under way `lead_s` after `now_s`, and no other.

        Until then it equals what was commanded before, and it lasts so long, so that a controller
        that receives it by then accepts it and makes no step.
        """
        times, positions = self._old_until(np.inf, now_s)
        ways = [*np.sign(np.diff(positions)), 0.0]
        kept = bisect_right(times, lead_s)
        under_way = ways[kept - 1]
        while under_way and ways[kept - 1] == under_way:
            kept += 1
        times, positions = times[:kept], positions[:kept]
        if lead_s - times[-1] > _SHORTEST_S:
            times, positions = [*times, lead_s], [*positions, positions[-1]]
        return GripperPlan(self._unless_commanded(times, positions, now_s), (), ())

    def plan_hold(self, now_s: float, lead_s: float = _HOLD_S) -> GripperPlan:
        """Plan to hold the fingers where they are `lead_s` after `now_s`, even in mid-move."""
        times, positions = self._old_until(lead_s, now_s)
        times, positions = [*times, times[-1] + lead_s], [*positions, positions[-1]]
        return GripperPlan(self._unless_commanded(times, positions, now_s), (), ())

    def commanded(self, plan: GripperPlan, now_s: float) -> None:
        """Note that a plan was sent with time 0 at `now_s`, the time that it was made for."""
        first_s = plan.step_starts_s[0] if plan.step_starts_s else 0.0
        before = self._command_before(now_s + first_s)
        self._starts_s = [-np.inf, *plan.step_starts_s]
        self._commands = [before, *plan.commands]
        if plan.trajectory is None:
            self._knots_s = self._knots_s - (now_s - self._since_s)
        else:
            self._knots_s = np.concatenate(([0.0], plan.trajectory.times_s))
            self._knots_m = np.concatenate(([plan.trajectory.start_m], plan.trajectory.positions_m))
        self._since_s = now_s

    def _goal(self, command: Command, position_m: float) -> float:
        """Return where a command moves the fingers, from this position [m]."""
        if command.close is None:
            return position_m
        return self._limits.end_m(close=command.close)

    def _command_before(self, time_s: float) -> Command:
        """Return the command of the last action that starts before a time."""
        later = bisect_left(self._starts_s, time_s - self._since_s - _SHORTEST_S)
        return self._commands[max(0, later - 1)]

    def _old_until(self, end_s: float, now_s: float) -> tuple[list[float], list[float]]:
        """Return times after `now_s` and positions of the old command, to `end_s` or its end."""
        times, positions = [0.0], [self.commanded_m(now_s)]
        knots_s = self._knots_s - (now_s - self._since_s)
        kept = (knots_s > 0.0) & (knots_s < end_s)
        ends_s = [*knots_s[kept], end_s] if np.isfinite(end_s) else knots_s[kept]
        for time in ends_s:
            if time - times[-1] > _SHORTEST_S:
                times.append(float(time))
                positions.append(float(np.interp(time, knots_s, self._knots_m)))
        return times, positions

    def _unless_commanded(
        self, times: list[float], positions: list[float], now_s: float
    ) -> GripperTrajectory | None:
        """Return these positions as a trajectory; None: the old command has the same ones."""
        if len(times) == 1:
            times, positions = [0.0, _HOLD_S], [positions[0], positions[0]]
        old_s = self._knots_s - (now_s - self._since_s)
        all_s = np.concatenate((times, old_s[old_s > 0.0]))
        changes_m = np.interp(all_s, times, positions) - np.interp(all_s, old_s, self._knots_m)
        if (np.abs(changes_m) < _SAME_M).all():
            return None
        inner = (old_s > _SHORTEST_S - PAST_S) & (old_s < -_SHORTEST_S)
        past_s = np.concatenate(([-PAST_S], old_s[inner]))
        past_m = np.interp(past_s, old_s, self._knots_m)
        return GripperTrajectory(
            np.array(times[1:]), np.array(positions[1:]), positions[0], past_s, past_m
        )


def plan_fingers(
    gripper: Gripper, chunk: ChunkRequest, plan: Plan, now_s: float
) -> GripperPlan | None:
    """Plan the fingers' part of a chunk whose plan plays from `now_s` on; None: it has none."""
    played = len(plan.step_times_s)
    if not len(chunk.close) or not played or plan.chunk is None:
        return None
    step_starts_s = [plan.chunk.begins_s, *plan.step_times_s[:-1].tolist()]
    close = chunk.close[: chunk.dropped + played].tolist()
    return gripper.plan(close, step_starts_s, now_s, dropped=chunk.dropped)
