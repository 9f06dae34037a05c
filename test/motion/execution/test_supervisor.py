# SPDX-License-Identifier: Apache-2.0
"""Who lets the arm move, what stops it, and whether it does as it was told."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import chain, count, repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.dry_run import DryRunDispatcher
from vera_ros.motion.execution.planning_job import Clocks, PlanningJob
from vera_ros.motion.execution.supervisor import Hold, Supervisor
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.safety.contact import ContactWatch
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.setpoint.lead import Lead

from ..checker import check
from ..chunks import CONTROL_DT_S, START_Q, Vector
from ..conftest import Published, refusal_of
from ..dispatcher_rig import CLOSE, DOWN, REST_SPEED, TURN, Rig, goes_on, refused

TICK_S = 0.02
BRAKE_S = 0.3  # of an arm that is slow
BOUNDS = SupervisionLimits(
    tracking_tolerance=0.1,
    tracking_delay_s=0.15,
    rest_speed=REST_SPEED,
    rest_timeout_s=1.0,
    planning_timeout_s=1.0,
    chunk_max_age_s=900.0,
    chunk_max_delay_s=0.5,
    frozen_time_s=0.3,
    frozen_angle=0.01,
    clock_jump_s=0.05,
)
FAR = np.vstack((3.0 * DOWN, 0.3 * DOWN))  # long and fast enough to be disturbed


class Heard:
    """Everything that a supervisor said, as (what, ...)."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what: self.all.append((name, *what))

    def names(self) -> list[str]:
        return [what[0] for what in self.all]

    def last(self, name: str) -> tuple[Any, ...]:
        return [what[1:] for what in self.all if what[0] == name][-1]


@dataclass
class Scene:
    """A supervisor, an arm that does what was published last, and what a test spoils of it."""

    supervisor: Supervisor
    rig: Rig
    told: Heard
    hold: Hold
    stopwatch_s: list[float] = field(default_factory=lambda: [0.0])
    look: Callable[[ArmObservation], ArmObservation] = lambda observation: observation
    sequence: int = 0

    @property
    def arm(self) -> list[Any]:
        """What was published."""
        return self.rig.published.arm

    def observation(self) -> ArmObservation:
        q, dq, _ = self.rig.state()
        measured = Measured(q, dq, self.rig.finger_m, self.rig.now_s, 0.0)
        return self.look(ArmObservation(measured, np.zeros(7)))

    def play(self, deltas: Vector = DOWN, session_id: str = "a", **more: Any) -> None:
        approval = more.pop("approval", False)
        self.sequence += 1
        close = more.pop("close", np.zeros(0, bool))
        chunk = ChunkRequest(deltas, close, CONTROL_DT_S, session_id, self.sequence, **more)
        self.play_chunk(chunk, approval=approval)

    def play_chunk(self, chunk: ChunkRequest, *, approval: bool = False) -> None:
        planning = self.plan(chunk, approval=approval)
        try:
            self.take(planning)
        finally:
            self.supervisor.intake.give_up(planning)

    def set_clocks(self, clocks: Clocks) -> None:
        """Let time pass otherwise."""
        for part in (self.supervisor, self.supervisor.intake, self.supervisor.stops):
            part._clocks = clocks

    def plan(self, chunk: ChunkRequest, *, approval: bool = False) -> PlanningJob:
        return self.supervisor.plan(chunk, self.observation(), self.rig.now_s, approval=approval)

    def take(self, planning: PlanningJob) -> None:
        self.supervisor.take(planning, planning.run(), self.observation(), self.rig.now_s)

    def stop(self, cause: Cause = Cause.STOPPED) -> None:
        reason = Reason(cause, "someone asked for it")
        self.supervisor.stop(reason, self.observation(), self.rig.now_s)

    def approve(self) -> None:
        self.play_chunk(self.supervisor.approve(self.observation(), self.rig.now_s))

    def move(self, offset: float = 0.1) -> None:
        self.supervisor.move_to(START_Q + offset, 0.3, self.observation(), self.rig.now_s)

    def tick(self, seconds: float = TICK_S) -> None:
        """Let time pass."""
        for _ in range(round(seconds / TICK_S)):
            self.rig.now_s += TICK_S
            self.look_on()

    def look_on(self, seconds: float = TICK_S) -> None:
        """Let steady time alone pass."""
        for _ in range(round(seconds / TICK_S)):
            self.stopwatch_s[0] += TICK_S
            self.supervisor.tick(self.observation(), self.rig.now_s)

    def tick_until(self, condition: Callable[[], object], most_s: float = 10.0) -> None:
        for _ in range(round(most_s / TICK_S)):
            if condition():
                return
            self.tick()
        pytest.fail(f"waited for {most_s} s; told: {self.told.names()}")

    def aborted(self, cause: Cause) -> str:
        """The last chunk was aborted because of this, and the words are everywhere the same."""
        _, reason = self.told.last("aborted")
        assert reason.cause is cause
        assert self.supervisor.reason == reason
        return str(reason.message)


MakeScene = Callable[..., Scene]


@pytest.fixture(scope="module")
def make_scene(
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    chunk_planner: ChunkPlanner,
    planner: Planner,
) -> MakeScene:
    def make(kind: type[Dispatcher] = Dispatcher, bounds: SupervisionLimits = BOUNDS) -> Scene:
        published, told, hold, stopwatch_s = (
            Published(arm, limits, gripper_limits),
            Heard(),
            Hold(),
            [0.0],
        )
        lead = Lead(0.0125)
        dispatcher = kind(
            chunk_planner,
            planner,
            published.gate,
            Gripper(gripper_limits),
            lead=lead,
            hand_over_lead_s=0.05,
            rest_speed=REST_SPEED,
        )
        watch = PlaybackWatch(ContactWatch(arm, np.full(7, 50.0), 0.1), bounds)
        supervisor = Supervisor(
            dispatcher,
            None if kind is DryRunDispatcher else watch,
            bounds,
            hold,
            told,
            Clocks(lambda: stopwatch_s[0]),
        )
        return Scene(supervisor, Rig(dispatcher, published), told, hold, stopwatch_s)

    return make


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    return make_scene()


@pytest.fixture
def playing(scene: Scene) -> Scene:
    """Half a second into a long chunk."""
    scene.play(FAR)
    scene.tick(0.5)
    return scene


def at(**changes: Any) -> Callable[[ArmObservation], ArmObservation]:
    """An observation with another measurement."""

    def look(observation: ArmObservation) -> ArmObservation:
        assert observation.measured is not None
        return replace(observation, measured=replace(observation.measured, **changes))

    return look


def missing(cause: Cause, message: str = "gone") -> Callable[[ArmObservation], ArmObservation]:
    def look(observation: ArmObservation) -> ArmObservation:
        measured = None if cause is Cause.NO_JOINT_STATES else observation.measured
        return replace(observation, measured=measured, fault=Reason(cause, message))

    return look


def stops_along_its_plan(scene: Scene, before: tuple[Vector, Vector, Vector]) -> None:
    goes_on(scene.rig, before)
    assert not np.any(scene.arm[-1].dq[-1])


# Chunks and moves.


