# SPDX-License-Identifier: Apache-2.0
"""Services that pause and resume the episode of a policy_node."""

from collections.abc import Callable
from typing import Any

from std_srvs.srv import Trigger

from vera_ros.errors import ConfigurationError
from vera_ros.policy.episode import Episode
from vera_ros.policy.ports import Instant


class PauseServices:
    """Serves `pause` and `resume` while the node is configured.

    Args:
        node: the rclpy node, with its flag `active`.
        episode: returns the current episode; None: there is none.
        now: returns the time.
        after_event: publishes what changed.
    """

    def __init__(
        self,
        node: Any,
        episode: Callable[[], Episode | None],
        now: Callable[[], Instant],
        after_event: Callable[[], None],
    ) -> None:
        self._node = node
        self._episode = episode
        self._now = now
        self._after_event = after_event
        node.offer(Trigger, "pause", self._on_pause)
        node.offer(Trigger, "resume", self._on_resume)

    def _on_pause(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        done = "the arm comes to rest; call resume to go on"
        return self._serve(response, Episode.pause, done)

    def _on_resume(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, Episode.resume, "the episode takes new pictures and goes on")

    def _serve(
        self, response: Trigger.Response, act: Callable[[Episode, Instant], None], done: str
    ) -> Trigger.Response:
        episode = self._episode()
        if episode is None or not self._node.active:
            response.message = "policy_node is not active; activate it first"
            return response
        try:
            act(episode, self._now())
        except ConfigurationError as error:
            response.message = str(error)
            return response
        self._after_event()
        response.success, response.message = True, done
        return response
