# SPDX-License-Identifier: Apache-2.0
"""sim_node: a Panda in MuJoCo with cameras and two joint trajectory controllers."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import numpy as np
from geometry_msgs.msg import Point, Quaternion
from geometry_msgs.msg import Pose as PoseMessage
from numpy.typing import NDArray
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import ConfigurationError, TrajectoryRejectedError
from vera_ros.nodes.camera_thread import CameraThread, Snapshot
from vera_ros.nodes.conversions import (
    LOSSLESS_DEPTH,
    doubles,
    duration_to_seconds,
    ns_to_stamp,
    rgb_to_image,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.lockstep import Lockstep
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
from vera_ros.sim.timetable import timetable
from vera_ros.sim.trajectory import TrajectoryPoints
from vera_ros.sim.world import JointState as Measured
from vera_ros.sim.world import Pose, World
from vera_ros_interfaces.msg import StackTruth
from vera_ros_interfaces.srv import AdvanceTime, ResetScene

PARAMETERS = (
    Parameter("seed", 0, "places the cubes of the first scene", minimum=0, maximum=2**31 - 1),
    Parameter("realtime_factor", 1.0, "simulated over real time", minimum=0.05, maximum=20.0),
    Parameter("publish_clock", False, "publish /clock at 100 Hz and stamp in simulated time"),
    Parameter(
        "lockstep",
        False,
        "time stands still but when advance_time lets it pass; needs publish_clock",
    ),
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
_SETTLE_S = 0.2  # lockstep: for the arm and the cubes to settle in a new scene
_TRAJECTORY_S = 2.0  # lockstep: real time that a trajectory which was announced may take
_LONGEST_ADVANCE_S = 600.0
_REPEATS_PER_PICTURE = 20  # lockstep: pictures of the present are repeated about once a second


class SimNode(VeraNode):
    """Runs the simulated robot in step with real time."""

    def __init__(self, **options: Any) -> None:
        super().__init__("sim_node", PARAMETERS, **options)
        self._cameras: CameraThread | None = None
        self._ticker: Ticker | None = None
        self._pacer: Pacer | None = None
        self._lockstep: Lockstep | None = None
        self._repeats = 0
        self._world_lock = threading.RLock()  # the ticker's and the callbacks'

    def setup(self) -> None:
        """Build the world and the cameras."""
        p = self.parameters
        _check_lockstep(p)
        self._robot = SimulatedRobot(World(p["seed"]))
        self._task = StackTask(self._robot.world)
        self._seed, self._resets = p["seed"], 0
        self._rejected = 0
        self._due_s = {"joints": 0.0, "cameras": 0.0, "truth": 0.0}
        self._joint_states = self.create_publisher(
            JointState, "joint_states", sensor_qos("reliable", 10)
        )
        self._truth = self.create_publisher(StackTruth, "stack_truth", LOSSLESS_DEPTH)
        qos = (
            sensor_qos(p["image_reliability"], LOSSLESS_DEPTH)
            if p["lockstep"]
            else sensor_qos(p["image_reliability"])
        )
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
                partial(self._on_trajectory, name, follower, state),
                10,
            )
        patient = ReentrantCallbackGroup()  # whose services wait, but keep nobody else waiting
        self.create_service(ResetScene, "reset_scene", self._on_reset, callback_group=patient)
        if p["lockstep"]:
            self.create_service(
                AdvanceTime, "advance_time", self._on_advance_time, callback_group=patient
            )
        self._cameras = CameraThread(
            p["image_size"],
            p["multisamples"],
            Sabotage(p["sabotage"]),
            tuple(scene.VIEW_CAMERAS),
            self._publish_pictures,
        )

    def start(self) -> None:
        """Let time run, or in lockstep wait for who lets it pass."""
        now_s = time.monotonic()
        sim_s = self._robot.world.time_s
        if self.parameters["lockstep"]:
            self._epoch_ns = 0
            if sim_s == 0.0:  # which ROS takes for a clock that is not there
                self._settle()
            self._lockstep = Lockstep(self._repeat_present, self.fail)
            return
        self._pacer = Pacer(self.parameters["realtime_factor"], now_s, sim_s)
        # Without /clock, stamps are the system's time: the simulation only follows it.
        self._epoch_ns = 0 if self._clock_publisher else time.time_ns() - round(sim_s * 1e9)
        self._ticker = Ticker(_TICK_S, self._advance, self.fail)

    def stop(self) -> None:
        """Let time stand still."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        if self._lockstep is not None:
            self._lockstep.stop()
            self._lockstep = None

    def teardown(self) -> None:
        """Take the world away."""
        self.stop()
        if self._cameras is None:
            return
        self._cameras.stop()
        self._cameras = None

    def health(self) -> Health:
        """How well simulated time keeps up."""
        if not (self._ticker or self._lockstep) or self._cameras is None:
            return Health(message="not running")
        return Health(
            values={
                "realtime_factor": self._realtime_factor,
                "scene_seed": self._seed,
                "pictures_skipped": self._cameras.skipped,
                "trajectories_rejected": self._rejected,
            }
        )

    # Time.

    def _advance(self) -> None:
        if self._pacer is None:
            return
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
        lost_s = self._pacer.lost_s if self._pacer and not self._clock_publisher else 0.0
        return self._epoch_ns + round((self._robot.world.time_s + lost_s) * 1e9)

    @property
    def _realtime_factor(self) -> float:
        """Simulated over real time; 0 in lockstep, where it means nothing."""
        return self._pacer.realtime_factor if self._pacer else 0.0

    @property
    def _streams(self) -> dict[str, tuple[float, Callable[[], None]]]:
        """Everything that is published now and then: its rate [Hz], and what publishes it."""
        p = self.parameters
        return {
            "joints": (p["joint_state_rate_hz"], self._publish_joints),
            "cameras": (p["camera_rate_hz"], self._take_pictures),
            "truth": (p["truth_rate_hz"], self._publish_truth),
        }

    def _publish_due(self) -> None:
        now_s = self._robot.world.time_s + 1e-6
        for name, (rate_hz, publish) in self._streams.items():
            if now_s >= self._due_s[name]:
                period_s = 1.0 / rate_hz
                self._due_s[name] = (now_s // period_s + 1) * period_s
                publish()

    # Time in lockstep: all of this but the service's callback runs in the lockstep's thread.

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
        """Have the lockstep's thread do something; return why it failed, empty: it did not."""
        if self._lockstep is None or not self.active:
            return "sim_node is not active; activate it first"
        executor = self.executor
        future: Future = Future(executor=executor)
        self._lockstep.ask(work, lambda failure: executor.create_task(future.set_result, failure))
        return str(await future)

    def _let_time_pass(
        self, duration_s: float, awaited: list[str], response: AdvanceTime.Response
    ) -> str:
        assert self._lockstep is not None
        response.stamp = ns_to_stamp(self._stamp_ns())
        missing = self._lockstep.wait_for(awaited, _TRAJECTORY_S)
        if missing:
            return (
                f"no trajectory for the {' and the '.join(missing)} was accepted within "
                f"{_TRAJECTORY_S:g} s; time stands still"
            )
        steps = round(duration_s / self._robot.world.step_s)
        if steps:
            self._lockstep.forget_what_came()
        rates_hz = {name: rate_hz for name, (rate_hz, _) in self._streams.items()}
        passed = 0
        for at, due in timetable(steps, self._robot.world.step_s, rates_hz):
            with self._world_lock:
                self._robot.advance(at - passed)
            passed = at
            for name in due:
                self._streams[name][1]()
        response.stamp = ns_to_stamp(self._stamp_ns())
        return ""

    def _repeat_present(self) -> None:
        """Publish the present once more, for late joiners and who thinks that this node is gone."""
        self._repeats += 1
        self._publish_joints()
        self._publish_truth()
        if self._repeats % _REPEATS_PER_PICTURE == 1:
            self._take_pictures()

    def _settle(self) -> None:
        """Let a new scene come to rest; nobody sees it before."""
        with self._world_lock:
            self._robot.advance(round(_SETTLE_S / self._robot.world.step_s))

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
        snapshot = Snapshot(self._robot.world.snapshot(), self._stamp_ns(), self._resets)
        take = self._cameras.take_now if self.parameters["lockstep"] else self._cameras.take
        take(snapshot)

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
                realtime_factor=self._realtime_factor,
            )
        )

    # What comes in.

    def _finger(self) -> Any:
        fingers = self._robot.world.fingers()
        return type(fingers)(fingers.q[:1], fingers.dq[:1], fingers.effort[:1])

    def _on_trajectory(
        self, name: str, follower: TrajectoryFollower, state: Any, message: JointTrajectory
    ) -> None:
        if not self.active:
            return
        with self._world_lock:
            self._advance()  # what starts now starts at this moment, not at the last tick
            accepted = self._follow(follower, state(), message)
        if accepted and self._lockstep is not None:
            self._lockstep.came(name)

    def _follow(
        self, follower: TrajectoryFollower, measured: Measured, message: JointTrajectory
    ) -> bool:
        """Let a controller follow a trajectory; return whether it does."""
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
            return False
        return True

    async def _on_reset(
        self, request: ResetScene.Request, response: ResetScene.Response
    ) -> ResetScene.Response:
        if not self.active:
            response.message = "sim_node is not active; activate it first"
            return response
        if not 0 <= request.seed < 2**31:
            response.message = f"seed {request.seed} is not valid; valid is 0 to 2147483647"
            return response
        if self.parameters["lockstep"]:
            response.message = await self._done(partial(self._reset_in_lockstep, request.seed))
        else:
            self._reset(request.seed)
        response.success = not response.message
        response.message = response.message or f"scene of seed {request.seed}"
        return response

    def _reset(self, seed: int) -> None:
        with self._world_lock:
            self._robot.reset(seed)
            self._seed, self._resets = seed, self._resets + 1

    def _reset_in_lockstep(self, seed: int) -> str:
        """Set a scene, let it come to rest, and show it; called in the lockstep's thread."""
        assert self._lockstep is not None
        self._lockstep.forget_what_came()
        self._reset(seed)
        self._settle()
        return self._let_time_pass(0.0, [], AdvanceTime.Response())


def _check_lockstep(parameters: Mapping[str, Any]) -> None:
    if not parameters["lockstep"]:
        return
    for name, only in (("publish_clock", True), ("realtime_factor", 1.0)):
        if parameters[name] != only:
            raise ConfigurationError(
                f"{name} is {parameters[name]} with lockstep; valid is {only}: time passes when it "
                "is asked to, and everybody has it from /clock"
            )


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