def test_a_chunk_is_followed_to_its_end(scene: Scene) -> None:
    scene.play()
    scene.tick_until(lambda: "finished" in scene.told.names())
    assert scene.told.names() == ["accepted", *["stepped"] * 10, "finished"]
    assert scene.supervisor.playing is None
    assert not scene.supervisor.stops.under_way


def test_the_next_chunk_takes_over(playing: Scene) -> None:
    playing.play(TURN)
    assert playing.told.names()[-2:] == ["superseded", "accepted"]
    playing.tick_until(lambda: playing.told.names()[-1] == "finished")


@pytest.mark.parametrize("cause", [Cause.NOT_ACTIVE, Cause.NO_CONTROLLER, Cause.NO_JOINT_STATES])
def test_nothing_begins_while_something_is_missing(scene: Scene, cause: Cause) -> None:
    scene.look = missing(cause)
    assert refused(scene.play, cause) == "gone"
    refused(scene.move, cause)
    assert scene.arm == []
    scene.look = lambda observation: observation
    scene.play()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"unfit": Reason(Cause.CLOCKS_DIFFER, "off")}, Cause.CLOCKS_DIFFER),
        ({"elsewhere": "it was re-homed"}, Cause.NO_JOINT_STATES),
        ({"fault": Reason(Cause.ROBOT_FAULT, "a reflex"), "elsewhere": "x"}, Cause.ROBOT_FAULT),
    ],
)
def test_what_is_said_to_hinder_a_motion_does(
    scene: Scene, changes: dict[str, Any], cause: Cause
) -> None:
    assert scene.supervisor.hindrance(scene.observation()) is None
    scene.look = lambda observation: replace(observation, **changes)
    hindrance = scene.supervisor.hindrance(scene.observation())
    assert hindrance is not None
    assert hindrance.cause is cause
    assert refused(scene.play, cause) == hindrance.message


def test_a_hold_hinders_a_motion(scene: Scene) -> None:
    scene.hold.held = True
    hindrance = scene.supervisor.hindrance(scene.observation())
    assert hindrance is not None
    assert hindrance.cause is Cause.HELD


def test_a_chunk_planned_from_what_is_long_past_is_refused(scene: Scene) -> None:
    now_s = scene.rig.now_s
    said = refused(lambda: scene.play(stamp_s=now_s - 901.0), Cause.CHUNK_TOO_OLD)
    assert "901.00 s ago" in said
    assert "900.0 s" in said
    scene.play(stamp_s=now_s - 899.0)


@pytest.mark.parametrize("early_s", [0.03, 5.0, 1000.0])
def test_a_chunk_that_was_sent_in_the_future_is_refused(scene: Scene, early_s: float) -> None:
    """It could be sent again after a stop, for as long as it was ahead."""
    sent_s = scene.rig.now_s + early_s
    said = refused(lambda: scene.play(sent_s=sent_s), Cause.CLOCKS_DIFFER)
    assert f"{early_s:.3f} s from now" in said
    assert scene.arm == []


@pytest.mark.parametrize("late_s", [-0.01, 0.0, 0.49, 0.51, 100.0])
def test_a_chunk_that_was_too_long_under_way_is_refused(scene: Scene, late_s: float) -> None:
    """After a gap of the network, it was played though its episode was over."""
    sent_s = scene.rig.now_s - late_s
    if late_s > 0.5:
        said = refused(lambda: scene.play(sent_s=sent_s), Cause.CHUNK_TOO_OLD)
        assert f"sent {late_s:.2f} s ago" in said
        assert "0.5 s" in said
        assert scene.arm == []
    else:
        scene.play(sent_s=sent_s)


def test_a_chunk_that_was_sent_before_a_stop_is_refused_after_it(playing: Scene) -> None:
    """A chunk comes by topic and a stop by service: nothing keeps them in order."""
    sent_s = playing.rig.now_s - 0.01
    playing.stop()
    playing.tick_until(lambda: not playing.supervisor.stops.under_way, 0.45)
    late = lambda: playing.play(session_id="b", sent_s=sent_s)  # noqa: E731
    assert "before the last stop" in refused(late, Cause.CHUNK_TOO_OLD)
    refused(lambda: playing.play(approval=True, sent_s=sent_s), Cause.CHUNK_TOO_OLD)
    playing.play(session_id="b", sent_s=sent_s + 0.01)  # in lockstep, no time passes in between


def test_after_the_clock_was_turned_back_a_stop_of_before_refuses_nothing(scene: Scene) -> None:
    scene.stop()
    scene.rig.now_s -= 100.0
    scene.play(sent_s=scene.rig.now_s)


def test_a_chunk_may_wait_for_approval_as_long_as_what_it_saw_allows(scene: Scene) -> None:
    scene.play(approval=True, sent_s=scene.rig.now_s)
    scene.tick(5.0)
    scene.approve()


def test_a_plan_that_took_too_long_is_not_sent(scene: Scene) -> None:
    times_s = iter([0.0, 1.5, 10.0, 10.9])
    scene.set_clocks(Clocks(lambda: next(times_s)))
    said = refused(scene.play, Cause.PLANNING_TOO_SLOW)
    assert "1.500 s" in said
    assert scene.arm == []
    scene.play()
    assert scene.told.last("accepted")[1] == pytest.approx(0.9)


def test_in_lockstep_planning_may_take_as_long_as_the_machine_needs(scene: Scene) -> None:
    """ROS time stands still meanwhile: nothing is late."""
    times_s = count(0.0, 30.0)
    scene.set_clocks(Clocks(lambda: next(times_s), lambda: scene.rig.now_s))
    scene.play()
    assert scene.arm


# Holds and stops.


def test_a_held_arm_takes_nothing_until_it_is_released(playing: Scene) -> None:
    before = playing.rig.state()
    playing.hold.held = True
    playing.stop(Cause.HELD)
    stops_along_its_plan(playing, before)
    playing.aborted(Cause.HELD)
    for act in (playing.play, playing.move):
        assert "release" in refused(act, Cause.HELD)
    playing.tick_until(lambda: not playing.supervisor.stops.under_way)
    sent = len(playing.arm)
    playing.hold.held = False
    playing.tick(1.0)
    assert len(playing.arm) == sent
    playing.play()


def test_a_stop_is_over_when_the_arm_is_seen_at_rest(playing: Scene) -> None:
    playing.stop()
    end_s = playing.rig.now_s + playing.arm[-1].times_s[-1]
    playing.look = at(dq=np.full(7, 0.06))
    playing.tick(0.6)
    assert "rested" not in playing.told.names()
    assert playing.supervisor.stops.under_way
    playing.look = lambda observation: observation
    playing.tick()
    assert playing.rig.now_s > end_s
    assert playing.told.last("rested")[0]
    assert not playing.supervisor.stops.under_way


def test_a_second_stop_adds_nothing(playing: Scene) -> None:
    playing.stop()
    playing.tick()
    playing.stop(Cause.HELD)
    assert len(playing.arm) == 2
    assert playing.told.names().count("aborted") == 1
    playing.tick_until(lambda: "rested" in playing.told.names())


def test_whoever_waits_for_the_rest_is_told_before_the_arm_moves_again(playing: Scene) -> None:
    """A chunk that came before the next look left the stop's caller without an answer."""
    playing.stop()
    playing.rig.now_s += playing.arm[-1].times_s[-1] + 0.001
    playing.play(session_id="b")
    assert playing.told.names()[-2:] == ["rested", "accepted"]


