# SPDX-License-Identifier: Apache-2.0
"""sim_node: a Panda in MuJoCo with cameras and two joint trajectory controllers."""

import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

import numpy as np
from geometry_msgs.msg import Point, Quaternion
from geometry_msgs.msg import Pose as PoseMessage
from numpy.typing import NDArray
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.nodes.camera_thread import CameraThread, Snapshot
from vera_ros.nodes.conversions import (
    doubles,
    duration_to_seconds,
    ns_to_stamp,
    rgb_to_image,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.node import Health, VeraNode, run_node
from vera_ros.nodes.parameters import Parameter
from vera_ros.nodes.ticker import Ticker
from vera_ros.sim import scene
from vera_ros.sim.cameras import Intrinsics
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.pacer import Pacer
from vera_ros.sim.robot import SimulatedRobot
from vera_ros.sim.sabotage import SABOTAGES, Sabotage
from vera_ros.sim.task import StackTask
from vera_ros.sim.trajectory import TrajectoryPoints
from vera_ros.sim.world import JointState as Measured
from vera_ros.sim.world import Pose, World
from vera_ros_interfaces.msg import StackTruth
from vera_ros_interfaces.srv import ResetScene

PARAMETERS = (
    Parameter("seed", 0, "places the cubes of the first scene", minimum=0, maximum=2**31 - 1),
    Parameter("realtime_factor", 1.0, "simulated over real time", minimum=0.05, maximum=20.0),
    Parameter("publish_clock", False, "publish /clock at 100 Hz and stamp in simulated time"),
    Parameter("joint_state_rate_hz", 100.0, "rate of joint_states", "Hz", 10.0, 500.0),
    Parameter("camera_rate_hz", 20.0, "rate of each camera", "Hz", 1.0, 60.0),
    Parameter("truth_rate_hz", 10.0, "rate of stack_truth", "Hz", 1.0, 100.0),
    Parameter("image_size", 128, "height and width of a picture", "px", 16, 640),
    Parameter(
        "multisamples",
        0,
        "samples per pixel; 4 as the training environment, in twice the time",
        "",
        0,
        16,
    ),
    Parameter(
        "image_reliability",
        "best_effort",
        "QoS reliability of the pictures",
        choices=("best_effort", "reliable"),
    ),
    Parameter(
        "sabotage",
        "none",
        "what is wrong with the pictures, to prove that the policy looks at them",
        choices=SABOTAGES,
    ),
)

_TICK_S = 0.005  # how often simulated time is brought up to date


class SimNode(VeraNode):
    """Runs the simulated robot in step with real time."""

    def __init__(self, **options: Any) -> None:
        super().__init__("sim_node", PARAMETERS, **options)
        self._cameras: CameraThread | None = None
        self._ticker: Ticker | None = None
        self._world_lock = threading.RLock()  # the ticker's and the callbacks'

    def setup(self) -> None:
        """Build the world and the cameras."""
        p = self.parameters
        self._robot = SimulatedRobot(World(p["seed"]))
        self._task = StackTask(self._robot.world)
        self._seed, self._resets = p["seed"], 0
        self._rejected = 0
        self._due_s = {"joints": 0.0, "cameras": 0.0, "truth": 0.0}
        self._joint_states = self.create_publisher(
            JointState, "joint_states", sensor_qos("reliable", 10)
        )
        self._truth = self.create_publisher(StackTruth, "stack_truth", 10)
        qos = sensor_qos(p["image_reliability"])
        self._images = {
            view: (
                self.create_publisher(Image, f"{camera}/image_raw", qos),
                self.create_publisher(CameraInfo, f"{camera}/camera_info", qos),
                f"{camera}_optical",
            )
            for view, camera in scene.VIEW_CAMERAS.items()
        }
        self._clock_publisher = (
            self.create_publisher(ClockMessage, "/clock", 10) if p["publish_clock"] else None
        )
        for name, follower, state in (
            ("arm", self._robot.arm, self._robot.world.arm),
            ("gripper", self._robot.gripper, self._finger),
        ):
            self.create_subscription(
                JointTrajectory,
                f"{name}_controller/joint_trajectory",
                partial(self._on_trajectory, follower, state),
                10,
            )
        self.create_service(ResetScene, "reset_scene", self._on_reset)
        self._cameras = CameraThread(
            p["image_size"],
            p["multisamples"],
            Sabotage(p["sabotage"]),
            tuple(scene.VIEW_CAMERAS),
            self._publish_pictures,
        )

    def start(self) -> None:
        """Let time run."""
        now_s = time.monotonic()
        sim_s = self._robot.world.time_s
        self._pacer = Pacer(self.parameters["realtime_factor"], now_s, sim_s)
        # Without /clock, stamps are the system's time: the simulation only follows it.
        self._epoch_ns = 0 if self._clock_publisher else time.time_ns() - round(sim_s * 1e9)
        self._ticker = Ticker(_TICK_S, self._advance, self.fail)

    def stop(self) -> None:
        """Let time stand still."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def teardown(self) -> None:
        """Take the world away."""
        self.stop()
        if self._cameras is None:
            return
        self._cameras.stop()
        self._cameras = None

    def health(self) -> Health:
        """How well simulated time keeps up."""
        if self._ticker is None or self._cameras is None:
            return Health(message="not running")
        return Health(
            values={
                "realtime_factor": self._pacer.realtime_factor,
                "scene_seed": self._seed,
                "pictures_skipped": self._cameras.skipped,
                "trajectories_rejected": self._rejected,
            }
        )

    # Time.

    def _advance(self) -> None:
        with self._world_lock:
            world = self._robot.world
            target_s = self._pacer.target_s(time.monotonic(), world.time_s)
            while target_s - world.time_s >= world.step_s:
                self._robot.advance_to(min(target_s, self._next_due_s()))
                self._publish_due()

    def _next_due_s(self) -> float:
        return max(min(self._due_s.values()), self._robot.world.time_s + self._robot.world.step_s)

    def _stamp_ns(self) -> int:
        """The present moment's stamp: simulated time with /clock, else the system's.

        Simulated time that was lost must not make the stamps old for ever.
        """
        lost_s = 0.0 if self._clock_publisher else self._pacer.lost_s
        return self._epoch_ns + round((self._robot.world.time_s + lost_s) * 1e9)

    def _publish_due(self) -> None:
        now_s = self._robot.world.time_s + 1e-6
        for name, rate, publish in (
            ("joints", "joint_state_rate_hz", self._publish_joints),
            ("cameras", "camera_rate_hz", self._take_pictures),
            ("truth", "truth_rate_hz", self._publish_truth),
        ):
            if now_s >= self._due_s[name]:
                period_s = 1.0 / self.parameters[rate]
                self._due_s[name] = (now_s // period_s + 1) * period_s
                publish()

    # What goes out.

    def _publish_joints(self) -> None:
        stamp_ns = self._stamp_ns()
        if self._clock_publisher:
            self._clock_publisher.publish(ClockMessage(clock=ns_to_stamp(stamp_ns)))
        names, (q, dq, effort) = self._robot.joint_states()
        self._joint_states.publish(
            JointState(
                header=Header(stamp=ns_to_stamp(stamp_ns)),
                name=names,
                position=doubles(q),
                velocity=doubles(dq),
                effort=doubles(effort),
            )
        )

    def _take_pictures(self) -> None:
        assert self._cameras is not None
        self._cameras.take(Snapshot(self._robot.world.snapshot(), self._stamp_ns(), self._resets))

    def _publish_pictures(self, pictures: Mapping[str, NDArray[np.uint8]], stamp_ns: int) -> None:
        """Called in the cameras' thread."""
        assert self._cameras is not None
        for view, picture in pictures.items():
            images, infos, frame_id = self._images[view]
            images.publish(rgb_to_image(picture, stamp_ns, frame_id))
            infos.publish(_camera_info(self._cameras.intrinsics[view], stamp_ns, frame_id))

    def _publish_truth(self) -> None:
        world = self._robot.world
        self._truth.publish(
            StackTruth(
                header=Header(stamp=ns_to_stamp(self._stamp_ns()), frame_id=scene.BASE),
                seed=self._seed,
                resets=self._resets,
                success=self._task.succeeded(),
                red_cube=_pose_message(world.pose(scene.RED_CUBE, scene.BASE)),
                green_cube=_pose_message(world.pose(scene.GREEN_CUBE, scene.BASE)),
                realtime_factor=self._pacer.realtime_factor,
            )
        )

    # What comes in.

    def _finger(self) -> Any:
        fingers = self._robot.world.fingers()
        return type(fingers)(fingers.q[:1], fingers.dq[:1], fingers.effort[:1])

    def _on_trajectory(
        self, follower: TrajectoryFollower, state: Any, message: JointTrajectory
    ) -> None:
        if not self.active:
            return
        with self._world_lock:
            self._advance()  # what starts now starts at this moment, not at the last tick
            self._follow(follower, state(), message)

    def _follow(
        self, follower: TrajectoryFollower, measured: Measured, message: JointTrajectory
    ) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        points = message.points
        try:
            follower.accept(
                list(message.joint_names),
                TrajectoryPoints(
                    [duration_to_seconds(point.time_from_start) for point in points],
                    [point.positions for point in points],
                    [point.velocities for point in points],
                    [point.accelerations for point in points],
                ),
                self._robot.world.time_s + (stamp_ns - self._stamp_ns()) * 1e-9
                if stamp_ns
                else 0.0,
                self._robot.world.time_s,
                measured.q,
                measured.dq,
            )
        except TrajectoryRejectedError as error:
            self._rejected += 1
            self.get_logger().warning(f"trajectory rejected: {error}")

    def _on_reset(
        self, request: ResetScene.Request, response: ResetScene.Response
    ) -> ResetScene.Response:
        if not self.active:
            response.message = "sim_node is not active; activate it first"
            return response
        if not 0 <= request.seed < 2**31:
            response.message = f"seed {request.seed} is not valid; valid is 0 to 2147483647"
            return response
        with self._world_lock:
            self._robot.reset(request.seed)
            self._seed, self._resets = request.seed, self._resets + 1
        response.success = True
        response.message = f"scene of seed {request.seed}"
        return response


def _camera_info(camera: Intrinsics, stamp_ns: int, frame_id: str) -> CameraInfo:
    k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    return CameraInfo(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id),
        height=camera.size,
        width=camera.size,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k,
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0],
    )


def _pose_message(pose: Pose) -> PoseMessage:
    x, y, z = pose.position
    qx, qy, qz, qw = pose.quaternion
    return PoseMessage(
        position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw)
    )


def main() -> NoReturn:
    """Entry point."""
    run_node(SimNode)


if __name__ == "__main__":
    main()
