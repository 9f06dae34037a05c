# SPDX-License-Identifier: Apache-2.0
"""The window's rules: what enters, once, in order, and only when it may."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vera_ros.errors import ConfigurationError
from vera_ros.vision.frame import MultiViewFrame, NoFrame, Reason
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import RollingWindow, SamplingRules

VIEWS = ("front", "hand")
PERIOD_NS = 50
RULES = SamplingRules(PERIOD_NS, max_age_ns=150, max_skew_ns=60, max_delay_ns=100)

Stamps = tuple[int, ...]


def picture(stamp_ns: int) -> npt.NDArray[np.uint8]:
    """Make a picture of one pixel whose colour is its stamp."""
    return np.array(list(stamp_ns.to_bytes(3, "big")), np.uint8).reshape(1, 1, 3)


def stamps_in(frames: npt.NDArray[np.uint8]) -> list[Stamps]:
    """Read the stamps of each frame's views back from its colours."""
    return [tuple(int.from_bytes(bytes(view), "big") for view in row) for row in frames[:, 0]]


class Rig:
    """A window over a buffer, with pictures that show their stamps."""

    def __init__(self, context_frames: int = 21, rules: SamplingRules = RULES) -> None:
        self.buffer = FrameBuffer(VIEWS)
        self.window = RollingWindow(self.buffer, context_frames, (1, 1), rules)

    def add(self, *stamps_ns: int) -> None:
        for stamp_ns in stamps_ns:
            for view in VIEWS:
                self.buffer.add(view, stamp_ns, picture(stamp_ns))

    @property
    def content(self) -> list[Stamps]:
        return stamps_in(self.window.frames)


def test_an_empty_window_has_the_shape_of_its_frames() -> None:
    window = RollingWindow(FrameBuffer(VIEWS), 21, (8, 6), RULES, widths=(6, 4))
    assert window.frames.shape == window.played.shape == (0, 8, 10, 3)
    assert (window.fill, window.skipped, window.newest_stamp_ns) == (0, 0, None)


def test_a_cold_start_carries_one_frame_never_padded() -> None:
    rig = Rig()
    rig.add(900, 950, 1000)
    frame = rig.window.sample(960, 1010)
    assert isinstance(frame, MultiViewFrame)
    assert frame.stamps_ns == (1000, 1000)
    assert rig.content == [(1000, 1000)]
    assert rig.window.newest_stamp_ns == 1000


def test_warm_up_frames_are_real_frames_at_the_control_rate() -> None:
    rig = Rig()
    not_before_ns = 1000
    for now_ns in range(1000, 1170, 10):
        rig.add(now_ns - 5)
        if isinstance(frame := rig.window.sample(not_before_ns, now_ns), MultiViewFrame):
            not_before_ns = frame.newest_ns + PERIOD_NS
    assert rig.content == [(ns, ns) for ns in (1005, 1055, 1105, 1155)]
    assert rig.window.played.shape[0] == 0


@pytest.mark.parametrize(
    ("pictures", "not_before_ns", "reason"),
    [
        ([], 0, Reason.MISSING),
        ([1100], 0, Reason.AHEAD),
        ([800], 0, Reason.TOO_OLD),
        ([990], 995, Reason.NOT_FRESH),
    ],
)
def test_a_look_says_why_there_is_no_fresh_frame(
    pictures: list[int], not_before_ns: int, reason: Reason
) -> None:
    rig = Rig()
    rig.add(*pictures)
    refusal = rig.window.sample(not_before_ns, 1000)
    assert isinstance(refusal, NoFrame)
    assert refusal.reason is reason
    assert refusal.views == VIEWS
    assert rig.content == []


def test_a_look_does_not_take_a_frame_twice() -> None:
    rig = Rig()
    rig.add(1000)
    rig.buffer.add("front", 1010, picture(1010))
    assert isinstance(rig.window.sample(0, 1000), MultiViewFrame)
    refusal = rig.window.sample(0, 1020)
    assert refusal == NoFrame(Reason.NOT_FRESH, ("hand",), 1)