def test_a_stop_that_is_refused_is_reported_and_the_plan_ends_at_rest(playing: Scene) -> None:
    def refuse(*_: object, **__: object) -> float:
        raise MotionRefusedError(Cause.LIMIT_EXCEEDED, "too sharp")

    send = playing.rig.dispatcher.channel.gate.send_arm
    playing.rig.dispatcher.channel.gate.send_arm = refuse  # type: ignore[method-assign]
    playing.stop()
    assert "too sharp" in playing.told.last("warned")[0]
    assert playing.supervisor.stops.under_way
    playing.rig.dispatcher.channel.gate.send_arm = send  # type: ignore[method-assign]
    refused(playing.play, Cause.BUSY)
    playing.tick_until(lambda: "rested" in playing.told.names())


# An arm that does not come to rest.


def comes_to_rest_by_itself(scene: Scene, q: Vector, dq: Vector) -> None:
    """Only where the arm can rest is sent, ahead in time: nobody knows what is commanded now."""
    brake = scene.arm[-1]
    assert brake.past is None
    rest = q + 0.5 * BRAKE_S * dq
    np.testing.assert_allclose(brake.points.q, np.tile(rest, (2, 1)), atol=0.1 * TICK_S)


def scene_time_of_brake(scene: Scene) -> float:
    """How long ago the last brake was sent [s]."""
    return float(scene.rig.now_s + BRAKE_S - scene.rig.published.sent_s[-1])


def test_an_arm_that_goes_on_after_its_stop_is_reported_and_braked_again_and_again(
    playing: Scene,
) -> None:
    playing.stop()
    stop_s = playing.arm[-1].times_s[-1]
    shift, speed = np.zeros(7), np.array([0.3, 0, 0, 0, 0, 0, 0])

    def runaway(observation: ArmObservation) -> ArmObservation:
        shift[0] += 0.3 * TICK_S
        assert observation.measured is not None
        q = np.clip(START_Q + shift, -2.8, 3.7)
        return replace(observation, measured=replace(observation.measured, q=q, dq=speed))

    playing.look = runaway
    playing.tick(stop_s + 0.9)
    assert len(playing.arm) == 2
    playing.tick(0.2)
    assert len(playing.arm) == 3
    begins_s = scene_time_of_brake(playing)
    comes_to_rest_by_itself(playing, START_Q + shift - begins_s * speed, speed)
    success, message = playing.told.last("rested")
    assert not success
    assert "0.300 rad/s" in message
    assert playing.supervisor.stops.unrest == playing.told.last("warned")[0] == message
    assert playing.supervisor.reason.cause is Cause.NOT_AT_REST
    playing.tick(1.3)
    assert len(playing.arm) == 4
    playing.look = at(q=START_Q + shift, dq=np.zeros(7))
    playing.tick(0.5)
    assert playing.told.last("rested")[0]
    assert playing.supervisor.stops.unrest == ""


@pytest.mark.parametrize("cause", [Cause.NOT_ACTIVE, Cause.NO_CONTROLLER, Cause.NO_JOINT_STATES])
def test_what_cannot_be_braked_is_reported_all_the_same(playing: Scene, cause: Cause) -> None:
    """Somebody else may move the arm once this node is inactive: that is not for it to stop."""
    playing.stop()

    def look(observation: ArmObservation) -> ArmObservation:
        return missing(cause)(at(dq=np.full(7, 0.2))(observation))

    playing.look = look
    playing.tick(3.0)
    assert not playing.told.last("rested")[0]
    assert len(playing.arm) == 2
    worries = playing.told.names().count("warned")
    assert worries == 1 if cause is Cause.NO_JOINT_STATES else worries >= 2


@pytest.mark.parametrize("lost", [True, False])
def test_a_stop_is_answered_when_ros_time_stands_still(playing: Scene, lost: bool) -> None:
    """/clock and joint states died together, and hold and stop never answered."""
    playing.stop()
    playing.tick(0.04)
    if lost:
        playing.look = missing(Cause.NO_JOINT_STATES)
    playing.look_on(0.9)
    assert "rested" not in playing.told.names()
    playing.look_on(0.2)
    success, message = playing.told.last("rested")
    assert not success
    assert "ROS time stands still" in message
    assert playing.supervisor.stops.unrest == message
    playing.look_on(5.0)
    assert playing.told.names().count("warned") == 1
    assert len(playing.arm) == 2  # from where the arm is not known to be, nothing is braked
    playing.look = lambda observation: observation
    playing.tick_until(lambda: playing.told.last("rested")[0], 1.0)
    assert playing.supervisor.stops.unrest == ""


def test_what_plays_when_clock_and_joint_states_die_is_stopped_and_its_rest_is_not_known(
    playing: Scene,
) -> None:
    playing.look = missing(Cause.NO_JOINT_STATES)
    playing.look_on()
    playing.aborted(Cause.NO_JOINT_STATES)
    playing.look_on(1.1)
    assert not playing.told.last("rested")[0]


def test_in_lockstep_each_stop_gets_its_own_time(playing: Scene) -> None:
    playing.stop()
    playing.tick_until(lambda: "rested" in playing.told.names())
    playing.look_on(5.0)
    playing.play(FAR, session_id="b")
    playing.look_on(5.0)
    playing.stop()
    playing.look_on(0.9)
    assert playing.told.names().count("rested") == 1


def test_a_stop_brakes_an_arm_that_moves_though_nothing_is_played(scene: Scene) -> None:
    """A node that was started anew while the controller plays an old plan."""
    speed = np.array([0, 0.2, 0, 0, 0, 0, 0])
    shift = np.zeros(7)

    def old_plan(observation: ArmObservation) -> ArmObservation:
        assert observation.measured is not None
        return replace(
            observation, measured=replace(observation.measured, q=START_Q + shift, dq=speed)
        )

    scene.look = old_plan
    for _ in range(5):
        shift += speed * TICK_S
        scene.tick()
    refused(scene.play, Cause.NOT_AT_REST)
    assert scene.supervisor.stops.moves(scene.observation())
    scene.stop(Cause.HELD)
    (brake,) = scene.arm
    assert brake is scene.arm[-1]
    comes_to_rest_by_itself(scene, START_Q + shift, speed)
    assert scene.supervisor.stops.under_way


def test_a_stop_moves_no_arm_whose_measurements_do_not_agree(scene: Scene) -> None:
    """A driver that reports 0.8 rad/s for a standing arm had it walk, stop by stop."""
    scene.look = lambda observation: replace(at(dq=np.full(7, 0.8))(observation), settled=False)
    scene.tick(0.2)
    scene.stop()
    assert scene.arm == []
    assert "cannot be trusted" in scene.told.last("warned")[0]


@pytest.mark.parametrize("false_samples", [1, 2, 3, 5])
@pytest.mark.parametrize("speed", [0.2, -0.3, 0.8])
def test_a_stop_moves_no_arm_whose_velocity_has_just_become_false(
    scene: Scene, false_samples: int, speed: float
) -> None:
    """Within 25 ms, 0.3 rad/s make 8 mrad: less than positions and velocities may differ by."""

    def look(observation: ArmObservation) -> ArmObservation:
        measured = observation.measured
        assert measured is not None
        samples = [
            replace(
                measured,
                stamp_s=measured.stamp_s - 0.01 * ago,
                dq=np.full(7, speed if ago < false_samples else 0.0),
            )
            for ago in reversed(range(6))
        ]
        return replace(observation, measured=samples[-1], recent=tuple(samples), settled=True)

    scene.look = look
    scene.tick(0.05)
    scene.stop()
    assert scene.arm == []
    assert "cannot be trusted" in scene.told.last("warned")[0]


