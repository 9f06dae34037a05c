# SPDX-License-Identifier: Apache-2.0
import numpy as np

from vera_ros.policy.observation.view_watch import ViewWatch
from vera_ros.policy.ports import Instant
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import RollingWindow, SamplingRules

PERIOD_S = 0.05


class Rig:
    """Two views and both clocks, each of which may stand still."""

    def __init__(self, *, real_time: bool = True) -> None:
        self.watch = ViewWatch(1.0, real_time=real_time)
        self._buffer = FrameBuffer(("front", "hand"))
        rules = SamplingRules(50_000_000, 250_000_000, 60_000_000)
        self._window = RollingWindow(self._buffer, 5, (4, 4), rules)
        self._steady_s, self._ros_ns = 3.0, 10**12

    def run(self, seconds: float, *views: str, clock: bool = True) -> str:
        """Let time pass while some views come in; return what the watch says then."""
        said: tuple[str, str] | None = None
        for _ in range(round(seconds / PERIOD_S)):
            self._steady_s += PERIOD_S
            self._ros_ns += round(PERIOD_S * 1e9) * clock
            for view in views:
                self._buffer.add(view, self._ros_ns, np.zeros((4, 4, 3), np.uint8))
            said = self.watch.check(self._window, Instant(self._steady_s, self._ros_ns))
        view, message = said or ("", "")
        assert view in message
        return message


def test_views_that_come_in_are_well() -> None:
    assert Rig().run(5.0, "front", "hand") == ""


def test_a_view_that_never_came_is_for_somebody_else_to_miss() -> None:
    assert Rig().run(5.0, "front") == ""


def test_a_view_that_stalls_is_named() -> None:
    rig = Rig()
    rig.run(1.0, "front", "hand")
    assert rig.run(0.9, "front") == ""
    said = rig.run(0.3, "front")
    assert "view 'hand'" in said
    assert "valid is up to view_stall_s, 1 s" in said


def test_views_stall_with_the_clock_that_stamps_them() -> None:
    rig = Rig()
    rig.run(1.0, "front", "hand")
    assert rig.run(0.9, "front", "hand", clock=False) == ""
    assert "view 'front'" in rig.run(0.3, "front", "hand", clock=False)


def test_in_lockstep_the_clock_that_stamps_them_counts_alone() -> None:
    """A machine that is loaded five times over renders for seconds of its own time."""
    rig = Rig(real_time=False)
    rig.run(1.0, "front", "hand")
    assert rig.run(30.0, clock=False) == ""
    assert "view 'front'" in rig.run(1.2, "hand")


def test_a_view_that_comes_back_is_well_again() -> None:
    rig = Rig()
    rig.run(1.0, "front", "hand")
    assert rig.run(1.5, "front") != ""
    assert rig.run(0.1, "front", "hand") == ""
