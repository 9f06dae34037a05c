# SPDX-License-Identifier: Apache-2.0
"""What an episode sees and measures before it asks the server."""

from collections.abc import Callable
from dataclasses import dataclass

from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.ports import BodyPort, Instant, Proprioception
from vera_ros.policy.states import Cause, EpisodeEndError
from vera_ros.policy.view_watch import ViewWatch
from vera_ros.vision.frame import NoFrame, Reason
from vera_ros.vision.window import RollingWindow
from vera_ros.wire.server_config import ServerConfig


@dataclass(frozen=True)
class Waiting:
    """Something is missing yet. `message`: what."""

    message: str


@dataclass(frozen=True)
class WarmingUp:
    """A frame entered the window, and more are wanted. `next_ns`: the next one's time, ROS time."""

    next_ns: int


@dataclass(frozen=True)
class Ready:
    """The window holds what the server is to be asked about. `proprioception`: measured then."""

    proprioception: Proprioception


class Observer:
    """Fills the frame window from the resting arm, and watches the views while it moves.

    Args:
        timeouts: how long to wait, and how many frames to warm up with.
        body: the robot's proprioception.
        make_window: returns a rolling window that fits a server's configuration.

    Attributes:
        window: of the present session; None: the server is not connected yet.
    """

    def __init__(
        self,
        timeouts: EpisodeTimeouts,
        body: BodyPort,
        make_window: Callable[[ServerConfig], RollingWindow],
    ) -> None:
        self._timeouts = timeouts
        self._body = body
        self._make_window = make_window
        self._view_watch = ViewWatch(timeouts.view_stall_s)
        self._skipped_before = 0  # in sessions before this one
        self._not_before_ns = 0
        self._measured_since_ns = 0
        self._warm_frames = 0
        self.window: RollingWindow | None = None

    # Sessions.

    def begin_episode(self) -> None:
        """Forget the episode before."""
        self.window, self._skipped_before = None, 0

    def begin_session(self) -> None:
        """Forget what was seen: the server has no memory of it."""
        self._skipped_before = self.ticks_skipped
        self.window, self._warm_frames = None, 0

    def connect(self, config: ServerConfig) -> None:
        """Begin a window that fits the server."""
        self.window = self._make_window(config)

    def stop(self, now: Instant) -> None:
        """Take no more frames of the plan: the arm is being stopped."""
        if self.window is not None:
            self.window.stop(now.ros_ns)

    @property
    def ticks_skipped(self) -> int:
        """Control ticks that found no frame, in all sessions of the episode."""
        return self._skipped_before + (self.window.skipped if self.window else 0)

    # Looking at the resting arm.

    def look_from(self, not_before_ns: int, measured_since_ns: int = 0) -> None:
        """Accept frames and proprioception from these ROS times on."""
        self._not_before_ns, self._measured_since_ns = not_before_ns, measured_since_ns

    def observe(
        self, waited_s: float, now: Instant, period_s: float, *, warm: bool
    ) -> Ready | WarmingUp | Waiting:
        """Take a frame of the resting arm, if there is one.

        Args:
            waited_s: how long this has been tried.
            now: the present.
            period_s: between two frames of the window.
            warm: no further frames are needed.

        Raises:
            EpisodeEndError: it has been tried for too long.
        """
        assert self.window is not None
        late, limit_s = waited_s > self._timeouts.view_timeout_s, self._timeouts.view_timeout_s
        proprioception = self._body.proprioception(self._measured_since_ns)
        if proprioception is None:
            if late:
                words = f"no current joint states or TCP pose within {limit_s:g} s"
                raise EpisodeEndError(Cause.ARM_SILENT, words)
            return Waiting("waiting for joint states and the TCP's pose")
        frame = self.window.sample(self._not_before_ns, now.ros_ns)
        if isinstance(frame, NoFrame):
            if late:
                skewed = frame.reason is Reason.SKEWED
                cause = Cause.VIEWS_SKEWED if skewed else Cause.VIEWS_MISSING
                raise EpisodeEndError(cause, f"{frame}, for {limit_s:g} s")
            return Waiting(f"waiting for views: {frame}")
        self._warm_frames += 1
        if self._warm_frames < self._timeouts.warmup_frames and not warm:
            return WarmingUp(frame.newest_ns + round(period_s * 1e9))
        return Ready(proprioception)

    # Looking at the arm in motion.

    def measured_with_newest_frame(self, now: Instant) -> Proprioception | None:
        """Return the proprioception of the newest frame's time; None: not known."""
        newest_ns = self.window.newest_stamp_ns if self.window else None
        return self._body.proprioception_at(newest_ns or now.ros_ns)

    def check_views(self, now: Instant) -> None:
        """Check that every view still comes.

        Raises:
            EpisodeEndError: one has stalled.
        """
        assert self.window is not None
        stalled = self._view_watch.check(self.window, now)
        if stalled:
            raise EpisodeEndError(Cause.VIEWS_STALE, stalled)