@pytest.mark.parametrize("noise_rad", [0.0, 2e-5])
def test_an_arm_that_has_just_begun_to_move_is_braked(scene: Scene, noise_rad: float) -> None:
    rng, speed = np.random.default_rng(0), 0.3

    def look(observation: ArmObservation) -> ArmObservation:
        measured = observation.measured
        assert measured is not None
        samples = []
        for ago in reversed(range(6)):
            moves_s = max(0.0, 0.02 - 0.01 * ago)
            q = measured.q + speed * moves_s + rng.normal(0.0, noise_rad, 7)
            dq = np.full(7, speed if moves_s > 0.0 else 0.0)
            stamp_s = measured.stamp_s - 0.01 * ago
            samples.append(replace(measured, stamp_s=stamp_s, q=q, dq=dq))
        return replace(observation, measured=samples[-1], recent=tuple(samples), settled=True)

    scene.look = look
    scene.tick(0.05)
    scene.stop()
    assert len(scene.arm) == 1


@pytest.mark.parametrize(
    ("look", "rests", "words"),
    [
        (at(), True, "was not moving"),
        (missing(Cause.NOT_ACTIVE), True, "was not moving"),
        (missing(Cause.NO_JOINT_STATES), False, "not known: gone"),
        (at(dq=np.full(7, 0.2)), False, "0.200 rad/s"),
        (lambda s: missing(Cause.NOT_ACTIVE)(at(dq=np.full(7, 0.2))(s)), False, "(gone)"),
    ],
)
def test_an_arm_rests_if_it_is_seen_to(
    scene: Scene, look: Callable[[ArmObservation], ArmObservation], rests: bool, words: str
) -> None:
    """Whoever asked for a stop was told that an arm which nobody saw was not moving."""
    scene.look = look
    success, message = scene.supervisor.stops.rests(scene.observation())
    assert success == rests
    assert words in message


# What stops a plan.


@pytest.mark.parametrize("cause", [Cause.NO_CONTROLLER, Cause.NO_JOINT_STATES])
def test_what_goes_missing_stops_the_arm_along_its_plan(playing: Scene, cause: Cause) -> None:
    playing.look = missing(cause)
    playing.rig.now_s += TICK_S
    before = playing.rig.state()
    playing.supervisor.tick(playing.observation(), playing.rig.now_s)
    stops_along_its_plan(playing, before)
    said = playing.aborted(cause)
    assert said.startswith("gone; ")
    assert "send the goal again" in said


@pytest.mark.parametrize("off", [0.12, 0.6, -3.0])
def test_an_arm_off_its_plan_is_stopped_along_it(playing: Scene, off: float) -> None:
    """One wrong sample of one encoder threw the arm at twice its velocity limit."""
    joint = np.eye(7)[3]

    def beside(observation: ArmObservation) -> ArmObservation:
        assert observation.measured is not None
        return at(q=observation.measured.q + off * joint)(observation)

    playing.look = beside
    playing.rig.now_s += TICK_S
    before = playing.rig.state()
    playing.supervisor.tick(playing.observation(), playing.rig.now_s)
    assert "rad from its plan" in playing.aborted(Cause.TRACKING_ERROR)
    stops_along_its_plan(playing, before)


def stands_at(where: Vector) -> Callable[[ArmObservation], ArmObservation]:
    noise = np.random.default_rng(0)

    def look(observation: ArmObservation) -> ArmObservation:
        return at(q=where + noise.uniform(-1e-4, 1e-4, 7), dq=np.zeros(7))(observation)

    return look


def test_an_arm_that_stands_off_its_plan_is_left_where_it_stands(playing: Scene) -> None:
    """Something holds it: the set-point, which has gone on, turns off the plan and comes back."""
    where = playing.rig.state()[0] - 0.12 * np.eye(7)[3]
    playing.look = stands_at(where)
    plan = playing.supervisor.playing
    assert plan is not None
    playing.tick(0.1)
    playing.aborted(Cause.TRACKING_ERROR)
    stop, begins_s = playing.arm[-1], playing.rig.published.sent_s[-1]
    assert stop.past is not None
    here = plan.plan.spline.state(begins_s - plan.start_s)
    starts = (stop.start_q, stop.start_dq, stop.start_ddq)
    for start, planned in zip(starts, here, strict=True):
        np.testing.assert_allclose(start, planned, atol=1e-6)
    np.testing.assert_allclose(stop.points.q[-1], where, atol=2e-4)
    assert not np.any(stop.dq[-1])


def test_an_arm_that_was_never_seen_to_follow_its_plan_finds_its_own_way_to_rest(
    scene: Scene,
) -> None:
    """Its controller may not have the plan at all, and stands where the arm stands."""
    where = START_Q + 0.02
    scene.look = stands_at(where)
    scene.play(FAR)
    scene.tick_until(lambda: "aborted" in scene.told.names(), 2.0)
    stop = scene.arm[-1]
    assert stop.past is None
    np.testing.assert_allclose(stop.points.q, np.tile(where, (2, 1)), atol=2e-4)


def test_an_arm_that_pushes_is_braked(playing: Scene) -> None:
    playing.look = lambda observation: replace(observation, effort=np.full(7, 60.0))
    playing.tick(0.2)
    assert "touched" in playing.aborted(Cause.CONTACT)


@pytest.mark.parametrize("speed", [0.0, 0.3])
def test_joint_states_that_repeat_themselves_are_no_ground_to_brake_from(
    make_scene: MakeScene, speed: float
) -> None:
    """The arm would have been torn back to where it was when its driver got stuck."""
    for deltas, cause in ((0.3 * FAR, Cause.JOINTS_FROZEN), (FAR, Cause.TRACKING_ERROR)):
        scene = make_scene()
        scene.play(deltas)
        scene.tick(0.3)
        stuck = scene.rig.state()[0]
        scene.look = at(q=stuck, dq=np.full(7, speed))
        while scene.supervisor.playing is not None:
            scene.rig.now_s += TICK_S
            before = scene.rig.state()
            scene.supervisor.tick(scene.observation(), scene.rig.now_s)
        scene.aborted(cause)
        stops_along_its_plan(scene, before)
        assert np.abs(scene.arm[-1].start_q - stuck).max() > 0.01
        scene.tick(5.0)
        assert len(scene.arm) == 2  # also when it seems to go on moving


def deaf(scene: Scene, noise_rad: float = 0.0) -> None:
    """The arm stands still, whatever it is told."""
    noise = np.random.default_rng(0)

    def stands(observation: ArmObservation) -> ArmObservation:
        q = START_Q + noise.uniform(-noise_rad, noise_rad, 7)
        return replace(at(q=q, dq=np.zeros(7))(observation), acknowledged=False)

    scene.look = stands
    scene.tick()


