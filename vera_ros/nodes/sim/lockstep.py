# SPDX-License-Identifier: Apache-2.0
"""Simulated time that passes only when the service advance_time is called."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future

from vera_ros.nodes.common.conversions import duration_to_seconds, ns_to_stamp
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.lockstep import Lockstep
from vera_ros.nodes.sim.sim_time import Stream
from vera_ros.sim.simulation import Simulation, nanoseconds
from vera_ros.sim.timetable import timetable
from vera_ros_interfaces.srv import AdvanceTime

_SETTLE_S = 0.2  # for the robot and things to settle in a new scene
_TRAJECTORY_S = 2.0  # real time within which an announced trajectory must arrive
_LONGEST_ADVANCE_S = 600.0
_REPEATS_PER_PICTURE = 20  # pictures of the present are repeated about once a second


class SimLockstep:
    """Steps the world on request, and republishes the present in between (see SimTime).

    Args:
        node: the rclpy node.
        robot: the simulated robot.
        lock: guards the world between the lockstep's thread and callbacks.
        streams: the published streams by name; all of them publish at the end of every advance.
        pictures: name of the stream of pictures, which is repeated less often.
        patient: callback group whose services may wait without blocking others.
    """

    def __init__(
        self,
        node: VeraNode,
        robot: Simulation,
        lock: threading.Lock,
        streams: Mapping[str, Stream],
        pictures: str,
        patient: CallbackGroup,
    ) -> None:
        self._node = node
        self._robot = robot
        self._lock = lock
        self._streams = streams
        self._pictures = pictures
        self._lockstep: Lockstep | None = None
        self._repeats = 0
        node.offer(AdvanceTime, "advance_time", self._on_advance_time, callback_group=patient)

    @property
    def running(self) -> bool:
        """See SimTime."""
        return self._lockstep is not None

    @property
    def realtime_factor(self) -> float:
        """See SimTime."""
        return 0.0

    def stamp_ns(self) -> int:
        """See SimTime."""
        return nanoseconds(self._robot)

    def start(self) -> None:
        """Begin to serve advance_time."""
        if self._robot.time_s == 0.0:  # ROS takes time 0 for a missing clock
            self._settle()
        self._lockstep = Lockstep(self._repeat_present, self._node.fail)

    def stop(self) -> None:
        """Serve advance_time no longer."""
        if self._lockstep is not None:
            self._lockstep.stop()
            self._lockstep = None

    def catch_up(self) -> None:
        """Do nothing: the world is at the present already."""

    def note_trajectory(self, name: str) -> None:
        """See SimTime."""
        if self._lockstep is not None:
            self._lockstep.came(name)

    async def set_scene(self, reset: Callable[[], None]) -> str:
        """Set a scene by calling `reset`, let it settle, and publish it (see SimTime)."""
        return await self._done(partial(self._set_scene, reset))

    async def _on_advance_time(
        self, request: AdvanceTime.Request, response: AdvanceTime.Response
    ) -> AdvanceTime.Response:
        duration_s = duration_to_seconds(request.duration)
        if not 0.0 <= duration_s <= _LONGEST_ADVANCE_S:
            response.message = f"duration {duration_s} s; valid is 0 to {_LONGEST_ADVANCE_S:g} s"
            return response
        wanted = {"arm": request.await_arm, "gripper": request.await_gripper}
        awaited = [name for name, is_wanted in wanted.items() if is_wanted]
        response.message = await self._done(
            partial(self._let_time_pass, duration_s, awaited, response)
        )
        response.success = not response.message
        return response

    async def _done(self, work: Callable[[], str]) -> str:
        """Run `work` in the lockstep's thread; return why it failed, empty: success."""
        if self._lockstep is None or not self._node.active:
            return "sim_node is not active; activate it first"
        executor = self._node.executor
        future: Future = Future(executor=executor)
        self._lockstep.ask(work, lambda failure: executor.create_task(future.set_result, failure))
        return str(await future)

    # In the lockstep's thread.

    def _let_time_pass(
        self, duration_s: float, awaited: list[str], response: AdvanceTime.Response
    ) -> str:
        assert self._lockstep is not None
        response.stamp = ns_to_stamp(self.stamp_ns())
        missing = self._lockstep.wait_for(awaited, _TRAJECTORY_S)
        if missing:
            return (
                f"no trajectory for the {' and the '.join(missing)} was accepted within "
                f"{_TRAJECTORY_S:g} s; time stands still"
            )
        steps = round(duration_s / self._robot.step_s)
        if steps:
            self._lockstep.forget_what_came()
        rates_hz = {name: stream.rate_hz for name, stream in self._streams.items()}
        passed = 0
        for at, due in timetable(steps, self._robot.step_s, rates_hz):
            with self._lock:
                self._robot.advance(at - passed)
            passed = at
            for name in due:
                self._streams[name].publish()
        response.stamp = ns_to_stamp(self.stamp_ns())
        return ""

    def _set_scene(self, reset: Callable[[], None]) -> str:
        assert self._lockstep is not None
        self._lockstep.forget_what_came()
        reset()
        self._settle()
        return self._let_time_pass(0.0, [], AdvanceTime.Response())

    def _settle(self) -> None:
        """Let a new scene settle, before it is published."""
        with self._lock:
            self._robot.advance(round(_SETTLE_S / self._robot.step_s))

    def _repeat_present(self) -> None:
        """Republish the present, for late joiners and watchdogs."""
        self._repeats += 1
        for name, stream in self._streams.items():
            if name != self._pictures:
                stream.publish()
        if self._repeats % _REPEATS_PER_PICTURE == 1:
            self._streams[self._pictures].publish()
