# SPDX-License-Identifier: Apache-2.0
"""sim_node: an arm in MuJoCo with cameras and two joint trajectory controllers."""

import threading
from functools import partial
from typing import Any, NoReturn

from rclpy.callback_groups import ReentrantCallbackGroup

from vera_ros.nodes.common.health import Health, Status
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.sim.camera_thread import Snapshot
from vera_ros.nodes.sim.cameras import SimCameras
from vera_ros.nodes.sim.controllers import SimControllers
from vera_ros.nodes.sim.lockstep import SimLockstep
from vera_ros.nodes.sim.parameters import PARAMETERS, check_lockstep
from vera_ros.nodes.sim.real_time import SimRealTime
from vera_ros.nodes.sim.reports import SimReports
from vera_ros.nodes.sim.sim_time import SimTime, Stream
from vera_ros.robots.registry import find_robot
from vera_ros_interfaces.srv import ResetScene


class SimNode(VeraNode):
    """Runs the simulated robot in step with real time, or in lockstep."""

    def __init__(self, **options: Any) -> None:
        super().__init__("sim_node", PARAMETERS, **options)
        self._cameras: SimCameras | None = None
        self._time: SimTime | None = None
        self._world_lock = threading.Lock()  # between time's thread and the callbacks

    def setup(self) -> None:
        """Build the simulated robot and the cameras."""
        p = self.parameters
        check_lockstep(p)
        simulator = find_robot(p["embodiment"]).simulator
        self._hardware = simulator.hardware
        self._robot = simulator.make(p["seed"], p)
        self._seed, self._resets = p["seed"], 0
        self._reports = SimReports(self, self._robot)
        patient = ReentrantCallbackGroup()  # its services may wait without blocking others
        self._time = self._make_time(patient)
        self._controllers = SimControllers(self, self._robot, self._world_lock, self._time)
        self.offer(ResetScene, "reset_scene", self._on_reset, callback_group=patient)
        self._cameras = SimCameras(self)

    def _make_time(self, patient: ReentrantCallbackGroup) -> SimTime:
        p = self.parameters
        streams = {
            "joints": Stream(p["joint_state_rate_hz"], self._publish_joints),
            "cameras": Stream(p["camera_rate_hz"], self._take_pictures),
            "truth": Stream(p["truth_rate_hz"], self._publish_truth),
        }
        parts = (self, self._robot, self._world_lock, streams)
        return SimLockstep(*parts, "cameras", patient) if p["lockstep"] else SimRealTime(*parts)

    def start(self) -> None:
        """Let time run, or in lockstep begin to serve advance_time."""
        assert self._time is not None
        self._time.start()

    def stop(self) -> None:
        """Let time stand still."""
        if self._time is not None:
            self._time.stop()

    def teardown(self) -> None:
        """Stop time and the cameras."""
        self.stop()
        if self._cameras is not None:
            self._cameras.close()
            self._cameras = None

    def health(self) -> Health:
        """Report how well simulated time keeps up."""
        if self._time is None or not self._time.running or self._cameras is None:
            return Health(message="not running")
        not_finite = self._robot.commands_not_finite
        if not_finite:
            self.get_logger().error(
                "a trajectory has values that are not finite; those joints hold still", once=True
            )
        commands: dict[str, object] = {
            "trajectories_rejected": self._controllers.rejected,
            "commands_not_finite": not_finite,
        }
        return Health(
            values={"realtime_factor": self._time.realtime_factor, "scene_seed": self._seed},
            hardware=self._hardware,
            parts={
                "cameras": Status(
                    values={"pictures_skipped": self._cameras.skipped}, hardware=self._hardware
                ),
                "controllers": Status(values=commands, hardware=self._hardware),
            },
        )

    # Streams.

    def _publish_joints(self) -> None:
        assert self._time is not None
        self._reports.say_joints(self._time.stamp_ns())

    def _take_pictures(self) -> None:
        assert self._time is not None
        assert self._cameras is not None
        state = self._robot.snapshot()
        self._cameras.take(Snapshot(state, self._time.stamp_ns(), self._resets))

    def _publish_truth(self) -> None:
        assert self._time is not None
        self._reports.say_truth(
            self._time.stamp_ns(), self._seed, self._resets, self._time.realtime_factor
        )

    # Services.

    async def _on_reset(
        self, request: ResetScene.Request, response: ResetScene.Response
    ) -> ResetScene.Response:
        if not self.active or self._time is None:
            response.message = "sim_node is not active; activate it first"
            return response
        if not 0 <= request.seed < 2**31:
            response.message = f"seed {request.seed} is not valid; valid is 0 to 2147483647"
            return response
        response.message = await self._time.set_scene(partial(self._reset, request.seed))
        response.success = not response.message
        response.message = response.message or f"scene of seed {request.seed}"
        return response

    def _reset(self, seed: int) -> None:
        with self._world_lock:
            self._robot.reset(seed)
            self._seed, self._resets = seed, self._resets + 1


def main() -> NoReturn:
    """Entry point."""
    run_node(SimNode)


if __name__ == "__main__":
    main()