def stays(scene: Scene, *, known: bool) -> None:
    """What was sent last leads to where the arm stands; where it is not certain, on no set way."""
    last, ahead_s = scene.arm[-1], scene.rig.published.sent_s[-1] - scene.rig.now_s
    assert len(scene.arm) == 2
    assert (last.past is not None) == known
    assert known or ahead_s > 0.05
    np.testing.assert_allclose(last.points.q, np.tile(START_Q, (len(last.points.q), 1)), atol=1e-3)


@pytest.mark.parametrize(
    ("noise_rad", "cause"), [(0.0, Cause.JOINTS_FROZEN), (5e-4, Cause.COMMANDS_LATE)]
)
def test_a_controller_that_never_heard_of_a_plan_is_not_told_to_stop_in_mid_motion(
    scene: Scene, noise_rad: float, cause: Cause
) -> None:
    """It is at rest, and would have made a leap to where the stop began."""
    deaf(scene, noise_rad)
    scene.play(FAR)
    scene.tick_until(lambda: scene.supervisor.playing is None)
    scene.aborted(cause)
    stays(scene, known=cause is Cause.COMMANDS_LATE)
    scene.tick_until(lambda: "rested" in scene.told.names())
    assert scene.told.last("rested")[0]


@pytest.mark.parametrize("passed_s", [0.04, 0.26])
@pytest.mark.parametrize("noise_rad", [0.0, 5e-4])
def test_whatever_stops_it_before_that_is_noticed(
    scene: Scene, passed_s: float, noise_rad: float
) -> None:
    deaf(scene, noise_rad)
    scene.play(FAR)
    scene.tick(passed_s)
    seen = noise_rad > 0.0 and passed_s > 0.1  # joint states that stay the same tell nothing
    assert (scene.supervisor.playing is None) == seen
    scene.stop()
    if passed_s > 0.1:
        stays(scene, known=seen)
    else:  # no arm could be seen to have moved by then
        assert len(scene.arm[-1].q) > 1


def test_where_nothing_leads_back_an_arm_stops_along_its_plan(scene: Scene) -> None:
    """A hold would have done nothing at all."""
    deaf(scene)
    scene.play(FAR)
    scene.tick(0.26)
    gate = scene.rig.dispatcher.channel.gate
    send = gate.send_arm

    def refuse_ways_back(trajectory: Any, *more: Any, **settings: Any) -> float:
        if settings.get("ahead_s"):
            raise MotionRefusedError(Cause.COLLISION, "the table is in the way")
        return send(trajectory, *more, **settings)

    gate.send_arm = refuse_ways_back  # type: ignore[method-assign]
    before = scene.rig.state()
    scene.stop()
    stops_along_its_plan(scene, before)


@pytest.mark.parametrize(
    "unseen", [lambda observation: replace(observation, age_s=0.3), at(q=START_Q + 0.02)]
)
def test_an_arm_that_may_have_moved_since_stops_along_its_plan(
    scene: Scene, unseen: Callable[[ArmObservation], ArmObservation]
) -> None:
    """Joint states are old, or new ones came that nobody has looked at yet."""
    deaf(scene)
    scene.play(FAR)
    scene.tick(0.26)
    stands = scene.look
    scene.look = lambda observation: unseen(stands(observation))
    before = scene.rig.state()
    scene.stop()
    stops_along_its_plan(scene, before)


def test_an_arm_that_was_seen_to_move_once_has_heard(scene: Scene) -> None:
    scene.tick()
    scene.play(FAR)
    scene.tick(0.2)
    stuck = scene.rig.state()[0]
    scene.look = at(q=stuck, dq=np.zeros(7))
    scene.tick(0.1)
    before = scene.rig.state()
    scene.stop()
    stops_along_its_plan(scene, before)


def test_old_joint_states_are_no_ground_to_brake_from(playing: Scene) -> None:
    def beside(observation: ArmObservation) -> ArmObservation:
        return replace(at(q=playing.rig.state()[0] + 0.12)(observation), age_s=0.2)

    playing.look = beside
    playing.rig.now_s += TICK_S
    before = playing.rig.state()
    playing.supervisor.tick(playing.observation(), playing.rig.now_s)
    stops_along_its_plan(playing, before)


def test_a_message_that_is_sent_again_and_again_is_noticed_as_well(playing: Scene) -> None:
    """It comes, so its age by its stamp does not say since when the joints are the same."""
    same = playing.observation()
    stuck_s = playing.rig.now_s
    playing.look = lambda _: replace(same, age_s=playing.rig.now_s - stuck_s)
    playing.tick_until(lambda: playing.supervisor.playing is None, 1.0)
    playing.aborted(Cause.JOINTS_FROZEN)


def test_an_arm_that_goes_on_after_its_plans_end_is_braked(scene: Scene) -> None:
    scene.play()
    scene.tick_until(lambda: scene.told.names().count("stepped") == 10)
    playing = scene.supervisor.playing
    assert playing is not None
    end_q, count = playing.plan.spline.state(playing.plan.duration_s)[0], [0]

    def shaking(observation: ArmObservation) -> ArmObservation:
        count[0] += 1
        return at(q=end_q + 1e-3 * (count[0] % 2), dq=np.full(7, 0.08))(observation)

    scene.look = shaking
    scene.tick_until(lambda: scene.supervisor.playing is None)
    assert scene.rig.now_s > playing.end_s + BOUNDS.rest_timeout_s
    assert "0.080 rad/s" in scene.aborted(Cause.TRACKING_ERROR)


# A clock that goes back.


def turned_back(scene: Scene, by_s: float) -> None:
    """ROS time goes back, and the arm knows nothing of it."""
    scene.rig.now_s -= by_s
    scene.rig.published.sent_s[-1] -= by_s


@pytest.mark.parametrize("by_s", [0.3, 1e6])
def test_a_clock_that_goes_back_stops_the_arm_smoothly_and_new_chunks_are_played(
    playing: Scene, limits: Limits, by_s: float
) -> None:
    turned_back(playing, by_s)
    q, dq, _ = playing.rig.state()
    playing.supervisor.tick(playing.observation(), playing.rig.now_s)
    assert f"back by {by_s:.3f} s" in playing.aborted(Cause.CLOCK_JUMPED)
    stop = playing.arm[-1]
    check(stop, limits)
    assert playing.rig.published.sent_s[-1] == playing.rig.now_s
    np.testing.assert_allclose(stop.start_q, q, atol=1e-6)
    np.testing.assert_allclose(stop.start_dq, dq, atol=1e-6)
    playing.look = lambda observation: observation
    playing.tick_until(lambda: "rested" in playing.told.names(), 2.0)
    playing.play(session_id="b")


def test_a_chunk_that_comes_before_the_next_look_meets_the_new_time(playing: Scene) -> None:
    turned_back(playing, 100.0)
    refused(playing.play, Cause.BUSY)
    playing.aborted(Cause.CLOCK_JUMPED)


def test_a_clock_that_goes_back_while_the_arm_rests_matters_to_nobody(scene: Scene) -> None:
    scene.play()
    scene.tick_until(lambda: "finished" in scene.told.names())
    turned_back(scene, 100.0)
    scene.tick()
    assert "aborted" not in scene.told.names()
    scene.play()


# Approval.


