# SPDX-License-Identifier: Apache-2.0
"""The reference policy of PushT: pushes the block onto its goal, from pictures alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ProtocolError
from vera_ros.robots.handshake import make_server_config
from vera_ros.robots.pusht.geometry import Array
from vera_ros.robots.pusht.localisation import Sighting, locate
from vera_ros.robots.pusht.planner import Plan, PushPlanner, error_px
from vera_ros.robots.reference_policy import MOST_STEPS, ReferencePolicy
from vera_ros.robots.request import read_horizon, read_pending, read_pictures

_EMBODIMENT = find_embodiment("pusht")
_HORIZON, _CONTEXT_FRAMES = 2, 2
_VIEW = _EMBODIMENT.view_keys[0]
_SCALE = np.array(_EMBODIMENT.action_scale) * _EMBODIMENT.control_dt_s  # px of an action's 1.0
_DONE_PX = 3.0  # mean distance of the block's corners from the goal, below which it is left alone
_ASTRAY_PX = 10.0  # a pusher this far from where it was sent has not followed


class PushPolicy(ReferencePolicy):
    """A policy for a server to host, which uses nothing but the pictures in the client's requests.

    It keeps the present push, so a new episode needs `reset`.

    Args:
        looks_ahead: plan from where the pending actions of a request lead.
    """

    def __init__(self, *, looks_ahead: bool = True) -> None:
        super().__init__(
            replace(
                make_server_config(_EMBODIMENT, _HORIZON, _CONTEXT_FRAMES),
                action_space="pos",
                actions_already_metric=False,
                image_resolution=None,
                proprio_keys=(),
            )
        )
        self._looks_ahead = looks_ahead
        self.reset("start")

    def reset(self, reason: str) -> None:
        """Forget the episode, whatever the reason."""
        self._planner = PushPlanner()
        self._plan = Plan.none()
        self._sent_to: Array | None = None

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the next actions, float32, Shape (H, 2), and what the picture shows as info.

        An action of 1.0 stands for 25 px/s. Where the picture does not show both pusher and block,
        the pusher waits.

        Raises:
            ProtocolError: a field that the policy needs is missing or not valid.
        """
        horizon = read_horizon(request, self.horizon, MOST_STEPS)
        pending = read_pending(request, MOST_STEPS, 2) if self._looks_ahead else None
        pictures = read_pictures(request)
        if _VIEW not in pictures:
            raise ProtocolError(
                f"view_keys {list(pictures)} lack '{_VIEW}', the view that the policy needs"
            )
        height, width = pictures[_VIEW].shape[:2]
        if height != width:
            raise ProtocolError(f"view '{_VIEW}' is {width} x {height} px; it must be square")
        seen = locate(pictures[_VIEW])
        info: dict[str, Any] = {} if pending is None else {"pending_actions": len(pending)}
        if isinstance(seen, str):
            self._plan, self._sent_to = Plan.none(), None
            return {"action": np.zeros((horizon, 2), np.float32), "info": {**info, "note": seen}}
        if pending is not None:
            seen = self._planner.predict(seen, seen.pusher + np.cumsum(pending * _SCALE, axis=0))
        info |= {"pusher": seen.pusher.tolist(), "block": seen.block.tolist()}
        return {"action": self._act(seen, horizon), "info": info}

    def _act(self, now: Sighting, horizon: int) -> npt.NDArray[np.float32]:
        """Plan from a sighting; return the actions."""
        followed = self._sent_to is None or (
            np.linalg.norm(now.pusher - self._sent_to) < _ASTRAY_PX
        )
        plan = Plan.none()
        if error_px(now.block) > _DONE_PX:
            plan = self._planner.plan(now, self._plan if followed else plan)
        targets = plan.targets[:horizon]
        self._plan = plan.after(horizon)
        self._sent_to = targets[-1] if len(targets) else None
        actions = np.zeros((horizon, 2), np.float32)
        actions[: len(targets)] = np.diff(np.vstack((now.pusher, targets)), axis=0) / _SCALE
        return actions