def test_pictures_enter_resized_and_side_by_side() -> None:
    buffer = FrameBuffer(VIEWS)
    for value, view in enumerate(VIEWS):
        buffer.add(view, 1, np.full((10, 20, 3), value, np.uint8))
    window = RollingWindow(buffer, 21, (4, 4), RULES)
    window.sample(0, 1)
    assert window.frames.shape == (1, 4, 8, 3)
    assert (window.frames[0, :, :, 0] == [0, 0, 0, 0, 1, 1, 1, 1]).all()


def test_playing_takes_one_frame_per_tick_and_the_next_look_closes_the_list() -> None:
    rig = Rig()
    rig.add(1000)
    rig.window.sample(0, 1000)
    rig.window.play([1050, 1100, 1150])
    for now_ns in range(1001, 1260):
        if now_ns % 25 == 0:
            rig.add(now_ns)
        rig.window.poll(now_ns)
    assert rig.content == [(ns, ns) for ns in (1000, 1050, 1100, 1150)]
    assert rig.window.played.shape[0] == 0
    rig.window.sample(1200, 1260)
    assert stamps_in(rig.window.played) == [(ns, ns) for ns in (1050, 1100, 1150)]
    assert rig.content[-1] == (1250, 1250)
    rig.add(1300)
    rig.window.sample(1300, 1300)
    assert rig.window.played.shape[0] == 0


def test_a_tick_waits_for_a_picture_taken_before_it() -> None:
    """The picture of the tick itself arrives after it: taking the one before is a frame behind."""
    rig = Rig()
    rig.window.play([1050])
    rig.add(1000)
    assert rig.window.poll(1050) == 0
    rig.add(1050)
    assert rig.window.poll(1080) == 1
    assert rig.content == [(1050, 1050)]


def test_a_tick_with_nothing_new_takes_a_picture_up_to_half_a_period_late() -> None:
    rig = Rig()
    rig.add(1048)
    rig.window.sample(0, 1048)
    rig.window.play([1050, 1100])
    rig.add(1075, 1126)
    assert rig.window.poll(1130) == 1
    assert rig.content == [(1048, 1048), (1075, 1075)]


def test_a_tick_with_nothing_new_in_time_is_skipped_and_counted() -> None:
    rig = Rig()
    rig.add(1048)
    rig.window.sample(0, 1048)
    rig.window.play([1050])
    rig.add(1076)
    assert rig.window.poll(1080) == 0
    assert rig.content == [(1048, 1048)]
    assert rig.window.skipped == 1
    assert rig.window.last_skip == NoFrame(Reason.NOT_FRESH, VIEWS, 1)


def test_a_dead_camera_skips_ticks_only_after_the_longest_delay() -> None:
    rig = Rig()
    rig.window.play([1050])
    rig.window.poll(1174)
    assert rig.window.skipped == 0
    rig.window.poll(1175)
    assert rig.window.last_skip == NoFrame(Reason.MISSING, VIEWS)


def test_the_oldest_frames_leave_a_full_window() -> None:
    rig = Rig(context_frames=3)
    rig.window.play(ticks := [1050, 1100, 1150, 1200, 1250])
    rig.add(*ticks)
    assert rig.window.poll(1250) == 5
    assert rig.content == [(ns, ns) for ns in ticks[2:]]
    rig.add(1300)
    rig.window.sample(0, 1300)
    assert rig.content == [(ns, ns) for ns in (1200, 1250, 1300)]
    assert stamps_in(rig.window.played) == [(ns, ns) for ns in ticks]


def test_stopping_keeps_the_ticks_that_were_played() -> None:
    rig = Rig()
    rig.window.play([1050, 1100, 1150])
    rig.window.stop(1110)
    rig.add(1050, 1100, 1150, 1200)
    assert rig.window.poll(1200) == 2
    assert rig.content == [(1050, 1050), (1100, 1100)]


def test_a_plan_given_again_arms_no_settled_tick() -> None:
    rig = Rig()
    rig.window.play([1050, 1100, 1150])
    rig.add(1050, 1100, 1110)
    rig.window.poll(1110)
    rig.window.play([1050, 1100, 1160])
    rig.add(1150, 1160, 1220)
    rig.window.poll(1220)
    assert rig.content == [(ns, ns) for ns in (1050, 1100, 1160)]