def test_a_chunk_that_waits_moves_nothing_until_it_is_approved(scene: Scene) -> None:
    scene.play(approval=True, start_s=scene.rig.now_s + 0.5)
    assert scene.told.names() == ["awaiting"]
    assert scene.supervisor.intake.awaiting is not None
    scene.tick(5.0)
    assert scene.arm == []
    scene.approve()  # long after it was to begin: it begins now
    assert scene.told.last("accepted")[0].steps_dropped == 0
    assert scene.supervisor.intake.awaiting is None
    scene.tick_until(lambda: "finished" in scene.told.names())
    refused(scene.approve, Cause.NOT_APPROVED)


def test_it_is_planned_again_from_where_the_arm_is_then(scene: Scene) -> None:
    scene.play(approval=True)
    scene.look = at(q=START_Q + 0.06, dq=np.zeros(7))  # further than its controller can be off
    scene.approve()
    np.testing.assert_allclose(scene.arm[0].start_q, START_Q + 0.06, atol=1e-9)


@pytest.mark.parametrize("how", ["discard", "stop", "next", "move", "clock"])
def test_a_chunk_that_is_let_go_is_rejected_and_never_played(scene: Scene, how: str) -> None:
    scene.play(approval=True)
    waiting = scene.supervisor.intake.awaiting
    if how == "discard":
        assert scene.supervisor.intake.discard("nobody wants it")
        assert not scene.supervisor.intake.discard("nobody wants it")
    elif how == "stop":
        scene.stop()
    elif how == "next":
        scene.play(approval=True)
    elif how == "move":
        scene.move()
    else:
        scene.rig.now_s -= 10.0
        scene.tick()
    chunk, reason = scene.told.last("rejected")
    assert (chunk, reason.cause) == (waiting, Cause.NOT_APPROVED)
    assert "not approved" in reason.message
    assert scene.supervisor.intake.awaiting is not waiting


def test_a_chunk_that_makes_no_sense_replaces_none_that_waits(scene: Scene) -> None:
    scene.play(approval=True)
    refused(lambda: scene.play(DOWN * np.nan, approval=True), Cause.INVALID_CHUNK)
    refused(lambda: scene.play(session_id="b", approval=True), Cause.BUSY)
    scene.approve()
    assert scene.told.last("accepted")[0].sequence == 1


def test_a_chunk_that_cannot_be_played_does_not_wait_for_approval(scene: Scene) -> None:
    refused(lambda: scene.play(DOWN * 1e3, approval=True), Cause.INVALID_CHUNK)
    assert scene.supervisor.intake.awaiting is None


def test_what_is_approved_too_late_is_refused_with_the_reason(scene: Scene) -> None:
    scene.play(approval=True, stamp_s=scene.rig.now_s)
    scene.rig.now_s += 1000.0
    refused(scene.approve, Cause.CHUNK_TOO_OLD)
    assert scene.arm == []
    assert scene.supervisor.intake.awaiting is None


def test_an_approved_chunk_takes_over_from_the_one_that_plays(playing: Scene) -> None:
    playing.play(TURN, approval=True)
    playing.tick(0.1)
    before = playing.rig.state()
    playing.approve()
    goes_on(playing.rig, before)


# A dry run.


def test_a_dry_run_sends_nothing_and_takes_its_time(make_scene: MakeScene) -> None:
    scene = make_scene(DryRunDispatcher)
    scene.play(close=CLOSE)
    playing = scene.supervisor.playing
    assert playing is not None
    assert playing.gripper_moves
    scene.tick(0.3)
    refused(lambda: scene.play(session_id="b"), Cause.BUSY)
    scene.play(TURN)  # from where the arm stands, not from where it would be
    assert scene.told.names()[-2:] == ["superseded", "accepted"]
    playing = scene.supervisor.playing
    assert playing is not None
    np.testing.assert_allclose(playing.planned(playing.start_s), START_Q, atol=1e-9)
    scene.tick_until(lambda: "finished" in scene.told.names())
    assert scene.rig.now_s >= playing.end_s
    scene.move()
    scene.stop()
    scene.aborted(Cause.STOPPED)
    assert not scene.supervisor.stops.under_way
    assert scene.arm == []
    assert scene.rig.published.gripper == []


def test_a_dry_run_refuses_what_would_be_refused(make_scene: MakeScene) -> None:
    scene = make_scene(DryRunDispatcher)
    scene.look = at(q=START_Q + np.array([0, 0, 0, 0, 0, 0, 2.3]))
    refused(lambda: scene.play(np.tile([0, 0, 0, 0, 0, 3.0], (10, 1))), Cause.LIMIT_EXCEEDED)
    scene.look = at(dq=np.full(7, 0.2))
    refused(scene.play, Cause.NOT_AT_REST)
    scene.look = missing(Cause.NO_JOINT_STATES)
    refused(scene.play, Cause.NO_JOINT_STATES)


# Whatever happens.


ACTS = ("play", "other", "offer", "approve", "discard", "stop", "hold", "release", "move", "jump")


@settings(max_examples=20)
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 20)), max_size=15))
def test_whatever_is_asked_the_arm_moves_only_when_it_may_and_comes_to_rest(
    make_scene: MakeScene, limits: Limits, acts: list[tuple[str, int]]
) -> None:
    scene = make_scene()
    for act, ticks in acts:
        before, held, sent = scene.rig.state(), scene.hold.held, len(scene.arm)
        might_begin = act in ("play", "other", "approve", "move")
        refusal = refusal_of(lambda: perform(scene, act))  # noqa: B023
        if refusal is not None:
            assert refusal.cause is not Cause.NONE
            assert str(refusal)
            assert act not in ("stop", "hold", "release", "discard", "jump")
            assert len(scene.arm) == sent
        if held and might_begin:
            assert len(scene.arm) == sent
        if act in ("offer", "discard", "release"):
            assert len(scene.arm) == sent
        if len(scene.arm) > sent and act != "jump":
            goes_on(scene.rig, before)
            check(scene.arm[-1], limits)
        sent = len(scene.arm)
        scene.tick(ticks * TICK_S)
        assert len(scene.arm) == sent  # an arm that does as it is told is left alone
    scene.tick(4.0)
    assert scene.supervisor.playing is None
    assert not scene.supervisor.stops.under_way
    names = scene.told.names()
    chunks = [what for what in scene.told.all if what[0] == "accepted"]
    assert len(chunks) == sum(names.count(end) for end in ("finished", "aborted", "superseded"))
    waiting = scene.supervisor.intake.awaiting is not None
    ends = sum(1 for what in scene.told.all if what[0] == "rejected")
    assert names.count("awaiting") - waiting >= ends


def perform(scene: Scene, act: str) -> None:
    if act in ("play", "other", "offer"):
        scene.play(0.2 * DOWN, session_id="b" if act == "other" else "a", approval=act == "offer")
    elif act == "approve":
        scene.approve()
    elif act == "discard":
        scene.supervisor.intake.discard("so")
    elif act == "stop":
        scene.stop()
    elif act == "hold":
        scene.hold.held = True
        scene.stop(Cause.HELD)
    elif act == "release":
        scene.hold.held = False
    elif act == "move":
        scene.move(0.05)
    elif scene.arm:
        turned_back(scene, 50.0)
        scene.supervisor.tick(scene.observation(), scene.rig.now_s)


