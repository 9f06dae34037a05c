# SPDX-License-Identifier: Apache-2.0
"""Collects the frames and the proprioception of an episode's requests."""

from dataclasses import dataclass

from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.observation.view_watch import ViewWatch
from vera_ros.policy.ports import BodyPort, Instant, Proprioception, ViewsPort
from vera_ros.policy.states import Cause, EpisodeEndError
from vera_ros.vision.frame import NoFrame, Reason
from vera_ros.vision.window import RollingWindow
from vera_ros.wire.protocol.server_config import ServerConfig

# Parameters with the limits of frames.
_RULES = {Reason.TOO_OLD: "view_max_age_s", Reason.SKEWED: "view_max_skew_s"}


@dataclass(frozen=True)
class Waiting:
    """The observation is incomplete. `message`: what is missing."""

    message: str


@dataclass(frozen=True)
class WarmingUp:
    """A frame entered the window, and more are needed. `next_ns`: ROS time of the next one."""

    next_ns: int


@dataclass(frozen=True)
class Ready:
    """The observation is complete. `proprioception`: measured with its newest frame."""

    proprioception: Proprioception


class Observer:
    """Fills the frame window from the resting arm, and watches the views while it moves.

    Args:
        timeouts: how long to wait, and how many frames to warm up with.
        body: the robot's proprioception.
        views: the camera views.
        real_time: whether views may stall by the steady clock as well as by their stamps.

    Attributes:
        window: the frames of the present session; None: the server is not connected yet.
    """

    def __init__(
        self,
        timeouts: EpisodeTimeouts,
        body: BodyPort,
        views: ViewsPort,
        *,
        real_time: bool = True,
    ) -> None:
        self._timeouts = timeouts
        self._body = body
        self._views = views
        self._view_watch = ViewWatch(timeouts.view_stall_s, real_time=real_time)
        self._skipped_before = 0  # in earlier sessions of the episode
        self._not_before_ns = 0
        self._measured_since_ns = 0
        self._warm_frames = 0
        self._began_s = 0.0  # when the arm side was active, of the time waited
        self.window: RollingWindow | None = None

    # Sessions.

    def begin_episode(self) -> None:
        """Reset for a new episode."""
        self.window, self._skipped_before = None, 0

    def begin_session(self) -> None:
        """Drop all frames: the server has no memory of an earlier session."""
        self._skipped_before = self.ticks_skipped
        self.window, self._warm_frames = None, 0

    def connect(self, config: ServerConfig) -> None:
        """Create a window that fits the server's configuration."""
        self.window = self._views.make_window(config)

    def stop(self, now: Instant) -> None:
        """Take no more frames of the plan: the arm is being stopped."""
        if self.window is not None:
            self.window.stop(now.ros_ns)

    @property
    def ticks_skipped(self) -> int:
        """Control ticks that found no frame, in all sessions of the episode."""
        return self._skipped_before + (self.window.skipped if self.window else 0)

    # The arm at rest.

    def observe_from(self, not_before_ns: int, measured_since_ns: int = 0) -> None:
        """Accept frames and proprioception from these ROS times on."""
        self._not_before_ns, self._measured_since_ns = not_before_ns, measured_since_ns
        self._began_s = 0.0

    def observe(
        self, waited_s: float, now: Instant, period_s: float, *, warm: bool
    ) -> Ready | WarmingUp | Waiting:
        """Take a frame of the resting arm, if there is one.

        Args:
            waited_s: how long a frame has been waited for.
            now: the present.
            period_s: time between two frames of the window.
            warm: whether the window needs no more warm-up frames.

        Raises:
            EpisodeEndError: no observation within `view_timeout_s`, or, of an arm side that has not
                been active yet, within `arm_start_timeout_s`.
        """
        assert self.window is not None
        if self._body.starting():
            self._began_s = waited_s
            return self._await_arm(waited_s)
        limit_s = self._timeouts.view_timeout_s
        late = waited_s - self._began_s > limit_s
        proprioception = self._body.proprioception(self._measured_since_ns)
        if proprioception is None:
            if late:
                words = f"the arm was not ready within {limit_s:g} s"
                raise EpisodeEndError(Cause.ARM_SILENT, _join(words, self._body.explain()))
            return Waiting(_join("waiting for the arm", self._body.explain()))
        frame = self.window.sample(self._not_before_ns, now.ros_ns)
        if isinstance(frame, NoFrame):
            if late:
                skewed = frame.reason is Reason.SKEWED
                cause = Cause.VIEWS_SKEWED if skewed else Cause.VIEWS_MISSING
                raise EpisodeEndError(cause, self._describe(frame, f", for {limit_s:g} s"))
            return Waiting("waiting for views: " + self._describe(frame))
        self._warm_frames += 1
        if self._warm_frames < self._timeouts.warmup_frames and not warm:
            return WarmingUp(frame.newest_ns + round(period_s * 1e9))
        return Ready(proprioception)

    def _await_arm(self, waited_s: float) -> Waiting:
        limit_s = self._timeouts.arm_start_timeout_s
        if waited_s > limit_s:
            words = f"the arm side was not active within {limit_s:g} s"
            raise EpisodeEndError(Cause.ARM_SILENT, _join(words, self._body.explain()))
        return Waiting(_join("waiting for the arm side to start", self._body.explain()))

    def _describe(self, frame: NoFrame, how_long: str = "") -> str:
        name = _RULES.get(frame.reason, "")
        rule = f"valid is up to {name}, {frame.limit_ns * 1e-9:g} s" if name else ""
        return _join(f"{frame}{how_long}", rule, self._views.explain(frame.views))

    # The arm in motion.

    def measured_with_newest_frame(self, now: Instant) -> Proprioception | None:
        """Return the proprioception at the newest frame's time; None: unknown."""
        newest_ns = self.window.newest_stamp_ns if self.window else None
        return self._body.proprioception_at(newest_ns or now.ros_ns)

    def check_views(self, now: Instant) -> None:
        """Check that every view still delivers pictures.

        Raises:
            EpisodeEndError: a view has stalled.
        """
        assert self.window is not None
        stalled = self._view_watch.check(self.window, now)
        if stalled:
            view, message = stalled
            raise EpisodeEndError(Cause.VIEWS_STALE, _join(message, self._views.explain([view])))


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