def test_the_next_plan_takes_over_from_its_first_step() -> None:
    rig = Rig()
    rig.window.play([1050, 1100, 1150, 1200])
    rig.window.play([1120, 1170])
    rig.add(1050, 1100, 1120, 1170, 1250)
    rig.window.poll(1250)
    assert rig.content == [(ns, ns) for ns in (1050, 1100, 1120, 1170)]


def test_a_reset_begins_with_nothing() -> None:
    rig = Rig()
    rig.add(1000)
    rig.window.sample(0, 1000)
    rig.window.play([1040, 1050])
    rig.add(1100)
    rig.window.poll(1100)
    rig.window.reset()
    assert (rig.content, rig.window.skipped, rig.window.newest_stamp_ns) == ([], 0, None)
    assert rig.window.poll(2000) == 0
    assert isinstance(rig.window.sample(0, 1100), MultiViewFrame)


@pytest.mark.parametrize("times", [[2, 1], [1, 1]])
def test_step_times_must_increase(times: list[int]) -> None:
    with pytest.raises(ConfigurationError, match="increase"):
        Rig().window.play(times)


@pytest.mark.parametrize("limits", [(0, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1)])
def test_useless_rules_are_refused(limits: tuple[int, int, int, int]) -> None:
    with pytest.raises(ConfigurationError, match="period"):
        SamplingRules(*limits)


def test_a_window_without_room_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="context_frames is 0"):
        Rig(context_frames=0)


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, str, int]]:
    """Draw what two cameras send: (arrival time, view, stamp), in the order of arrival."""
    events: list[tuple[int, str, int]] = []
    for view in VIEWS:
        stamp_ns, arrival_ns = draw(st.integers(950, 1020)), 0
        for _ in range(draw(st.integers(0, 12))):
            arrival_ns = max(arrival_ns, stamp_ns + draw(st.integers(0, RULES.max_delay_ns)))
            events.append((arrival_ns, view, stamp_ns))
            stamp_ns += draw(st.sampled_from([16, 33, 48, 50, 52, 100]))
    return sorted(events)


def taken(
    events: Sequence[tuple[int, str, int]], ticks: Sequence[int], polls: set[int]
) -> tuple[list[Stamps], int]:
    """Play the ticks with polls at those times and one long after; return frames and skips."""
    rig = Rig()
    rig.window.play(ticks)
    pending = list(events)
    for now_ns in (*sorted(polls), 10_000):
        while pending and pending[0][0] <= now_ns:
            _, view, stamp_ns = pending.pop(0)
            rig.buffer.add(view, stamp_ns, picture(stamp_ns))
        rig.window.poll(now_ns)
    return rig.content, rig.window.skipped


@settings(max_examples=60)
@given(arrivals(), st.lists(st.integers(1000, 1500), unique=True), st.sets(st.integers(1000, 2000)))
def test_what_enters_depends_on_the_stamps_alone(
    events: list[tuple[int, str, int]], ticks: list[int], polls: set[int]
) -> None:
    ticks.sort()
    frames, skipped = taken(events, ticks, polls)
    assert len(frames) + skipped == len(ticks)
    assert (frames, skipped) == taken(events, ticks, set())
    assert (frames, skipped) == taken(events, ticks, set(range(1000, 2000, 7)))


@given(st.integers(0, 49), st.integers(-24, 24), st.integers(0, 100))
def test_cameras_at_the_control_rate_fill_every_tick(
    phase_ns: int, offset_ns: int, delay_ns: int
) -> None:
    """Whatever their phase and delay, two cameras at the control rate never cost a tick."""
    ticks = [1000 + PERIOD_NS * i for i in range(10)]
    events = sorted(
        (stamp_ns + delay_ns, view, stamp_ns)
        for view, shift_ns in zip(VIEWS, (0, offset_ns), strict=True)
        for stamp_ns in range(900 + phase_ns + shift_ns, 1600, PERIOD_NS)
    )
    frames, skipped = taken(events, ticks, set(range(1000, 1700, 5)))
    assert (len(frames), skipped) == (len(ticks), 0)
    for stamps_ns, tick_ns in zip(frames, ticks, strict=True):
        assert all(tick_ns - PERIOD_NS < ns <= tick_ns for ns in stamps_ns)


