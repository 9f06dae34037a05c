# SPDX-License-Identifier: Apache-2.0
"""The reference policy of allegro: touches a ball, which it finds in the pictures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.robots.allegro.finger import Array, Finger
from vera_ros.robots.allegro.hand import (
    BALL_RADIUS_M,
    CAMERAS,
    COLOURS,
    FINGER,
    JOINTS,
    TIP_RADIUS_M,
)
from vera_ros.robots.allegro.sight import find_ball
from vera_ros.robots.handshake import make_server_config
from vera_ros.robots.reference_policy import MOST_STEPS, ReferencePolicy
from vera_ros.robots.request import read_horizon, read_numbers, read_pending, read_pictures

_EMBODIMENT = find_embodiment("allegro")
_HORIZON, _CONTEXT_FRAMES = 8, 9
_STEP_RAD = 0.12  # of a joint in one action
_TOUCH_M = BALL_RADIUS_M + TIP_RADIUS_M  # between the centres of tip and ball
_PRESS_M = 0.0015
_READY_M = 0.02  # between tip and ball before the touch
_OPEN_RAD = np.array([0.1, 0.1, 0.1])  # bends of a finger that may turn sideways
_BENT_RAD = 0.6  # sum of the bends from which on it may not
_TURN_RAD = 0.08  # it is opened for a larger turn
_NEAR_RAD = 0.15  # a finger so near to the last motion makes it
_MOVED_M = 0.01  # a ball that was seen so far from before has moved
# A client plays a chunk from a mixture of the last chunk's end and the measured joints: of VERA's
# runner, this is the former's share. A finger that is further from there was moved otherwise.
_KEPT, _ASTRAY_RAD = 0.8, 0.15


class TouchPolicy(ReferencePolicy):
    """A policy for a server to host, which uses the pictures and `q_robot` in a client's requests.

    It keeps where it saw the ball, and where it sent the finger, so a new episode needs `reset`. As
    VERA's server, it takes the views that `configure` names as `control_view_keys`, in that order.

    Args:
        looks_ahead: plan from where the pending actions of a request lead.
    """

    def __init__(self, *, looks_ahead: bool = True) -> None:
        super().__init__(
            replace(
                make_server_config(_EMBODIMENT, _HORIZON, _CONTEXT_FRAMES),
                action_space="joint_delta",
                image_resolution=None,
                proprio_keys=("q_robot",),
                needs_prompt=True,
            )
        )
        self._looks_ahead = looks_ahead
        self._finger = Finger()
        self._views = _EMBODIMENT.view_keys
        self.reset("start")

    def reset(self, reason: str) -> None:
        """Forget the episode, whatever the reason."""
        self._ball: Array | None = None
        self._draws_back = False
        self._sent_to: Array | None = None

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Change `n_action_steps`, or `control_view_keys`, the views of the requests.

        Raises:
            ConfigurationError: a setting is unknown or not valid; nothing is applied then.
        """
        rest = {name: value for name, value in settings.items() if name != "control_view_keys"}
        if len(rest) == len(settings):
            return super().configure(settings)
        views = settings["control_view_keys"]
        known = isinstance(views, list) and set(views) <= set(_EMBODIMENT.view_keys)
        if not known or not views or len(set(views)) < len(views):
            raise ConfigurationError(
                f"control_view_keys is {views!r}; valid are, once each, "
                f"{', '.join(_EMBODIMENT.view_keys)}"
            )
        applied = super().configure(rest)
        self._views = tuple(views)
        return {**applied, "control_view_keys": list(views)}

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the next changes of the joints, float32, Shape (H, 16), and info.

        Raises:
            ProtocolError: a field that the policy needs is missing or not valid.
        """
        horizon = read_horizon(request, self.horizon, MOST_STEPS)
        pending = read_pending(request, MOST_STEPS, len(JOINTS)) if self._looks_ahead else None
        colour = _colour_in(request.get("prompt"))
        pictures = read_pictures(request)
        if tuple(pictures) != self._views:
            raise ProtocolError(
                f"configure control_view_keys with the views {list(pictures)} first; the policy is "
                f"set to {list(self._views)}"
            )
        q = read_numbers(request, "q_robot", len(JOINTS))
        q, info = q[FINGER], dict[str, Any]()
        if pending is None:
            start = self._start(q)
        else:
            start = q = q + pending.sum(axis=0)[FINGER]
            info["pending_actions"] = len(pending)
        seen = find_ball(pictures, CAMERAS, colour)
        if isinstance(seen, str):
            info["note"] = seen
        else:
            self._see(seen)
            info["ball"] = seen.tolist()
        actions = np.zeros((horizon, len(JOINTS)), np.float32)
        way = [] if self._ball is None else self._way(q, self._ball)
        actions[:, FINGER] = _steps(start, way, horizon)
        self._sent_to = start + actions[:, FINGER].sum(axis=0)
        return {"action": actions, "info": info}

    def _start(self, q: Array) -> Array:
        """Return where the next chunk begins, for a measured finger: it may press on something."""
        if self._sent_to is None or np.abs(self._sent_to - q).max() > _ASTRAY_RAD:
            return q
        return _KEPT * self._sent_to + (1 - _KEPT) * q

    def _see(self, ball: Array) -> None:
        """Note where the ball is; where it has moved, the finger first draws back."""
        if self._ball is not None and np.linalg.norm(ball - self._ball) > _MOVED_M:
            self._draws_back = True
        self._ball = ball

    def _way(self, q: Array, ball: Array) -> list[Array]:
        """Return the postures that the finger goes through; none where the ball is out of reach."""
        ready = self._finger.reach(ball, _TOUCH_M + _READY_M)
        touch = self._finger.reach(ball, _TOUCH_M - _PRESS_M, ready)
        if ready is None or touch is None:
            return []
        is_bent = q[1:].sum() > _BENT_RAD
        opened, turned = np.append(q[0], _OPEN_RAD), np.append(ready[0], _OPEN_RAD)
        self._draws_back = self._draws_back and bool(is_bent)
        if self._draws_back or (is_bent and abs(q[0] - ready[0]) > _TURN_RAD):
            return [opened]
        if abs(q[0] - ready[0]) > _TURN_RAD:
            return [turned, ready]
        if _distance(q, ready, touch) < _NEAR_RAD:
            return [touch]
        return [ready]


def _colour_in(prompt: Any) -> str:
    """Return the one colour that a prompt names."""
    named = [colour for colour in COLOURS if colour in str(prompt or "").lower()]
    if len(named) != 1:
        raise ProtocolError(
            f"the prompt is {prompt!r}; it must name one of the colours {', '.join(COLOURS)}"
        )
    return named[0]


def _distance(q: Array, start: Array, end: Array) -> float:
    """Return how far any joint is from the straight motion between two postures."""
    along = end - start
    share = np.clip((q - start) @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
    return float(np.abs(q - start - share * along).max())


def _steps(q: Array, way: list[Array], count: int) -> npt.NDArray[np.float64]:
    """Return the changes of so many actions along a way, none larger than _STEP_RAD."""
    steps, left = np.zeros((count, len(q))), list(way)
    for step in steps:
        while left and np.abs(left[0] - q).max() < 1e-6:
            left.pop(0)
        if left:
            change = left[0] - q
            step[:] = change * min(1.0, _STEP_RAD / float(np.abs(change).max()))
            q = q + step
    return steps
