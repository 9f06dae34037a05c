# SPDX-License-Identifier: Apache-2.0
"""An episode's sessions with the policy server; a lost connection requires a new session."""

from dataclasses import replace

from vera_ros.errors import ConfigurationError, MotionError, ProtocolError
from vera_ros.policy.dialogue import LOSSES, cause_of
from vera_ros.policy.pacing.settle import SettlePacing
from vera_ros.policy.ports import Instant
from vera_ros.policy.running_episode import RunningEpisode
from vera_ros.policy.states import Cause, State
from vera_ros.wire.connection.patience import FailedAttempt
from vera_ros.wire.protocol.messages import InferReply
from vera_ros.wire.protocol.server_config import ServerConfig


class Sessions:
    """Begins an episode's sessions and handles the server's events.

    Args:
        episode: the episode that the sessions belong to.
        pacing: the pacing of that episode.
    """

    def __init__(self, episode: RunningEpisode, pacing: SettlePacing) -> None:
        self._episode = episode
        self._pacing = pacing

    def begin(self, message: str, now: Instant) -> None:
        """Begin a session without earlier frames. `message`: shown until it is connected."""
        episode = self._episode
        episode.observer.begin_session()
        episode.playback.clear()
        episode.record.counters.connection_attempts += 1
        episode.enter(State.CONNECTING, now, message)
        episode.dialogue.begin()

    # Events of the server.

    def on_attempt_failed(self, attempt: FailedAttempt, now: Instant) -> None:
        """Report that the server is not reachable yet and will be retried."""
        episode = self._episode
        if episode.state is not State.CONNECTING:
            return
        episode.record.counters.connection_attempts += 1
        episode.message = (
            f"waiting for the policy server: attempt {attempt.number} failed, next attempt "
            f"in {attempt.wait_s:.1f} s ({attempt.error})"
        )

    def on_connected(self, config: ServerConfig, now: Instant) -> None:
        """Adopt the server's configuration, which fits the embodiment, and start observing."""
        episode = self._episode
        if episode.state is not State.CONNECTING:
            return
        try:
            episode.dialogue.accept(config, episode.goal.prompt)
        except ConfigurationError as error:
            episode.end(Cause.SERVER_MISMATCH, str(error), now)
            return
        episode.observer.connect(config)
        self._pacing.connected(now)

    def on_action_horizon(self, steps: int) -> None:
        """Adopt the server's new chunk length. `steps`: actions per chunk."""
        dialogue = self._episode.dialogue
        if dialogue.config is not None:
            dialogue.config = replace(dialogue.config, action_horizon=steps)

    def on_reply(self, reply: InferReply, latency_s: float, now: Instant) -> None:
        """Handle the server's reply to the last request. `latency_s`: measured by the client."""
        episode, dialogue = self._episode, self._episode.dialogue
        if not dialogue.asking:
            return
        sign = dialogue.receive(reply)
        if sign:
            episode.end(
                Cause.SERVER_SHARED,
                f"another client uses the same policy server, or it was restarted: {sign}; a "
                "server serves one episode at a time: give each client its own server",
                now,
            )
            return
        if not self._pacing.awaits_reply():
            return
        episode.record.replied(reply, latency_s)
        try:
            actions = dialogue.interpret(reply.actions)
            collapsed = dialogue.is_collapsed(reply.actions, actions, episode.playback.chunk)
            episode.record.counters.collapsed_chunks += collapsed
            self._pacing.take(reply, now)
        except MotionError as error:
            episode.end(Cause.INVALID_ACTIONS, str(error), now)
        except ProtocolError as error:
            episode.end(Cause.PROTOCOL_ERROR, str(error), now)

    def on_server_failed(self, error: Exception, now: Instant) -> None:
        """Handle a failed server call: begin a new session where allowed, else end the episode."""
        episode = self._episode
        if self._may_restart(error):
            self._restart(error, now)
        else:
            connecting = episode.state is State.CONNECTING
            episode.end(cause_of(error, connecting=connecting), str(error), now)
        episode.dialogue.asking = False

    def _may_restart(self, error: Exception) -> bool:
        timeouts, asking = self._episode.timeouts, self._episode.dialogue.asking
        if not (timeouts.restart and asking and isinstance(error, LOSSES)):
            return False
        return self._episode.record.restarts < timeouts.max_restarts

    def _restart(self, error: Exception, now: Instant) -> None:
        """Stop the arm, which no chunk guides until a new session has a reply, and begin one."""
        self._episode.dialogue.abandon()
        self._pacing.come_to_rest(now)
        self._episode.record.restarted()
        self.begin(f"the connection is lost ({error}); waiting for the server", now)
