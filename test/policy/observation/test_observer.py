# SPDX-License-Identifier: Apache-2.0
"""What keeps an episode from a frame is said with the parameter that decides it, and the reason."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.observation.observer import Observer, Ready, Waiting
from vera_ros.policy.ports import Instant, Proprioception
from vera_ros.policy.states import Cause, EpisodeEndError
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import RollingWindow, SamplingRules
from vera_ros.wire.protocol.server_config import ServerConfig

from ..rig import server_config

START_NS = 10**18
PERIOD_S = 0.05
RULES = SamplingRules(50_000_000, 250_000_000, 60_000_000)  # the defaults
SLOW = replace(RULES, max_age_ns=500_000_000, max_skew_ns=110_000_000)


class World:
    """Two cameras and a body."""

    def __init__(self, rules: SamplingRules = RULES) -> None:
        self.body_known, self.arm_starts = True, False
        self.buffer = FrameBuffer(("front", "hand"))
        self._rules = rules
        timeouts = EpisodeTimeouts(view_timeout_s=3.0, arm_start_timeout_s=60.0)
        self.observer = Observer(timeouts, self, self)
        self.observer.connect(server_config())

    def make_window(self, config: ServerConfig) -> RollingWindow:
        return RollingWindow(self.buffer, config.context_frames, (4, 4), self._rules)

    def explain(self, views: Sequence[str] = ()) -> str:
        return f"explained {', '.join(views)}" if views else "joint_states lack 'j3'"

    def proprioception(self, since_ns: int) -> Proprioception | None:
        return {"q_robot": np.zeros(7, np.float32)} if self.body_known else None

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        return self.proprioception(0)

    def starting(self) -> bool:
        return self.arm_starts

    def look(self, at_s: float, waited_s: float) -> Ready | Waiting:
        now = Instant(at_s, START_NS + round(at_s * 1e9))
        seen = self.observer.observe(waited_s, now, PERIOD_S, warm=True)
        assert isinstance(seen, (Ready, Waiting))
        return seen

    def run(self, hand_late_s: float, period_s: float, until_s: float = 2.0) -> Ready | Waiting:
        """Let both cameras take pictures, one later than the other; look at 20 Hz meanwhile."""
        pictures = sorted(
            (n * period_s + late_s, view)
            for n in range(round(until_s / period_s))
            for view, late_s in (("front", 0.0), ("hand", hand_late_s))
        )
        seen: Ready | Waiting = Waiting("")
        for number in range(round(until_s / PERIOD_S)):
            at_s = number * PERIOD_S
            while pictures and pictures[0][0] <= at_s:
                taken_s, view = pictures.pop(0)
                stamp_ns = START_NS + round(taken_s * 1e9)
                self.buffer.add(view, stamp_ns, np.zeros((4, 4, 3), np.uint8))
            seen = self.look(at_s, 0.0)
            if isinstance(seen, Ready):
                break
        return seen


def test_views_that_are_missing_are_explained() -> None:
    world = World()
    seen = world.look(1.0, 0.5)
    assert seen == Waiting("waiting for views: no picture yet: front, hand; explained front, hand")
    with pytest.raises(EpisodeEndError, match=r"for 3 s; explained front, hand") as ended:
        world.look(4.0, 3.1)
    assert ended.value.cause is Cause.VIEWS_MISSING


@pytest.mark.parametrize(("late_s", "period_s"), [(0.1, 0.2), (0.09, 0.2), (0.17, 0.34)])
def test_slow_cameras_out_of_phase_name_the_parameters_that_let_them(
    late_s: float, period_s: float
) -> None:
    """Two cameras at 5 Hz, half a period apart, ended as VIEWS_SKEWED and no more."""
    world = World()
    seen = world.run(late_s, period_s)
    assert isinstance(seen, Waiting)
    assert "view_max_skew_s, 0.06 s" in seen.message or "view_max_age_s, 0.25 s" in seen.message
    with pytest.raises(EpisodeEndError, match=r"valid is up to view_max_(skew|age)_s") as ended:
        world.look(2.0, 3.1)
    assert ended.value.cause in (Cause.VIEWS_SKEWED, Cause.VIEWS_MISSING)


@pytest.mark.parametrize("late_s", [0.0, 0.03, 0.1])
def test_with_those_parameters_they_run(late_s: float) -> None:
    assert isinstance(World(SLOW).run(late_s, 0.2), Ready)


def test_a_body_that_is_unknown_is_explained() -> None:
    world = World()
    world.body_known = False
    seen = world.look(1.0, 0.5)
    assert seen == Waiting("waiting for the arm; joint_states lack 'j3'")
    with pytest.raises(EpisodeEndError, match=r"within 3 s; joint_states lack 'j3'") as ended:
        world.look(4.0, 3.1)
    assert ended.value.cause is Cause.ARM_SILENT


@pytest.mark.parametrize("starts_s", [0.5, 15.0, 59.0])
def test_an_arm_side_that_starts_is_waited_for_and_then_has_the_usual_time(starts_s: float) -> None:
    """A goal in the first seconds ended as ARM_SILENT while ik_node still compiled."""
    world = World()
    world.body_known, world.arm_starts = False, True
    seen = world.look(starts_s, starts_s)
    assert seen == Waiting("waiting for the arm side to start; joint_states lack 'j3'")
    world.arm_starts = False
    assert isinstance(world.look(starts_s + 2.9, starts_s + 2.9), Waiting)
    with pytest.raises(EpisodeEndError, match="not ready within 3 s") as ended:
        world.look(starts_s + 3.1, starts_s + 3.1)
    assert ended.value.cause is Cause.ARM_SILENT


def test_an_arm_side_that_never_starts_is_said_with_what_it_waits_for() -> None:
    world = World()
    world.arm_starts = True
    words = r"was not active within 60 s; joint_states lack 'j3'"
    with pytest.raises(EpisodeEndError, match=words) as ended:
        world.look(61.0, 60.1)
    assert ended.value.cause is Cause.ARM_SILENT