CONTEXT_FRAMES = 12


class WindowMachine(RuleBasedStateMachine):
    """Cameras, plans, looks and stops in any order, against what may be in the window."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(CONTEXT_FRAMES)
        self.now_ns = 1000
        self.entered: list[Stamps] = []
        self.armed: list[int] = []
        self.tick_frames = 0

    @initialize()
    def first_pictures(self) -> None:
        self.rig.add(990)

    @rule(step_ns=st.integers(1, 60))
    def time_passes(self, step_ns: int) -> None:
        self.now_ns += step_ns

    @rule(view=st.sampled_from(VIEWS), delay_ns=st.integers(0, 120))
    def a_picture_arrives(self, view: str, delay_ns: int) -> None:
        stamp_ns = self.now_ns - delay_ns
        self.rig.buffer.add(view, stamp_ns, picture(stamp_ns))

    @rule()
    def both_cameras_send(self) -> None:
        self.rig.add(self.now_ns)

    @rule()
    def poll(self) -> None:
        self.count_ticks(self.rig.window.poll(self.now_ns))

    @rule(not_before_ns=st.integers(0, 100))
    def look(self, not_before_ns: int) -> None:
        self.poll()
        before = self.rig.window.fill
        outcome = self.rig.window.sample(self.now_ns - not_before_ns, self.now_ns)
        if isinstance(outcome, MultiViewFrame):
            assert self.now_ns - not_before_ns <= outcome.oldest_ns
            assert outcome.newest_ns <= self.now_ns
            self.entered.append(outcome.stamps_ns)
            assert self.rig.window.played.shape[0] == self.tick_frames
            self.tick_frames = 0
        else:
            assert self.rig.window.fill == before

    @rule(start_ns=st.integers(0, 50), gaps=st.lists(st.integers(40, 80), min_size=1, max_size=4))
    def play(self, start_ns: int, gaps: list[int]) -> None:
        self.poll()
        times = (self.now_ns + start_ns + np.cumsum(gaps)).tolist()
        self.rig.window.play(times)
        self.armed = [tick_ns for tick_ns in self.armed if tick_ns < times[0]] + times

    @rule()
    def stop(self) -> None:
        self.rig.window.stop(self.now_ns)
        self.armed = [tick_ns for tick_ns in self.armed if tick_ns <= self.now_ns]

    @precondition(lambda self: self.entered)
    @rule()
    def reset(self) -> None:
        self.rig.window.reset()
        self.entered, self.armed, self.tick_frames = [], [], 0

    def count_ticks(self, count: int) -> None:
        """Every frame of a tick must belong to a tick of its own, in order."""
        assert count <= self.rig.window.fill
        for stamps_ns in self.rig.content[self.rig.window.fill - count :]:
            while not self.belongs(stamps_ns, tick_ns := self.armed.pop(0)):
                pass
            assert tick_ns <= self.now_ns
            self.entered.append(stamps_ns)
            self.tick_frames += 1

    @staticmethod
    def belongs(stamps_ns: Stamps, tick_ns: int) -> bool:
        late_ns = tick_ns + PERIOD_NS // 2
        return all(tick_ns - RULES.max_age_ns <= ns <= late_ns for ns in stamps_ns)

    @invariant()
    def only_what_entered_is_there(self) -> None:
        assert self.rig.content == self.entered[-CONTEXT_FRAMES:]

    @invariant()
    def every_view_moves_on(self) -> None:
        for before, after in zip(self.entered, self.entered[1:], strict=False):
            assert all(new > old for old, new in zip(before, after, strict=True))

    @invariant()
    def views_belong_together(self) -> None:
        assert all(max(s) - min(s) <= RULES.max_skew_ns for s in self.entered)


TestWindowMachine = WindowMachine.TestCase
TestWindowMachine.settings = settings(stateful_step_count=40, max_examples=60)