# Time that passes while something is planned.


def late_by(scene: Scene, *seconds: float) -> None:
    """Planning takes so long, one time after the other; then no time passes."""
    began_s, passed = scene.rig.now_s, chain(seconds, repeat(seconds[-1]))
    clocks = scene.supervisor._clocks
    scene.set_clocks(replace(clocks, present=lambda: began_s + next(passed)))


def test_an_arm_at_rest_begins_when_all_is_planned_and_checked(scene: Scene) -> None:
    late_by(scene, 0.03, 0.03)
    scene.play(close=np.ones(len(DOWN), bool))
    sent = scene.rig.published.sent_s[-1]
    assert sent - scene.rig.now_s == pytest.approx(0.03 + 0.0125, abs=1e-5)
    assert scene.supervisor.playing is not None
    assert scene.supervisor.playing.start_s == sent


@pytest.mark.parametrize("stops", [False, True])
def test_the_lead_grows_where_what_is_sent_leaves_late(scene: Scene, stops: bool) -> None:
    """A machine that is busy delays what it sends, and no arm has to show that."""
    lead = scene.rig.dispatcher.channel.lead
    if stops:
        scene.play(0.2 * FAR)
        scene.tick(0.5)
    default_s = lead.value_s
    late_by(scene, 0.0, default_s + 0.06)
    if stops:
        scene.stop()
    else:
        scene.play(0.2 * FAR)
    assert lead.value_s == pytest.approx(1.25 * (default_s + 0.06), abs=1e-3)
    assert lead.fits


def test_in_a_dry_run_nothing_leaves_late(make_scene: MakeScene) -> None:
    scene = make_scene(DryRunDispatcher)
    lead = scene.rig.dispatcher.channel.lead
    default_s = lead.value_s
    late_by(scene, 0.0, 0.1)
    scene.play(0.2 * FAR)
    scene.stop()
    assert lead.value_s == default_s


def test_a_plan_that_comes_after_its_hand_over_is_made_again_for_a_later_one(
    playing: Scene,
) -> None:
    asked_s = playing.rig.now_s
    late_by(playing, 0.08, 0.12)
    playing.play(FAR)
    new = playing.supervisor.playing
    assert new is not None
    assert new.plan.chunk is not None
    assert new.start_s == asked_s  # up to the hand-over, it repeats what is being played
    assert new.plan.chunk.begins_s > 0.12


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("lead_s", [-0.009, 0.0, 0.009])
def test_of_a_chunk_that_is_due_while_it_is_planned_the_rest_is_played_in_time(
    scene: Scene, moves: bool, lead_s: float
) -> None:
    """However soon it was planned, it was too late, and all of it was refused."""
    if moves:
        scene.play(0.2 * FAR)
        scene.tick(0.5)
    start_s = scene.rig.now_s + lead_s
    late_by(scene, 0.025, 0.05)
    scene.play(0.1 * DOWN, start_s=start_s)
    new = scene.supervisor.playing
    assert new is not None
    assert new.plan.chunk is not None
    assert new.steps_dropped > 0
    begins_s = new.start_s + new.plan.chunk.begins_s
    assert begins_s == pytest.approx(start_s + new.steps_dropped * CONTROL_DT_S, abs=1e-6)
    assert begins_s >= scene.rig.now_s + 0.05


def other_chunk(scene: Scene) -> None:
    scene.play(TURN)


def disturb(scene: Scene) -> None:
    scene.look = at(q=scene.rig.state()[0] + 0.2)
    scene.tick()


def lose_sight(scene: Scene) -> None:
    scene.look = missing(Cause.NO_JOINT_STATES)
    scene.tick()


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (Scene.stop, Cause.STOPPED),
        (lambda scene: perform(scene, "hold"), Cause.HELD),
        (other_chunk, Cause.BUSY),
        (lambda scene: turned_back(scene, 50.0), Cause.CLOCK_JUMPED),
        (disturb, Cause.TRACKING_ERROR),
        (lose_sight, Cause.NO_JOINT_STATES),
    ],
)
def test_what_happens_while_a_chunk_is_planned_makes_it_void(
    playing: Scene, event: Callable[[Scene], None], cause: Cause
) -> None:
    """Whatever the thread that plans it makes of it, and whenever it is done."""
    chunk = ChunkRequest(FAR, np.zeros(0, bool), CONTROL_DT_S, "a", 99)
    planning = playing.plan(chunk)
    event(playing)
    refused(lambda: playing.take(planning), cause)
    chunk_told, reason = playing.told.last("rejected")
    assert (chunk_told, reason.cause) == (chunk, cause)
    accepted = [what[1].sequence for what in playing.told.all if what[0] == "accepted"]
    assert 99 not in accepted


@pytest.mark.parametrize("event", [Scene.stop, Scene.move])
def test_an_arm_at_rest_is_not_moved_by_a_chunk_that_was_planned_before_that(
    scene: Scene, event: Callable[[Scene], None]
) -> None:
    planning = scene.plan(ChunkRequest(DOWN, np.zeros(0, bool), CONTROL_DT_S, "a", 1))
    event(scene)
    let_out = len(scene.arm)
    with pytest.raises(MotionRefusedError):
        scene.take(planning)
    assert len(scene.arm) == let_out


def test_an_arm_of_which_nothing_is_known_any_more_is_not_moved(scene: Scene) -> None:
    planning = scene.plan(ChunkRequest(DOWN, np.zeros(0, bool), CONTROL_DT_S, "a", 1))
    scene.look = missing(Cause.NO_JOINT_STATES)
    refused(lambda: scene.take(planning), Cause.NO_JOINT_STATES)
    assert scene.arm == []


@pytest.mark.parametrize(
    ("look", "cause"),
    [
        (at(dq=np.full(7, 0.2)), Cause.NOT_AT_REST),
        (at(q=START_Q + 0.2), Cause.LIMIT_EXCEEDED),
    ],
)
def test_an_arm_that_somebody_moves_while_a_chunk_is_planned_is_left_alone(
    scene: Scene, look: Callable[[ArmObservation], ArmObservation], cause: Cause
) -> None:
    planning = scene.plan(ChunkRequest(DOWN, np.zeros(0, bool), CONTROL_DT_S, "a", 1))
    scene.look = look
    refused(lambda: scene.take(planning), cause)
    assert scene.arm == []


@pytest.mark.parametrize(
    ("late_s", "played"), [(0.0, True), (-0.005, True), (0.005, False), (0.02, False)]
)
def test_a_plan_that_is_taken_after_it_should_have_taken_over_is_refused(
    playing: Scene, late_s: float, played: bool
) -> None:
    planning = playing.plan(ChunkRequest(FAR, np.zeros(0, bool), CONTROL_DT_S, "a", 99))
    planned = planning.run()
    playing.rig.now_s = planned[0].begins_s + late_s
    take = playing.supervisor.take
    if played:
        take(planning, planned, playing.observation(), playing.rig.now_s)
        assert playing.told.last("accepted")[0].sequence == 99
    else:
        act = lambda: take(planning, planned, playing.observation(), playing.rig.now_s)  # noqa: E731
        assert "taken over" in refused(act, Cause.CHUNK_TOO_OLD)


