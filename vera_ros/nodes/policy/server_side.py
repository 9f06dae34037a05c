# SPDX-License-Identifier: Apache-2.0
"""The policy server's side of policy_node: link, settings, reloading and reports."""

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError, VeraRosError, WireError
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.server_link import ServerLink
from vera_ros.nodes.policy.server_reload import ServerReload
from vera_ros.nodes.policy.server_settings import ServerSettings, read_settings
from vera_ros.policy.episode import Episode
from vera_ros.policy.ports import Instant
from vera_ros.policy.sessions import Sessions
from vera_ros.printable import printable_lines
from vera_ros.wire.client import ClientTimeouts
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.connection.address import without_password
from vera_ros.wire.connection.patience import FailedAttempt
from vera_ros.wire.protocol.messages import InferReply
from vera_ros.wire.protocol.server_config import MAX_STEPS, ServerConfig
from vera_ros.wire.provenance import describe_server, protocol_warning, viewer_url
from vera_ros.wire.session import SessionOptions
from vera_ros.wire.tuning import Tuned

_LINES = 50  # of a traceback in the log
_OBSERVE_S = 5.0  # for the viewer, since the next request waits for it


class ServerSide:
    """Owns the link to the server and passes its events to the current episode.

    Args:
        node: the rclpy node.
        embodiment: the embodiment that the server must serve.
        episode: returns the current episode; None: there is none.
        now: returns the time.
        after_event: called after an event was passed on.

    Attributes:
        link: the server port of the episodes.
        settings: settings of the server that can be tuned while it runs.
        config: the server's last configuration; None: not received yet.
        observe_failures: number of failures to show the server what was played, by kind.

    Raises:
        ConfigurationError: parameters contradict each other.
    """

    def __init__(
        self,
        node: VeraNode,
        embodiment: Embodiment,
        episode: Callable[[], Episode | None],
        now: Callable[[], Instant],
        after_event: Callable[[], None],
    ) -> None:
        self._node = node
        self._episode = episode
        self._now = now
        self._after_event = after_event
        options = session_options(node.parameters, embodiment)
        read_settings(node, embodiment)
        self.config: ServerConfig | None = None
        self.observe_failures: Counter[str] = Counter()
        answers = node.create_guard_condition(self._deliver)
        self.link = ServerLink(options, self, answers.trigger)
        self.settings = ServerSettings(node, self.link, embodiment, self._on_applied)
        self._reload = ServerReload(
            node, self.link, embodiment, self._why_no_reload, self._on_reloaded
        )

    @property
    def url(self) -> str:
        """The server's address, as it may be shown."""
        return without_password(self._node.parameters["server_url"])

    @property
    def viewer_url(self) -> str:
        """The address of the server's live viewer; empty: not known."""
        given = without_password(self._node.parameters["viewer_url"])
        return given or (viewer_url(self.url, self.config) if self.config else "")

    @property
    def reloading(self) -> bool:
        """Whether the server is loading models."""
        return self._reload.under_way

    def give_up(self) -> None:
        """Fail service calls that wait for the server."""
        self._reload.give_up()

    def close(self) -> None:
        """Disconnect."""
        self.settings.close()
        self.link.stop()

    def _deliver(self) -> None:
        self.link.deliver()
        self._after_event()

    def _why_no_reload(self) -> str:
        episode = self._episode()
        if not self._node.active or episode is None:
            return "policy_node is not active; activate it first"
        if episode.running:
            return "an episode is running; cancel it, or wait for its end"
        return ""

    def _note_config(self, config: ServerConfig) -> None:
        if config == self.config:
            return
        self.config = config
        viewer = f"; its viewer is at {self.viewer_url}" if self.viewer_url else ""
        self._node.get_logger().info(f"server {self.url}: {describe_server(config)}{viewer}")
        warning = protocol_warning(config)
        if warning:
            self._node.get_logger().warning(warning)

    def _on_reloaded(self, config: ServerConfig) -> None:
        self._note_config(config)
        self._after_event()

    def _on_applied(self, applied: Mapping[str, Any]) -> None:
        episode, steps = self._episode(), applied.get("n_action_steps")
        if episode is not None and type(steps) is int and 1 <= steps <= MAX_STEPS:
            episode.sessions.on_action_horizon(steps)

    # Callbacks of the link.

    def on_connected(self, config: ServerConfig) -> None:
        """See ServerEvents."""
        self._note_config(config)
        self._tell(lambda sessions, now: sessions.on_connected(config, now))

    def on_attempt_failed(self, attempt: FailedAttempt) -> None:
        """See ServerEvents."""
        self._node.get_logger().warning(
            f"attempt {attempt.number} to connect failed, the next one follows in "
            f"{attempt.wait_s:.1f} s: {attempt.error}",
            throttle_duration_sec=5.0,
        )
        self._tell(lambda sessions, now: sessions.on_attempt_failed(attempt, now))

    def on_reply(self, reply: InferReply, latency_s: float) -> None:
        """See ServerEvents."""
        self._tell(lambda sessions, now: sessions.on_reply(reply, latency_s, now))

    def on_server_failed(self, error: Exception) -> None:
        """See ServerEvents."""
        self._tell(lambda sessions, now: sessions.on_server_failed(error, now))

    def on_tuned(self, tuned: Tuned) -> None:
        """See ServerEvents."""
        self.settings.on_tuned(tuned)

    def on_observe_failed(self, error: WireError) -> None:
        """See ServerEvents."""
        kind = type(error).__name__
        self.observe_failures[kind] += 1
        if self.observe_failures[kind] == 1:
            self._node.get_logger().warning(f"the viewer was not shown what was played: {error}")

    def _tell(self, event: Callable[[Sessions, Instant], None]) -> None:
        episode = self._episode()
        if episode is None:
            return
        try:
            event(episode.sessions, self._now())
        except VeraRosError as error:  # such as a configuration that no window fits
            episode.sessions.on_server_failed(error, self._now())
        except Exception as error:  # a bug that a server brings out must not end the node
            self._node.get_logger().error(printable_lines(traceback.format_exc(), _LINES))
            episode.sessions.on_server_failed(error, self._now())


def session_options(parameters: dict[str, Any], embodiment: Embodiment) -> SessionOptions:
    """Return the session's options from the node's parameters.

    Raises:
        ConfigurationError: the parameters contradict each other.
    """
    infer_s, ping_s = parameters["infer_timeout_s"], parameters["ping_timeout_s"]
    if ping_s < infer_s:
        raise ConfigurationError(
            f"ping_timeout_s is {ping_s:g} and infer_timeout_s {infer_s:g}: a server that infers "
            "answers no ping, and would be cut off before its time is up; make ping_timeout_s at "
            "least as long"
        )
    access = ServerAccess.of(parameters)
    access.options(parameters["server_url"])  # files that cannot be used are said at the start
    return SessionOptions(
        url=parameters["server_url"],
        embodiment=embodiment,
        connect_s=parameters["connect_timeout_s"],
        handshake_s=parameters["handshake_timeout_s"],
        timeouts=ClientTimeouts(
            infer_s=infer_s,
            reset_s=parameters["handshake_timeout_s"],  # part of an attempt to connect
            configure_s=infer_s,  # it may have to wait for another client's inference
            observe_s=_OBSERVE_S,
            ping_interval_s=parameters["ping_interval_s"],
            ping_timeout_s=ping_s,
        ),
        observe=parameters["observe"],
        adaptive_gains={"on": True, "off": False}.get(parameters["adaptive_gains"]),
        access=access,
    )