@pytest.mark.parametrize("how", ["discard", "stop", "hold"])
def test_a_chunk_that_was_approved_may_still_be_let_go(scene: Scene, how: str) -> None:
    scene.play(approval=True)
    planning = scene.plan(scene.supervisor.approve(scene.observation(), scene.rig.now_s))
    perform(scene, how)
    with pytest.raises(MotionRefusedError):
        scene.take(planning)
    assert scene.arm == []
    assert len([name for name in scene.told.names() if name == "rejected"]) == 1
    assert not scene.supervisor.intake.discard("again")


def test_a_plan_that_comes_to_its_end_meanwhile_keeps_nothing_from_being_played(
    scene: Scene,
) -> None:
    scene.play()
    assert scene.supervisor.playing is not None
    scene.rig.now_s = scene.supervisor.playing.end_s - 0.03
    planning = scene.plan(ChunkRequest(DOWN, np.zeros(0, bool), CONTROL_DT_S, "a", 2))
    planned = planning.run()
    before = scene.rig.state()
    scene.supervisor.tick(at(dq=np.zeros(7))(scene.observation()), scene.rig.now_s + 0.04)
    assert scene.told.names()[-1] == "finished"
    scene.supervisor.take(planning, planned, scene.observation(), scene.rig.now_s)
    goes_on(scene.rig, before)
    assert "superseded" not in scene.told.names()


def test_where_no_plan_is_in_time_none_is_played(playing: Scene) -> None:
    before, sent = playing.supervisor.playing, len(playing.arm)
    late_by(playing, 0.08, 0.5)
    assert "overloaded" in refused(lambda: playing.play(FAR), Cause.CHUNK_TOO_OLD)
    assert (playing.supervisor.playing, len(playing.arm)) == (before, sent)


@pytest.mark.parametrize("reacquired", [0, 1])
def test_an_arm_that_rests_elsewhere_is_left_alone_unless_something_else_brought_it_there(
    playing: Scene, reacquired: int
) -> None:
    """A scene that is reset while the arm stops is nothing to wonder at for ever."""
    playing.stop()
    playing.look = lambda observation: replace(
        at(q=START_Q + 0.3)(observation), reacquired=reacquired
    )
    playing.tick_until(lambda: not playing.supervisor.stops.under_way, 2.0)
    if reacquired:
        playing.play()
    else:
        assert "came to rest" in refused(playing.play, Cause.SETPOINT_UNKNOWN)


GRASP = np.array([True] * 6 + [False] * 14)
LONG = np.tile([0.0, 0.0, -0.004, 0.0, 0.0, 0.0], (20, 1))


@pytest.mark.parametrize("stopped_s", [0.02, 0.1, 0.2, 0.28])
@pytest.mark.parametrize(
    ("fingers", "again"), [("go on", True), ("stop", False), ("are held by an object", False)]
)
def test_a_gripper_that_missed_its_stop_is_stopped_again(
    scene: Scene, fingers: str, again: bool, stopped_s: float
) -> None:
    """It would let go of what it holds when the chunk's later actions say so."""
    dispatcher, rig = scene.rig.dispatcher, scene.rig
    scene.play(LONG, close=GRASP)
    scene.tick(stopped_s)
    before = copy(dispatcher.channel.playback.gripper)
    scene.stop()
    sent = len(rig.published.gripper)
    after = copy(dispatcher.channel.playback.gripper)
    assert before is not None
    assert after is not None
    held_m = after.commanded_m(rig.now_s)
    least_m = np.inf
    for _ in range(60):
        at_s = rig.now_s - 0.05
        rig.finger_m = {
            "go on": before.commanded_m(at_s),
            "stop": after.commanded_m(at_s),
            "are held by an object": max(held_m, after.commanded_m(at_s)),
        }[fingers]
        least_m = min(least_m, rig.finger_m)
        scene.tick()
        if len(rig.published.gripper) > sent:
            break
    assert (len(rig.published.gripper) == sent + 1) == again
    worries = [what[1] for what in scene.told.all if what[0] == "warned"]
    assert any("missed its stop" in words for words in worries) == again
    assert not again or 2e-3 < rig.finger_m - least_m < 5e-3, "as soon as it opens"


def test_a_setpoint_that_is_doubted_while_a_chunk_is_planned_is_given_time(scene: Scene) -> None:
    scene.play()
    scene.tick_until(lambda: scene.supervisor.playing is None)
    planning = scene.plan(ChunkRequest(DOWN, np.zeros(0, bool), CONTROL_DT_S, "b", 2))
    planned = planning.run()
    scene.supervisor.doubt()
    scene.supervisor.tick(scene.observation(), scene.rig.now_s)
    scene.supervisor.take(planning, planned, scene.observation(), scene.rig.now_s)
    assert scene.supervisor.playing is not None
    assert scene.supervisor.playing.start_s >= scene.rig.now_s + 0.3


def test_an_arm_that_rests_where_a_missed_stop_left_it_moves_again(playing: Scene) -> None:
    """Its controller plays the chunk that was to be stopped: what it commands is not certain."""
    assert playing.supervisor.playing is not None
    end_q = playing.supervisor.playing.plan.spline.derivative(0, 1e9)
    playing.stop()
    playing.look = at(q=end_q, dq=np.zeros(7))
    playing.tick_until(lambda: not playing.supervisor.stops.under_way, 2.0)
    assert not playing.rig.dispatcher.channel.playback.setpoint.known
    playing.play()
    assert playing.supervisor.playing is not None
    assert playing.supervisor.playing.start_s >= playing.rig.now_s + 0.3


def test_an_arm_that_plays_a_late_trajectory_is_left_to_its_end_and_braked_after_it(
    scene: Scene,
) -> None:
    """The controller commands it, not what the arm does to catch up with it."""
    scene.play(FAR)
    late = scene.supervisor.playing
    assert late is not None
    scene.rig.dispatcher.stops.stop_again(scene.rig.now_s)  # twice, as neither came in time
    scene.rig.now_s += 0.1
    scene.rig.dispatcher.stops.stop_again(scene.rig.now_s)
    scene.rig.dispatcher.channel.rested()
    sent = len(scene.arm)
    speed, begun_s = np.array([0, 0.1, 0, 0, 0, 0, 0]), scene.rig.now_s
    scene.look = lambda observation: at(q=START_Q + speed * (scene.rig.now_s - begun_s), dq=speed)(
        observation
    )
    scene.stop()
    assert scene.rig.dispatcher.stopping is late
    scene.tick_until(lambda: scene.rig.now_s > late.end_s)
    assert len(scene.arm) == sent
    scene.tick_until(lambda: len(scene.arm) > sent, 3.0)  # it moves still


def test_nothing_begins_from_rest_while_the_newest_joint_states_are_rejected(
    scene: Scene,
) -> None:
    """A scene that was reset: the arm is not where the last one that counted says."""
    scene.look = lambda observation: replace(observation, elsewhere="'panda_joint7' is at 2 rad")
    assert "may not be where" in refused(scene.play, Cause.NO_JOINT_STATES)
    assert scene.arm == []


def test_a_chunk_may_take_over_although_a_joint_state_was_rejected(playing: Scene) -> None:
    playing.look = lambda observation: replace(observation, elsewhere="one outlier")
    playing.play(FAR)
    assert len(playing.arm) == 2
